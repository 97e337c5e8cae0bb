// A number of nine quadrillion bits, none of them one.
// expect: 500 PLUGIN_ERROR
// says: Maximum BigInt size
export default () => typeof BigInt.asUintN(2 ** 53 - 1, -1n);
