//! Texts that are large, deep or broken: never a panic, never silence.

use crate::support::{check, check_problems, plugin};
use contract_parse::ProblemKind;

#[test]
fn many_topics_widen_and_say_so() {
    let table = |count: usize| {
        let rows: Vec<String> = (0..count).map(|n| format!("  k{n}: 'gl.t{n}.posted',")).collect();
        format!("const T = {{\n{}\n}};\n$app.realtime().publish(T[x], {{}});", rows.join("\n"))
    };
    assert!(plugin(&table(64)).problems.is_empty());
    check(&table(200), &["publish ~gl.*.posted 203:1"]);
    check_problems(&table(200), &["TopicsWidened 203:1 more than 64 topics"]);
}

#[test]
fn generated_tables_are_read_in_one_go() {
    let rows: Vec<String> = (0..10_000).map(|n| format!("  K{n}: 'gl.t{n}',")).collect();
    let source = format!("export const T = {{\n{}\n}};\n$app.realtime().publish(T.K77, {{}});", rows.join("\n"));
    check(&source, &["publish gl.t77 10003:1"]);
    let calls: Vec<String> = (0..2_000).map(|n| format!("$app.onEvent('gl.t{n}', f);")).collect();
    assert_eq!(plugin(&calls.join("\n")).facts.len(), 2_000);
}

#[test]
fn questions_that_never_end_are_cut_off_and_told() {
    // Each function calls the one before it twice: more steps than anything can take.
    let twice = (1..40).map(|n| format!("const f{n} = (t) => f{}(t) + f{}(t);", n - 1, n - 1)).collect::<Vec<_>>();
    let source = format!("const f0 = (t) => t + x;\n{}\n$app.realtime().publish(f39('a'), {{}});", twice.join("\n"));
    let found = plugin(&source);
    assert_eq!(found.facts.len(), 1);
    let deep = (1..200).map(|n| format!("const a{n} = `${{a{}}}x`;", n - 1)).collect::<Vec<_>>().join("\n");
    let source = format!("const a0 = 'a.b';\n{deep}\n$app.realtime().publish(a199, {{}});");
    let found = plugin(&source);
    assert!(found.problems.iter().any(|one| one.kind == ProblemKind::BudgetExceeded), "{:?}", found.problems);
    assert_eq!(found.facts.len(), 1);
}

#[test]
fn bundled_modules_are_told() {
    let source = format!("const a = [{}];\n", "1,".repeat(12_000));
    check_problems(&source, &["BundledSource 1:1"]);
}

/// A small generator that repeats itself, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap_or(0)
    }
}

#[test]
fn no_mixture_of_pieces_panics_or_hangs() {
    let pieces = [
        "$app",
        ".onEvent(",
        "'a.b'",
        ", ",
        "(e) => ",
        "{ ",
        " }",
        ")",
        ";\n",
        "const a = ",
        "let b = ",
        "b = ",
        "a",
        "b",
        "class C { ",
        "constructor(x) { this.x = x } ",
        "new C(",
        "extends C ",
        "function f(x) { ",
        "return ",
        "f(",
        "...",
        "[",
        "]",
        "`x.${",
        "}`",
        "for (const t of ",
        "if (",
        "? ",
        ": ",
        "=> ",
        "this.x",
        "await ",
        "import('./b.js')",
        ".realtime().publish(",
        ".bind(",
        ".call(",
        ".map(",
        "Object.entries(",
        "new Map(",
        ".get(",
        "+ ",
        "||= ",
        "?? ",
        "#p",
        "static ",
        "get ",
        "super(",
        "yield ",
        "*",
        "x",
        "export default ",
        "switch (b) { case 1: ",
        "try { ",
        "} catch (e) { ",
    ];
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    for _ in 0..1_500 {
        let source: String = (0..dice.next(40)).map(|_| pieces[dice.next(pieces.len())]).collect();
        plugin(&format!(
            "{source}\n--- b.js\nimport a from './main.js'; export * from './main.js'; export const T = a.b;"
        ));
    }
}

#[test]
fn modules_that_import_each_other() {
    check(
        "import { B } from './b.js';\nexport const A = 'a.' + B;\n$app.realtime().publish(A, {});\n--- b.js\nimport { A } from './main.js';\nexport const B = 'b';\nexport const C = () => A;",
        &["publish a.b 3:1"],
    );
    check(
        "import { A } from './b.js';\n$app.realtime().publish(A, {});\n--- b.js\nexport * from './c.js';\n--- c.js\nexport * from './b.js';\nexport { A } from './b.js';",
        &["publish ? 2:1"],
    );
}
