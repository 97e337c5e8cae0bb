// A test of nine quadrillion places that are not there.
// expect: 504 PLUGIN_DEADLINE
export default () => Array.prototype.every.call({ length: 2 ** 53 - 1 }, () => true);
