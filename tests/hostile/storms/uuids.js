// A million ids: nothing but time.
// expect: 200 true or 504 PLUGIN_DEADLINE
export default () => { let last; for (let n = 0; n < 1000000; n++) last = $app.uuid(); return last.length > 0; };
