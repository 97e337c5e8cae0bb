// The host's object, replaced.
// expect: 200 "function" or 500 PLUGIN_ERROR
export default () => { globalThis.$app = {}; return typeof $app.dao; };
