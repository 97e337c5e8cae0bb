// A message of a megabyte.
// expect: 500 PLUGIN_ERROR
// says: yyy
export default () => { throw new Error("y".repeat(1000000)); };
