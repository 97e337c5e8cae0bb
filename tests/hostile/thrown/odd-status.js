// An error that claims to be a success.
// expect: 500 ODD
export default () => { throw new AppError("ODD", "m", { status: 200 }); };
