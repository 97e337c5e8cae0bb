// Templates, each of which is kept by its place.
// expect: 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE or 500 PLUGIN_ERROR
const tag = (parts) => parts;
export default () => { const all = new Map(); for (;;) all.set(Symbol(), tag`a${all.size}b`.concat(Array(1000).fill(all.size))); };
