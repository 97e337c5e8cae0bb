// A function bound a million times.
// expect: 503 PLUGIN_MEMORY or 503 PLUGIN_CRASHED or 504 PLUGIN_DEADLINE or 500 PLUGIN_ERROR
export default () => { let f = () => 1; for (let n = 0; n < 1000000; n++) f = f.bind(null, n); return f(); };
