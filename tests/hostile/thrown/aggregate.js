// A million errors in one.
// expect: 500 PLUGIN_ERROR or 503 PLUGIN_MEMORY
export default () => { throw new AggregateError(Array.from({ length: 1e5 }, (_, n) => new Error(`e${n}`)), "many"); };
