// A trap that is the function below it, a hundred thousand times.
// expect: 200 1 or 500 PLUGIN_ERROR or 503 PLUGIN_CRASHED or 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => { let f = () => 1; for (let n = 0; n < 1e5; n++) f = new Proxy(f, { apply: f }); return f(); };
