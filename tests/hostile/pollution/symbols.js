// Symbols on every object that say what it becomes.
// expect: 200 7
Object.prototype[Symbol.toPrimitive] = () => { throw new Error("looked at"); };
Object.prototype[Symbol.isConcatSpreadable] = true;
Object.prototype[Symbol.toStringTag] = "owned";
Object.prototype[Symbol.iterator] = function* () { yield "owned"; };
export default () => $app.dao().saveRecord("SLUG_NAME", { n: 7 }).n;
