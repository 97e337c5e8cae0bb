// A test that asks itself.
// expect: 500 PLUGIN_ERROR
class Odd { static [Symbol.hasInstance](x) { return x instanceof Odd; } }
export default () => ({}) instanceof Odd;
