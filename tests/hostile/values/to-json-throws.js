// A toJSON that throws.
// expect: 409 OWN
export default () => ({ toJSON() { throw new AppError("OWN", "mine", { status: 409 }); } });
