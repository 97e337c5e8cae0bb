// Places that are not there, moved to others that are not there.
// expect: 504 PLUGIN_DEADLINE
export default () => Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 0, 1).length;
