// An answer of forty megabytes.
// expect: 503 OVERLOADED or 500 OVERLOADED or 429 OVERLOADED or 503 PLUGIN_MEMORY
export default () => Array.from({ length: 40 }, () => "x".repeat(1000000));
