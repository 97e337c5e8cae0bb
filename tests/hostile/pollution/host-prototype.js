// The prototype under the host's object, replaced.
// expect: 500 PLUGIN_ERROR
// says: TypeError
export default () => { Object.setPrototypeOf($app, { publish() {} }); };
