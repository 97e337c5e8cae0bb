// The daemon's own code, claimed by a plugin.
// expect: 503 STORE_DAMAGED
export default () => { throw new AppError("STORE_DAMAGED", "the store is lost", { status: 503 }); };
