// A search through nine quadrillion places that are not there.
// expect: 504 PLUGIN_DEADLINE
export default () => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);
