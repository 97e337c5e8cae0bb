// Weights whose number is another at each look.
// expect: 500 PLUGIN_ERROR
// says: array
let looks = 0;
export default () => $app.money.allocate(100, new Proxy([1, 1], { get: (list, name) => (name === "length" ? (looks += 1) * 2 ** 31 : list[name]) }));
