// Boxes of a number, a text and a bigint, with values of their own to convert to.
// expect: 500 VALUE_UNSUPPORTED
export default () => {
  const box = Object(1);
  box[Symbol.toPrimitive] = () => { throw new Error("looked at"); };
  return [box, Object("a"), Object(2n)];
};
