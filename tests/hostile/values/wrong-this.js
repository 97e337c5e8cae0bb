// Functions of the host, called on something else.
// expect: 200 "mine" or 500 PLUGIN_ERROR
export default () => {
  const { saveRecord } = $app.dao();
  return saveRecord.call({ tenant: "quiet" }, "SLUG_NAME", { text: "mine" }).text;
};
