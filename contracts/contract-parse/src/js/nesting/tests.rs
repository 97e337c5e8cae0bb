use super::*;

fn nested(before: &str, after: &str) -> String {
    format!("{before}{}0{after}", "a => ".repeat(EXPRESSION_TOKENS_MAX))
}

#[test]
fn code_is_counted_wherever_it_stands() {
    for (before, after) in [
        ("", ""),
        ("let t = `by ${", "}`;"),
        ("let t = `by ${", ""),
        ("let t = `a ${`b ${", "}`}`;"),
        ("let t = `a ${b} c ${{d: '}'}.d} ${", "}`;"),
        ("let t = `\\${ it is no code \\` ${", "}`;"),
        ("/* it's ` */ let t = ", ";"),
        ("// it's `\nlet t = ", ";"),
        ("let r = /['`\"]/; let t = ", ";"),
        ("let r = /[/`]/g.test(x); let t = ", ";"),
        ("return /`/.test(", ");"),
        ("let t = 'it\\'s'; let u = ", ";"),
        ("if (a) /'/.test(b) || ", ";"),
        ("for await (a of b) /`/.test(b) || ", ";"),
        ("while (a) { } /`/.test(b) || ", ";"),
        ("let n = f(a) / '/' / ", ";"),
        ("let n = await (a) / '/' / ", ";"),
        ("let n = a.if(b) / '/' / ", ";"),
        ("let n = {} / '/' / ", ";"),
        ("let n = {} / `/` / ", ";"),
        ("let n = i++ / '/' / ", ";"),
        ("let n = a! / '/' / ", ";"),
        ("let n = a as B<C> / '/' / ", ";"),
        ("let n = a.return / '/' / ", ";"),
        ("let n = 0x1.return / '/' / ", ";"),
        ("let n = 1.\nreturn /'/.test(", ");"),
        ("let n = [...typeof /'/, ", "];"),
        ("let n = of / '/' / ", ";"),
        ("for (x of /'/.exec(", ")) {}"),
        ("export default /'/.test(", ");"),
        ("type A = B\n/'/.test(", ");"),
        ("let n = \u{b}a\u{b}/ '/' / ", ";"),
        ("return\u{a0}/'/.test(", ");"),
        ("// it is\rlet n = ", ";"),
        ("// it is\u{2028}let n = ", ";"),
        ("#! it`s\nlet n = ", ";"),
        ("let t = 'it\\\r\n is'; let n = ", ";"),
        ("let n = \\u{61} / '/' / ", ";"),
        ("let n = a => {} /[/]'/ / ", ";"),
        ("let n = a / b; let m = '/'; let t = ", ";"),
    ] {
        assert!(unreasonable(&nested(before, after)).is_some(), "{before}…{after}");
    }
    let brackets = "(".repeat(BRACKETS_MAX + 1);
    for before in ["", "let t = `${", "/* ' */ ", "let r = /`/; ", "if (a) /'/.b", "{} /'/.b", "x = {} / '/' / "] {
        assert!(unreasonable(&format!("{before}{brackets}")).is_some(), "{before}");
    }
    // In doubt all along, and beyond what is read in several ways.
    let doubts = "{} /`/.test(a);\n".repeat(2 * READINGS_MAX);
    assert!(unreasonable(&format!("{doubts}{brackets}")).is_some());
    let doubts = "i++ / 2 / 3;\n".repeat(DOUBTS_MAX + 1);
    assert!(unreasonable(&doubts).is_some());
    let pieces = "`${a}` + ".repeat(EXPRESSION_TOKENS_MAX);
    assert!(unreasonable(&pieces).is_some(), "the end of what stands in a template ends nothing");
}

/// What the parser nests without a bracket, whatever stands in the brackets between.
#[test]
fn chains_are_counted_over_what_is_between() {
    for piece in [
        "(a, b)",
        "({})",
        "[{}]",
        ".a",
        "?.b(1, 2)",
        ".b({})\n",
        ".b({}, c)",
        " ? {} : a",
        " ? b : c",
        " ** {}",
        " ?? {a, b}",
        " + `${a, b}`",
        ".b<C, D>()",
        " extends B<C, D> ? E : F",
        " as\nB",
        " in\nb",
        " = {}",
        "\nas B",
        "(() => { c; })",
        " + function () { return 1; }",
    ] {
        let text = format!("const x = a{}", piece.repeat(EXPRESSION_TOKENS_MAX));
        assert!(unreasonable(&text).is_some(), "{piece}");
    }
    for piece in [
        "if (a) {} else ",
        "if (a) b; else ",
        "if (a) b, c\nelse ",
        "if (a) {\n} else\n",
        "for (;;)\n",
        "while (a) ",
        "if (a)\n",
        "a:\n",
        "type A = keyof\n",
        "x = abstract\nnew () => ",
        "`${",
        "(b, ",
        "[{}, ",
        "{ a: 1, b: ",
        "async a =>\n",
        "do\n",
        "!",
        "new\n",
    ] {
        assert!(unreasonable(&piece.repeat(EXPRESSION_TOKENS_MAX + 1)).is_some(), "{piece}");
    }
}

#[test]
fn what_stands_side_by_side_is_not_counted() {
    for piece in [
        "a(b, c)\n",
        "a.b = { c: 1 }\n",
        "const f = (a) => {\n  return a\n}\n",
        "if (a) {\n  b()\n}\n",
        "x = y[0]\n",
        "import a from 'b'\n",
        "function f(a, b) {}\n",
        "class A extends B { c() {} get d() {} }\n",
        "let s: Map<string, A<B>> = new Map<string, A<B>>();\n",
        "export type T = A | B;\n",
        "for (const a of b) c();\n",
        "try { a() } catch { b() } finally { c() }\n",
        "/** it is */ let a = 1;\n",
        "[a, b] = c;\n",
        "x = a < b;\n",
    ] {
        assert_eq!(unreasonable(&piece.repeat(EXPRESSION_TOKENS_MAX)), None, "{piece}");
    }
    for (open, item, close) in [
        ("x = [", "f(1, { a: 2 }), ", "];"),
        ("x = {", "a: { b: 1, c: [2] }, ", "};"),
        ("enum A {", "B = 1 << 3, ", "}"),
        ("f(", "a => { b; }, ", ");"),
        ("const ", "a = b ? c : d, ", "e;"),
        ("x = {", "a() {}, ", "};"),
        ("interface A {", "b: Map<c, d>;\n", "}"),
        ("interface A {", "b: Map<c, d>, ", "}"),
        ("switch (a) {", "case 1: { b() } ", "}"),
        ("x = {", "a: b <= c, ", "};"),
    ] {
        let text = format!("{open}{}{close}", item.repeat(EXPRESSION_TOKENS_MAX));
        assert_eq!(unreasonable(&text), None, "{open}{item}");
    }
}

#[test]
fn what_is_no_code_is_not() {
    let words = "so it is a word (and a => b [or {two\n".repeat(EXPRESSION_TOKENS_MAX);
    for text in [
        format!("/* {words} */"),
        format!("let t = `{words}`;"),
        format!("// {}", words.replace('\n', "\n// ")),
        format!("f('{}');", words.replace('\n', "');\nf('")),
        "if (a) { b = (c + d) / 2 / e; }\n/['(]/.test(f) && g(!/[(\"]/.test(h));\ni++ / 2 / 3;\n".repeat(60),
        format!("let r = /[{}/]/;", words.replace('\n', "/]/;\nlet r = /[")),
    ] {
        assert_eq!(unreasonable(&text), None, "{}", &text[..60]);
    }
}
