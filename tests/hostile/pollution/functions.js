// `call` and `apply` that do nothing.
// expect: 200 "saved"
export default () => {
  Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => undefined;
  return $app.dao().saveRecord("SLUG_NAME", { text: "saved" }).text;
};
