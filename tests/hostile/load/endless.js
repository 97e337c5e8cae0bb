// A module that never ends its first run.
// expect: refused PLUGIN_DEADLINE
while (true) {}
