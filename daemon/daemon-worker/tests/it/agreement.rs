//! What the checker reads as a module, the worker loads, and what it calls broken, the worker refuses.

use crate::harness::{Parent, load_modules};
use contract_parse::{PluginSource, ProblemKind, SourceFile, parse_plugin, runnable};

const MANIFEST: &str = "manifest: 1\nslug: ap\nname: Payables\nversion: 1.0.0\nentry: src/main.js\n";

/// Modules that are written like nothing else here.
const SOUND: &[&str] = &[
    // Default exports.
    "export default () => {};",
    "export default async () => {};",
    "export default async (e) => e",
    "export default async e => e;",
    "export default function () {}",
    "export default function* () {}",
    "export default async function () {}",
    "export default async function* () {}",
    "export default async function named() {}",
    "export default class {}",
    "export default class Named {}",
    "export default { register() {} };",
    "export default [];",
    "export default (async () => {});",
    "export default (function () {})",
    "export default `a`;",
    "export default await 1;",
    "const a = 1; export { a as default };",
    // Other exports and imports.
    "export const a = 1, b = 2; export { a as c }; export { b as 'd e' };",
    "export async function f() {} export function* g() {} export async function* h() {} export class K {}",
    "import d, { a, b as c, default as e } from './other.js';\nexport { a }; export * from './other.js';",
    "import * as all from './other.js'; export * as all from './other.js'; export { default as x } from './other.js';",
    "import './other.js'; import {} from './other.js'; export {};",
    "import d from './data.json' with { type: 'json' };",
    "const late = await import('./other.js'); late.a;",
    "import.meta;",
    // Beginnings.
    "\u{feff}const a = 1;",
    "#!/usr/bin/env node\nconst a = 1;",
    "'use strict';\nconst a = 1;",
    "// a\r\n/* b */\r\nconst a = 1;\r\n",
    "",
    // Classes.
    "class A { #x = 1; static #y = 2; get x() { return this.#x } set x(v) { this.#x = v } static { A.z = A.#y } has(o) { return #x in o } }",
    "class A { static async *f() {} async g() {} *h() {} ['k']() {} 'l'() {} 1() {} }",
    "class A { constructor() { new.target } } class B extends A { constructor() { super(); } m() { return super.toString() } }",
    "const M = (Base) => class extends Base {}; class C extends M(Object) {}",
    "class A { x; y = 1; static z; f = () => this.x }",
    // Functions and their arguments.
    "const f = ({ a = 1, ...rest } = {}, [b, , c] = [], ...more) => ({ a, rest, b, c, more }); f();",
    "async function f() { for await (const a of []) { await a } } f();",
    "const o = { async a() {}, *b() {}, async *c() {}, get d() { return 1 }, set d(v) {}, ['e']: 1, 'f': 2, 3: 4 };",
    "label: for (const a of [1]) { for (;;) { continue label } }",
    // Expressions.
    "const a = null; a?.b?.[1]?.(2) ?? 3; let b; b ??= 1; b ||= 2; b &&= 3;",
    "2 ** 3; 1_000_000; 0b11; 0o17; 0xff; 10n; .5; 1e3;",
    "const re = /(?<year>\\d{4})-(?=\\d)(?<!a)\\p{L}/gu; re.test('a');",
    "const t = String.raw`a\\n${1}`; `${`nested ${1}`}`;",
    "try { throw 1 } catch { } finally { }",
    "const { a: { b: [c] = [1] } = {} } = {}; [...[1, 2]]; ({ ...{ d: 1 } });",
    "const größe = 1; const \\u0061b = 2; ab + größe;",
    "function async(x) { return x } (async)('a'); ({ async(x) { return x } }).async(1);",
    "var async = 1, of = 2, get = 3, set = 4, from = 5, as = 6; async + of + get + set + from + as;",
    "globalThis.x = void 0, delete globalThis.x; typeof y;",
    "switch (1) { case 1: { let a; break } default: }",
    "using x = null; { await using y = null }",
    "do { } while (false)\nconst a = 1\n;[1].forEach(() => {})",
];

/// Not one of them is a module.
const BROKEN: &[&str] = &[
    "const a = ;",
    "export default",
    "cosnt x = 1;",
    "import { a from './other.js';",
    "class A { #x; #x }",
    "return 1;",
    "with ({}) {}",
    "let a; let a;",
    "export { missing };",
    "await = 1;",
    "new.target",
    "super.x;",
    "break;",
    "a: a: for (;;) {}",
    "for (const a of []) function f() {}",
    "'use strict'; 010;",
    "const o = { __proto__: 1, __proto__: 2 };",
    "delete async; delete x;",
    // Proposals.
    "class A { accessor x = 1 }",
    "const dec = (c) => c; @dec class A {}",
    "class A { @dec m() {} }",
    // What the engine takes for the beginning of an arrow function.
    "function async(x) { return x } async('a');",
    "let async = (x) => x; const y = [async (1)];",
];

/// What each says of a module: nothing where it takes it.
fn said(text: &str) -> (Option<String>, Option<String>) {
    let modules = [("src/main.js", text), ("src/other.js", OTHER), ("src/data.json", "{}")];
    let mut files: Vec<SourceFile> = modules.map(|(path, text)| file(path, text)).into();
    files.push(file("plugin.yaml", MANIFEST));
    let parsed = parse_plugin(&PluginSource { folder: "ap".to_owned(), files });
    let wrong = [ProblemKind::SourceUnparsable, ProblemKind::UnresolvedImport];
    let checker = parsed.problems.into_iter().find(|problem| wrong.contains(&problem.kind)).map(|one| one.message);
    let sources = modules.map(|(path, text)| (path, runnable(path, text).unwrap_or_default()));
    let loaded = Parent::start(load_modules(&sources.each_ref().map(|(path, text)| (*path, text.as_str()))));
    (checker, loaded.err().map(|failure| failure.error.message))
}

const OTHER: &str = "export const a = 1, b = 2; export default 3; export { a as e };";

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn what_the_checker_reads_the_worker_loads() {
    let refused = SOUND.iter().map(|text| (text, said(text))).filter(|(_, said)| *said != (None, None));
    assert_eq!(refused.collect::<Vec<_>>(), Vec::new());
}

#[test]
fn what_the_checker_calls_broken_the_worker_refuses() {
    let taken = BROKEN.iter().map(|text| (text, said(text))).filter(|(_, (a, b))| a.is_none() || b.is_none());
    assert_eq!(taken.collect::<Vec<_>>(), Vec::new());
}
