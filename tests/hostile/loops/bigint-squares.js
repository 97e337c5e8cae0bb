// Numbers that double their digits at each step.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR
export default () => { let n = 3n; for (;;) n *= n; };
