// Codes that would move the cursor of who reads the log.
// expect: 200 "logged"
export default () => { $app.log("error", "\u001b[2J\u001b]0;owned\u0007 hostile-mark\r\nfaked line", { "\u001b[31m": "\u001b[0m" }); return "logged"; };
