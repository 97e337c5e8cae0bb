// A code of a megabyte.
// expect: 400 *
export default () => { throw new AppError("C".repeat(1000000), "m", { status: 400 }); };
