// A chain of fifty thousand proxies, which the engine walks natively.
// expect: 503 PLUGIN_CRASHED or 500 PLUGIN_ERROR or 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => { let p = {}; for (let n = 0; n < 50000; n++) p = new Proxy(p, {}); return p.x === undefined; };
