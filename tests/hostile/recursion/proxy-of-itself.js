// A proxy that is its own prototype's proxy.
// expect: 503 PLUGIN_CRASHED or 500 PLUGIN_ERROR or 504 PLUGIN_DEADLINE
export default () => { const o = {}; const p = new Proxy(o, {}); Object.setPrototypeOf(o, p); return o.x; };
