// Faults one after the other, until the plugin is paused.
// expect: 503 PLUGIN_UNAVAILABLE
// alone: true
// times: 7
// deadline: 300ms
export default () => { for (;;); };
