// A power with sixty-seven million bits in its exponent alone.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR
export default () => String(2n ** (2n ** 26n)).length;
