// An amount of a million digits, multiplied by a factor of a million digits.
// expect: 500 PLUGIN_ERROR or 504 PLUGIN_DEADLINE
export default () => String($app.money.mul(BigInt("9".repeat(1e6)), "0." + "9".repeat(1e6))).length;
