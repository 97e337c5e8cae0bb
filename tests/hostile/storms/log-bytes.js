// A line of log of a megabyte.
// expect: 200 "logged"
export default () => { $app.log("warn", "x".repeat(1000000), { text: "y".repeat(100000) }); return "logged"; };
