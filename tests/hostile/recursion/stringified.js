// An object a hundred thousand levels deep as JSON.
// expect: 503 PLUGIN_CRASHED or 500 PLUGIN_ERROR or 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => { let o = {}; for (let n = 0; n < 100000; n++) o = { o }; return JSON.stringify(o).length; };
