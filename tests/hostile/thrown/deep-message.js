// An error whose message is an object that shares its parts: written out, it would be 2^40 of them.
// expect: 500 PLUGIN_ERROR
export default () => {
  let wide = {};
  for (let n = 0; n < 40; n++) wide = { a: wide, b: wide };
  const error = new Error("x");
  error.message = wide;
  throw error;
};
