// A replacement that is worked out for ever.
// expect: 504 PLUGIN_DEADLINE
export default () => "a".replace(/a/, () => { for (;;); });
