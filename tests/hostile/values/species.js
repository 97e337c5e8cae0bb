// A list of a class that makes other lists of itself, and lies about its length.
// expect: 200 [1,2]
class Odd extends Array {
  static get [Symbol.species]() { return function () { return { length: 2 ** 53 - 1 }; }; }
}
export default () => Odd.of(1, 2);
