// The class of errors, changed.
// expect: 500 PLUGIN_ERROR or 418 NO
export default () => { AppError.prototype.code = "OK"; throw new AppError("NO", "refused", { status: 418 }); };
