// A copy of nine quadrillion places.
// expect: 500 PLUGIN_ERROR
// says: array exceeded max size
export default () => Array.prototype.toSpliced.call({ length: 2 ** 53 - 1 }, 0, 1).length;
