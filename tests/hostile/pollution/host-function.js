// A function of the host, replaced.
// expect: 500 PLUGIN_ERROR
// says: TypeError
export default () => { $app.dao = () => "owned"; };
