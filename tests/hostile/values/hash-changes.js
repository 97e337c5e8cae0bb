// The hash of a field that is another at each look: each look is one.
// expect: 200 [false,2]
let looks = 0;
const odd = { get n() { looks += 1; return looks; } };
export default () => [$app.hash(odd) === $app.hash(odd), looks];
