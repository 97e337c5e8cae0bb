// A name that only looks like that of a collection.
// expect: 500 PERMISSION_DENIED or 404 COLLECTION_UNKNOWN or 500 COLLECTION_UNKNOWN
export default () => $app.dao().findRecordsByFilter("c\u0430lm_secrets", {});
