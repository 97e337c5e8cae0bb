// Collections by names that every object has.
// expect: 200 ["PERMISSION_DENIED","PERMISSION_DENIED","PERMISSION_DENIED"]
const code = (name) => { try { $app.dao().countRecords(name, {}); } catch (error) { return error.code; } return "taken"; };
export default () => ["__proto__", "constructor", "hasOwnProperty"].map(code);
