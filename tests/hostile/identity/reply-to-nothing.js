// A reply where nothing was asked.
// expect: 500 PLUGIN_ERROR
// says: TypeError
export default (e) => e.reply({});
