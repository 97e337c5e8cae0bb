// A module that takes all memory before it registers anything.
// expect: refused PLUGIN_MEMORY or refused PLUGIN_DEADLINE
const all = [];
for (;;) all.push("x".repeat(100000) + all.length);
