// A record under the id of another tenant's.
// expect: 200 "RECORD_NOT_FOUND" or 200 "RECORD_INVALID" or 200 null
export default (e) => { try { $app.dao().saveRecord("SLUG_NAME", { id: e.body.foreign, text: "stolen" }); } catch (error) { return error.code; } };
