// An error that is its own cause.
// expect: 500 PLUGIN_ERROR
// says: round
export default () => { const error = new Error("round"); error.cause = error; throw error; };
