// `__proto__` in what a client sends.
// expect: 200 [true,true]
export default (e) => [({}).polluted === undefined, Object.getPrototypeOf(e.body) === Object.prototype];
