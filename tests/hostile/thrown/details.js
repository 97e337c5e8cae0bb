// Details without an end.
// expect: 400 ODD or 500 PLUGIN_ERROR or 500 VALUE_UNSUPPORTED
export default () => { const d = {}; d.d = d; throw new AppError("ODD", "m", { status: 400, details: d }); };
