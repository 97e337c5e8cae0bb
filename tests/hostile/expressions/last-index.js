// A pattern that begins where no text is.
// expect: 200 null
export default () => { const pattern = /a/y; pattern.lastIndex = 2 ** 53 - 1; return pattern.exec("a"); };
