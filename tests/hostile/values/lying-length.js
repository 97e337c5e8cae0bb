// A proxy of a list that claims any length.
// expect: 500 VALUE_UNSUPPORTED or 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY
export default () => new Proxy([], { get: (list, key) => (key === "length" ? 2 ** 53 - 1 : 1) });
