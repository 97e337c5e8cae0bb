// A payload and a shape without an end, made up as they are looked at.
// expect: 500 VALUE_UNSUPPORTED
const endless = () => new Proxy({}, { get: () => endless(), ownKeys: () => ["a"], getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: endless() }) });
export default () => coerce(endless(), endless());
