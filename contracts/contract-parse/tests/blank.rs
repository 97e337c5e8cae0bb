//! TypeScript in, JavaScript with everything in its place out.

use contract_parse::blank_types;

/// The output must be `want` once runs of blanks are one blank, and keep the length and the lines of the input.
#[track_caller]
fn check(text: &str, want: &str) {
    let got = blank_types("a.ts", text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeeze(&got), want, "from: {text}\nraw:  {got}");
    assert_eq!(got.chars().count(), text.chars().count());
    assert_eq!(got.lines().count(), text.lines().count());
}

#[track_caller]
fn check_refused(text: &str, want: &str) {
    let problems = blank_types("a.ts", text).expect_err(text);
    assert!(problems.iter().any(|one| one.message.contains(want)), "{problems:?}");
}

#[test]
fn annotations_go() {
    check("const a: number = 1, b: Map<string, Array<number>> = c;", "const a = 1, b = c;");
    check("let a!: string;", "let a ;");
    check(
        "function f<T extends object>(a: T, b?: number, ...c: T[]): asserts a is T { return a }",
        "function f (a , b , ...c ) { return a }",
    );
    check("function f(this: Window, a: number) {}", "function f( a ) {}");
    check("function f(this: Window) {}", "function f( ) {}");
    check("const f = async <T,>(a: T): Promise<T> => a;", "const f = async (a ) => a;");
    check(
        "const f = ({a, b}: {a: number; b: string}, [c]: [number] = [1]): void => {}",
        "const f = ({a, b} , [c] = [1]) => {}",
    );
    check("try {} catch (e: unknown) {}", "try {} catch (e ) {}");
    check("const t = `a${b as string}c`;", "const t = `a${b }c`;");
    check("for (const a of b as string[]) {}", "for (const a of b ) {}");
}

#[test]
fn expressions_lose_their_types() {
    check("x = a as const;", "x = a ;");
    check("x = (a as any as T).b!.c!;", "x = (a ).b .c ;");
    check("x = {a: 1} satisfies T;", "x = {a: 1} ;");
    check("f<string>(a); new Map<string, number>(); tag<T>`x`;", "f (a); new Map (); tag `x`;");
    check("(a as any) = 1; a!.b = 2;", "(a ) = 1; a .b = 2;");
    check("x = <T>a;", "x = a;");
    check("a?.b!(c!)", "a?.b (c )");
}

#[test]
fn declarations_of_types_go_whole() {
    check("interface A { a: number }\nconst b = 1;", "; const b = 1;");
    check("type A = {\n a: number\n}\nconst b = 1;", "; const b = 1;");
    check("declare const a: number; declare function f(): void; declare class C {}; b();", "; ; ; ; b();");
    check("declare module 'x' { export const a: number }\ndeclare global { interface W {} }", "; ;");
    check("export type A = 1; export interface B {} export declare const c: 1;", "; ; ;");
    check("function f(a: string): void;\nfunction f(a: number): void;\nfunction f(a: any) {}", "; ; function f(a ) {}");
    check("namespace N { export type A = 1 }\nb()", "; b()");
    check("declare enum E { A }\nb()", "; b()");
    check("export default interface A {}\nb()", "; b()");
}

#[test]
fn imports_and_exports_of_types_go() {
    check(
        "import type { A } from './a.ts';\nimport { type B, c, type D } from './b.ts';",
        "; import { c, } from './b.ts';",
    );
    check("import { type A } from './a.ts';", "import { } from './a.ts';");
    check("import d, { type A, b } from './a.ts';", "import d, { b } from './a.ts';");
    check(
        "const b = 1; export { type A, b }; export type { C } from './c.ts'; export type * from './d.ts';",
        "const b = 1; export { b }; ; ;",
    );
}

#[test]
fn classes_keep_their_values() {
    check("abstract class A<T> extends B<T> implements C, D<T> { }", "class A extends B { }");
    check(
        "export abstract class A {\n  private readonly a: number = 1;\n  static b?: string;\n  c!: number;\n  declare d: string;\n  abstract e(): void;\n  [key: string]: unknown;\n  public async f(): Promise<void> {}\n  protected static override get g(): number { return 1 }\n}",
        "export class A { a = 1; static b ; c ; ; ; ; async f() {} static get g() { return 1 } }",
    );
    check(
        "class A { constructor(a: string);\n constructor(a: any) {} m?(): void; n(): void {} }",
        "class A { ; constructor(a ) {} ; n() {} }",
    );
    check(
        "class A { #x: number = 1; static #y?: T; accessor z: number = 2 }",
        "class A { #x = 1; static #y ; accessor z = 2 }",
    );
}

#[test]
fn statements_do_not_join() {
    check("const a = b as any\n(c)", "const a = b; (c)");
    check("a = b satisfies T\n[c].forEach(d)", "a = b; [c].forEach(d)");
    check("const a = b\ntype T = 1\n(c)", "const a = b ; (c)");
    check("class A { a = 1 as T\n ['b'] = 2 }", "class A { a = 1; ['b'] = 2 }");
    check("class A { get: T\n foo() {} }", "class A { get; foo() {} }");
    check("class A { a = 1\n public ['b'] = 2 }", "class A { a = 1 ; ['b'] = 2 }");
    check("class A { a = 1\n private *b() {} }", "class A { a = 1 ; *b() {} }");
    check("let x: T\n(c)", "let x; (c)");
}

#[test]
fn arrows_survive_line_breaks() {
    check("const f = (a: number):\n  Promise<\n    number\n  > => a;", "const f = (a ) => a;");
    check("const f = () => { return <T\n>(a: T) => a }", "const f = () => { return ( a ) => a }");
    check("const f = async <\n  T\n>(a: T) => a;", "const f = async ( a ) => a;");
}

#[test]
fn places_are_kept_in_characters() {
    let text = "const ä: Größe = 'ö'; /* 😀 */ throw new Error('x' as 'ü');\r\nf<'é'>(1);";
    let got = blank_types("a.ts", text).expect("erasable");
    for word in ["throw", "Error", "(1)", "'ö'"] {
        let column = |text: &str| text.find(word).map(|at| text[..at].chars().count());
        assert_eq!(column(&got), column(text), "{word}");
    }
}

#[test]
fn an_enum_is_a_frozen_object_on_its_own_lines() {
    let check_object = |text: &str, want: &str| {
        let got = blank_types("a.ts", text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        assert_eq!(got.split_whitespace().collect::<Vec<_>>().join(" "), want, "from: {text}\nraw:  {got}");
        assert_eq!(got.lines().count(), text.lines().count(), "{got}");
    };
    check_object("enum A { B = 'b' }", r#"const A=Object.freeze({ "B":"b" });"#);
    check_object("export const enum A { 'b-c' = 'b', }", r#"export const A=Object.freeze({ "b-c":"b", });"#);
    check_object(
        "enum A\n{\n  B, // first\n  C = 5,\n  D,\n  E = -1,\n  F = B | 4\n}\nf();",
        r#"const A=Object.freeze({ "B":0,[0]:"B", // first "C":5,[5]:"C", "D":6,[6]:"D", "E":-1,[-1]:"E", "F":4,[4]:"F" }); f();"#,
    );
    check_object(
        "enum A { B = 'gl', C = `${A.B}.x`, D = `${B}.y` }",
        r#"const A=Object.freeze({ "B":"gl", "C":"gl.x", "D":"gl.y" });"#,
    );
    check_object(
        "enum A { B = NS + '.x', C = `${NS as string}.y` }",
        r#"const A=Object.freeze({ "B": NS + '.x', "C": `${NS }.y` });"#,
    );
    check_object("f()\nenum A {}\n(g)", "f() const A=Object.freeze({}); (g)");
    check_object("if (a) { enum A { B = 'b' } f(A.B) }", r#"if (a) { const A=Object.freeze({ "B":"b" }); f(A.B) }"#);
    let text = "enum A {\n  B =\n    'b',\n}\nthrow new Error('x');";
    let got = blank_types("a.ts", text).expect("an enum");
    assert_eq!(got.lines().nth(4), Some("throw new Error('x');"), "what follows keeps its line and column");
}

#[test]
fn what_needs_code_is_refused_by_name() {
    check_refused("enum A { B = f() }", "computed when the program runs");
    check_refused("enum A { B = `${x}`, C = `${B}` }", "computed when the program runs");
    check_refused("enum A { B = 1 } enum A { C = 2 }", "in several parts");
    check_refused("namespace N { export const a = 1 }", "a namespace");
    check_refused("class A { constructor(private a: string) {} }", "parameter property");
    check_refused("import a = require('b');", "import NAME");
    check_refused("export = a;", "export default");
    check_refused("const f = () => <T>{a: 1};", "as Type");
    check_refused("const = ;", "syntax error");
}

#[test]
fn other_modules_come_back_unchanged() {
    for path in ["a.js", "a.mjs", "a.json"] {
        assert_eq!(blank_types(path, "const a: = ;").expect("unchanged"), "const a: = ;");
    }
}

#[test]
fn no_truncation_panics() {
    for unit in ["(", "a as ", "<T>", "a => ", "x!", "type A = "] {
        let _ = blank_types("a.ts", &unit.repeat(60_000));
    }
    let text = include_str!("fixtures/wide.ts");
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let _ = blank_types("a.ts", &text[..end]);
    }
    assert_eq!(blank_types("a.ts", text).err(), None);
}
