// A look at when memory is given back.
// expect: 200 0
const seen = [];
export default () => { new FinalizationRegistry((n) => seen.push(n)).register({}, 1); for (let n = 0; n < 100000; n++) ({}); return seen.length; };
