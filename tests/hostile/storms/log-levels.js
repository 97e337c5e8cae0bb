// A level of log of a megabyte, and fields with line ends in their names.
// expect: 200 "logged"
export default () => { $app.log("info", "fields", { "a\nlevel=error msg=\"forged-mark\"": 1, "\u2028": "\u2028" }); $app.log("x".repeat(1e6), "no level"); return "logged"; };
