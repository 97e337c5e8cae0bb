// An error whose code is another at each look, and whose message throws.
// expect: 400 *
export default () => {
  let looks = 0;
  const error = new AppError("REAL", "real", { status: 400 });
  Object.defineProperty(error, "code", { get: () => (looks++ ? "SECOND" : "FIRST") });
  Object.defineProperty(error, "message", { get: () => { throw new Error("not this one"); } });
  throw error;
};
