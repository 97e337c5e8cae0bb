// A list that claims nine quadrillion places, put behind another.
// expect: 500 PLUGIN_ERROR or 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY
export default () => [].concat({ length: 2 ** 53 - 1, [Symbol.isConcatSpreadable]: true }).length;
