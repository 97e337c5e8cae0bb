// A text, thrown.
// expect: 500 PLUGIN_ERROR
// says: words
export default () => { throw "words"; };
