// Amounts that are made up as they are looked at.
// expect: 500 PLUGIN_ERROR
// says: TypeError
export default () => $app.money.add({ [Symbol.toPrimitive]: () => 1, valueOf: () => 2 }, new Proxy({}, { get: () => () => 3 }));
