// A shape that holds itself, for a payload that does so too.
// expect: 500 VALUE_UNSUPPORTED
export default () => {
  const payload = {}, shape = {};
  payload.a = payload;
  shape.a = shape;
  return coerce(payload, shape);
};
