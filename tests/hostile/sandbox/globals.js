// What a plugin finds in its world that the language does not bring.
// expect: 200 []
const own = ["$app", "$http", "$jobs", "AppError", "console", "coerce"];
export default () => own.filter((name) => { try { return Object.isExtensible(globalThis[name] ?? Object.freeze({})); } catch { return true; } }).filter((name) => name !== "AppError" && name !== "coerce");
