// A toJSON that gives one more level each time.
// expect: 500 VALUE_UNSUPPORTED
const deeper = () => ({ toJSON: () => ({ a: deeper() }) });
export default () => deeper();
