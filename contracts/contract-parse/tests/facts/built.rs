//! Topics that are worked out: patterns, padding, numbers, lists filled step by step, recursion.

use crate::support::{check, check_topic};

#[test]
fn texts_are_padded() {
    check_topic("", "'gl.t' + '1'.padStart(3, '0')", "gl.t001");
    check_topic("const n = 7;", "`gl.t${String(n).padStart(2, '0')}`", "gl.t07");
    check_topic("", "'gl.ab'.padEnd(8, 'xy')", "gl.abxyx");
    check_topic("", "'gl.posted'.padEnd(3)", "gl.posted");
    check_topic("", "'gl.t' + '1'.padStart(x, '0')", "~gl.*");
    check_topic("", "'gl.t' + '1'.padStart(1e9, '0')", "~gl.*");
}

#[test]
fn regular_expressions_that_are_plain() {
    check_topic("", "'gl posted'.replace(/\\s/g, '.')", "gl.posted");
    check_topic("", "'gl.journal.posted'.replace(/^gl/, 'ar')", "ar.journal.posted");
    check_topic("", "'gl.journal-posted'.replace(/-(posted|voided)$/, '.$1')", "gl.journal.posted");
    check_topic("", "'glJournalPosted'.replace(/([A-Z])/g, '.$1').toLowerCase()", "gl.journal.posted");
    check_topic("", "'glJournalPosted'.replace(/[A-Z]/g, (c) => '.' + c.toLowerCase())", "gl.journal.posted");
    check_topic("", "'gl__posted--now'.replace(/[-_]+/g, '.')", "gl.posted.now");
    check_topic("", "'gl_X_posted'.replace(/_x_/i, '.')", "gl.posted");
    check_topic("", "'gl_journal-posted'.split(/[-_]/).join('.')", "gl.journal.posted");
    check_topic("", "'gl.a.a'.replace(/a/, 'b')", "gl.b.a");
    check_topic("", "'gl.d7'.replace(/[\\d]/g, 'x')", "gl.dx");
    check_topic("", "'gl.ab.b'.replace(/[a][b]/g, 'x')", "gl.x.b");
}

/// What the engine reads otherwise, or nobody knows, is not guessed at.
#[test]
fn regular_expressions_that_are_not_followed() {
    for (expression, want) in [
        ("'gl.posted'.replace(/(?<=gl)./, '.')", "?"),
        ("'gl.aa'.replace(/(a)\\1/, 'b')", "?"),
        ("'gl.a'.replace(/b*/g, 'x')", "?"),
        ("'gl.a'.replace(/\\u0061/, 'b')", "?"),
        ("'gl.a'.replace(/a{1}/, 'b')", "?"),
        ("'gl.ab'.replace(/[[a]b]/, 'x')", "?"),
        ("'gl.a'.replace(/a/y, 'b')", "?"),
        ("'gl.ä'.replace(/\\w/g, 'b')", "?"),
        ("('gl.' + x).replace(/[a-z]/g, 'b')", "?"),
        ("'gl.a'.replace(new RegExp(x), 'b')", "?"),
        ("'gl.a'.replace(/a/, x)", "?"),
    ] {
        check_topic("", expression, want);
    }
}

#[test]
fn numbers_are_added_up() {
    check_topic("const MAJOR = 3;", "`gl.v${MAJOR - 1}`", "gl.v2");
    check_topic("const MAJOR = 1 + 1;", "'gl.v' + MAJOR", "gl.v2");
    check_topic("", "'gl.v' + (2 * 3 - +'1')", "~gl.*");
    check_topic("", "'gl.v' + 7 % 4", "gl.v3");
    check_topic("", "'gl.v' + 2 ** 3", "gl.v8");
    check_topic("let n = 1; n += 1;", "'gl.v' + n", "gl.v2");
    check_topic("", "'gl.v' + (1 - 1) * -1", "gl.v0");
    check_topic("", "'gl.v' + 1 / 0", "~gl.*");
    check_topic("", "'gl.v' + 10 ** 21", "~gl.*");
    check_topic("let n = 0; for (const x of y) n += 1;", "'gl.v' + n", "~gl.*");
}

#[test]
fn lists_that_are_filled_in_a_straight_line() {
    check_topic("const p = []; p.push('gl'); p.push('journal', 'posted');", "p.join('.')", "gl.journal.posted");
    check_topic("const t = (e) => { const p = ['gl']; p.push(e); return p.join('.') };", "t('posted')", "gl.posted");
    let optional = "const t = (e, sub) => { const p = ['gl', e]; if (sub) { p.push(sub) } return p.join('.') };";
    check_topic(optional, "t('posted')", "gl.posted");
    check_topic(optional, "t('posted', 'late')", "gl.posted.late");
    check_topic("const p = ['gl']; if (y) p.push('a'); else p.push('b');", "p.join('.')", "gl|gl.a|gl.a.b|gl.b");
    check_topic("const p = ['gl']; p.push('a'); const before = p.join('.'); p.push('b');", "before", "gl.a");
}

/// Another name, a loop or another function may change a list.
#[test]
fn lists_that_something_else_may_change() {
    for setup in [
        "const p = ['gl']; p.push('a'); const other = p; other.push('b');",
        "const p = ['gl']; p.push('a'); mystery(p);",
        "const p = ['gl']; for (const x of y) p.push(x);",
        "const p = ['gl']; p.push('a'); p[0] = x;",
        "const p = ['gl']; p.push('a'); p.length = 1;",
        "const p = ['gl']; p.push('a'); p.sort();",
        "const p = ['gl']; p.push('a'); p.push(...x);",
        "const p = ['gl']; const more = () => { p.push('b') }; p.push('a'); more();",
        "const p = ['gl']; try { p.push(x()) } catch { p.push('b') }",
    ] {
        check_topic(setup, "p.join('.')", "?");
    }
}

#[test]
fn recursion_that_ends_on_constants() {
    check_topic("const dots = (n) => n === 0 ? '' : '.x' + dots(n - 1);", "'gl' + dots(2)", "gl.x.x");
    check_topic(
        "function path(l) { if (l.length === 1) return l[0]; return l[0] + '.' + path(l.slice(1)); }",
        "path(['gl', 'journal', 'posted'])",
        "gl.journal.posted",
    );
    check_topic(
        "const path = ([head, ...rest]) => rest.length ? `${head}.${path(rest)}` : head;",
        "path(['gl', 'journal', 'posted'])",
        "gl.journal.posted",
    );
    check_topic("const dots = (n) => n === 0 ? '' : '.x' + dots(n - 1);", "'gl' + dots(40)", "~gl.x.x.x.x.x.**");
    check_topic("const f = (n) => 'x.' + f(n);", "f(1)", "~x.x.x.x.x.x.**");
}

/// Inside of a call whose conditions are known, only the way that it takes counts.
#[test]
fn returns_on_the_way_that_a_call_takes() {
    let t =
        "function t(kind) { if (kind === 'a') { return 'gl.a' } else if (kind === 'b') return 'gl.b'; return 'gl.c'; }";
    check_topic(t, "t('a')", "gl.a");
    check_topic(t, "t('b')", "gl.b");
    check_topic(t, "t('z')", "gl.c");
    check_topic(t, "t(x)", "gl.a|gl.b|gl.c");
    check(
        &format!("{t}\nconst emit = (kind) => $app.realtime().publish(t(kind), {{}});\nemit('a');\nemit(x);"),
        &["publish gl.a 3:1", "publish gl.a|gl.b|gl.c 4:1"],
    );
}

#[test]
fn tags_are_functions() {
    let joined =
        "const topic = (texts, ...values) => texts.reduce((all, text, at) => all + text + (values[at] ?? ''), '');";
    check_topic(joined, "topic`gl.${'x'}.posted`", "gl.x.posted");
    check_topic(joined, "topic`gl.${y}.posted`", "~gl.*.posted");
    check_topic(joined, "topic`gl.posted`", "gl.posted");
    let mapped = "const t = { of: (s, ...v) => s.map((one, at) => one + (v[at] ?? '')).join('') };";
    check_topic(mapped, "t.of`gl.${'x'}.posted`", "gl.x.posted");
    check_topic("function topic(texts, ns) { return `${texts[0]}${ns}${texts[1]}` }", "topic`a.${'x'}.b`", "a.x.b");
    check_topic("const under = (ns) => (texts) => `${ns}.${texts[0]}`;", "under('gl')`posted`", "gl.posted");
    check_topic("const topic = (texts) => texts.raw[0];", "topic`gl.posted`", "?");
    check_topic("", "mystery`gl.posted`", "?");
    // What a tag publishes itself is listed, not followed.
    check("const emit = (texts) => $app.realtime().publish(texts[0], {});\nemit`gl.posted`;", &["publish ? 1:25"]);
}
