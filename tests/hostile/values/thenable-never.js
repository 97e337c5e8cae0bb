// An answer that never settles.
// expect: 500 PLUGIN_ERROR
// says: never settled
export default async () => ({ then() {} });
