// Getters that get one another.
// expect: 500 PLUGIN_ERROR
const odd = { get a() { return this.b; }, get b() { return this.a; } };
export default () => odd.a;
