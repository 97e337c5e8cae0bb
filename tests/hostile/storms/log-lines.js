// A hundred thousand lines of log; a hundred are kept, the rest is counted.
// expect: 200 "logged"
// deadline: 30s
export default () => { for (let n = 0; n < 100000; n++) $app.log("info", `line ${n}`); return "logged"; };
