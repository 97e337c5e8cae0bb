//! Sources in, facts out.

mod built;
mod changed;
mod forms;
mod host;
mod inherited;
mod limits;
mod runs;
mod support;

use contract_parse::{FactKind, PluginSource, SourceFile, parse_plugin};
use support::{MANIFEST, check, check_problems, check_topic, line, plugin};

#[test]
fn literals_and_places() {
    check(
        "$app.onEvent('a.b', (e) => {});\n  $app.realtime().publish(\"c.d\", {});",
        &["subscribe a.b 1:1", "publish c.d 2:3"],
    );
    let end = plugin("$app.realtime().publish('c.d', {});").facts[0].location.clone();
    assert_eq!((end.line, end.column, end.end_line, end.end_column), (1, 1, 1, 30));
    check("/* $app.realtime().publish('x.y') */ const s = \"$app.realtime().publish('x.y')\";", &[]);
    check(
        "$app.onEvent('a.*', (e) => {}); $app.onEvent('**', (e) => {})",
        &["subscribe ~a.* 1:1", "subscribe ~** 1:33"],
    );
    check("\u{feff}/* é😀 */ $app.request('a.b', {})", &["request a.b 1:11"]);
}

#[test]
fn constants() {
    check_topic("const T = 'a.b';", "T", "a.b");
    check_topic("let t = 'a.b'; t = 'a.c';", "t", "a.c");
    check_topic("let t = 'a.b'; if (x) t = 'a.c';", "t", "a.b|a.c");
    check_topic("let t = 'a.b'; t += f();", "t", "~a.*");
    check_topic("const T = 'a.b'; { const T = 'x.y'; }", "T", "a.b");
    check_topic("const A = B, B = A;", "A", "?");
    check_topic("const { T: { X } } = { T: { X: 'a.b' } };", "X", "a.b");
    check_topic("const [, T = 'a.b'] = ['x.y'];", "T", "a.b");
}

#[test]
fn constants_of_other_modules() {
    let import = |import: &str, rest: &str| format!("{import}\n$app.realtime().publish(T, {{}});\n{rest}");
    let cases = [
        ("import { T } from './t.js'", "--- t.js\nexport const T = 'a.b';"),
        ("import { X as T } from './t.js'", "--- t.js\nconst Y = 'a.b'; export { Y as X };"),
        ("import { T } from './t.js'", "--- t.js\nexport { X as T } from './u.js';\n--- u.js\nexport const X = 'a.b';"),
        (
            "import { T } from './t.js'",
            "--- t.js\nexport * from './v.js';\nexport * from './u.js';\n--- u.js\nexport * from './t.js'; export const T = 'a.b';\n--- v.js\nexport const Z = 1;",
        ),
        ("import T from './t.js'", "--- t.js\nexport default 'a.b';"),
        ("import * as N from './t.js'; const T = N.X.Y", "--- t.js\nexport const X = { Y: 'a.b' };"),
        (
            "import { N } from './t.js'; const T = N.X",
            "--- t.js\nexport * as N from './u.js';\n--- u.js\nexport const X = 'a.b';",
        ),
        ("import D from './t.json' with {type: 'json'}; const T = D.x[0]", "--- t.json\n{\"x\": [\"a.b\"]}"),
        ("import { T } from './t.ts'", "--- t.ts\nexport const T: string = 'a.b' as const;"),
        (
            "import { X } from './sub/t.mjs'; const T = X",
            "--- sub/t.mjs\nimport { Z } from '../z.js'; export const X = Z;\n--- z.js\nexport const Z = 'a.b';",
        ),
        ("const { T } = await import('./t.js')", "--- t.js\nexport const T = 'a.b';"),
    ];
    for (head, rest) in cases {
        check(&import(head, rest), &["publish a.b 2:1"]);
    }
}

#[test]
fn objects_and_lists() {
    check_topic("const T = Object.freeze({ A: { B: 'a.b' } });", "T.A.B", "a.b");
    check_topic("const T = { ...{ A: 'a.b' } };", "T['A']", "a.b");
    check_topic("const T = { A: 'a.b', C: 'c.d' };", "T[x]", "a.b|c.d");
    check_topic("const K = 'A', T = { [K]: 'a.b' };", "T.A", "a.b");
    check_topic("const T = { A: 'a.b' }; T.A = 'x.y';", "T.A", "a.b|x.y");
    check_topic("const T = { get A() { return 'a.b' } };", "T.A", "a.b");
    check_topic("class T { static A = 'a.b' }", "T.A", "a.b");
    check_topic("const T = { A: 'a.b' };", "T?.A", "a.b");
}

#[test]
fn built_texts() {
    check_topic("const N = 'gl';", "`${N}.journal.${'posted'}`", "gl.journal.posted");
    check_topic("const N = 'gl';", "N + '.' + x", "~gl.*");
    check_topic("", "'gl.'.concat('a', '.b')", "gl.a.b");
    check_topic("", "['gl', 'a', 'b'].join('.')", "gl.a.b");
    check_topic("", "`order.${s}.done`", "~order.*.done");
    check_topic("", "'GL.A'.toLowerCase()", "gl.a");
    check_topic("", "'gl:a'.replace(':', '.')", "gl.a");
    check_topic("", "x ? 'a.b' : 'c.d'", "a.b|c.d");
    check_topic("", "x || 'a.b'", "?");
    check_topic("const T = null;", "T ?? 'a.b'", "a.b");
    check_topic("", "x.topic", "?");
}

#[test]
fn loops() {
    check_topic("", "'a.b'", "a.b");
    check("for (const t of ['a.b', 'c.d']) $app.onEvent(t, f);", &["subscribe a.b|c.d 1:33 loop"]);
    check(
        "const T = { A: 'a.b', C: 'c.d' };\nfor (const t of Object.values(T)) $app.onEvent(t, f);",
        &["subscribe a.b|c.d 2:35 loop"],
    );
    check(
        "const H = { 'a.b': f, 'c.d': g };\nfor (const [t, h] of Object.entries(H)) $app.onEvent(t, h);",
        &["subscribe a.b|c.d 2:41 loop"],
    );
    check("Object.keys({ 'a.b': 1 }).forEach((t) => $app.onEvent(t, f));", &["subscribe a.b 1:42 loop"]);
    check(
        "['a', 'b'].map((s) => `gl.${s}`).forEach((t) => { $app.onEvent(t, f) });",
        &["subscribe gl.a|gl.b 1:51 loop"],
    );
    check("for (const k in { 'a.b': 1 }) { $app.onEvent(k, f) }", &["subscribe a.b 1:33 loop"]);
}

#[test]
fn wrappers_are_reported_where_the_topic_is_known() {
    check(
        "function emit(topic, payload) {\n  $app.realtime().publish(topic, payload);\n}\nemit('a.b', {});\nemit('c.d', {});",
        &["publish a.b 4:1", "publish c.d 5:1"],
    );
    check(
        "const emit = (kind) => $app.realtime().publish(`gl.${kind}`, {});\nemit('x');\nemit(y);",
        &["publish gl.x 2:1", "publish ~gl.* 3:1"],
    );
    check(
        "const a = (t) => $app.realtime().publish(t, {});\nconst b = (t) => a('gl.' + t);\nb('x');",
        &["publish gl.x 3:1"],
    );
    check("const emit = (t = 'a.b') => $app.realtime().publish(t, {});\nemit();", &["publish a.b 2:1"]);
    check(
        "const on = (t, fn) => $app.onEvent(t, fn);\non('a.b', (e) => $app.realtime().publish('c.d', {}));",
        &["subscribe a.b 2:1", "publish c.d 2:18"],
    );
    check(
        "import { emit } from './emit.js';\nemit('a.b');\n--- emit.js\nexport function emit(t) { $app.realtime().publish(t, {}) }",
        &["publish a.b 2:1"],
    );
    check(
        "class Bus { emit(t) { $app.realtime().publish(t, {}) } }\nconst bus = new Bus();\nbus.emit('a.b');",
        &["publish a.b 3:1"],
    );
    check(
        "const retry = (fn) => fn();\nfunction emit(t) { retry(() => $app.realtime().publish(t, {})) }\nemit('a.b');",
        &["publish a.b 3:1"],
    );
}

#[test]
fn builders_are_inlined() {
    check_topic("const topic = (e) => 'gl.' + e;", "topic('posted')", "gl.posted");
    check_topic("function topic(a, b) { return [a, b].join('.') }", "topic('gl', 'posted')", "gl.posted");
    check_topic("const topic = (e) => { if (e) { return 'a.b' } return 'c.d' };", "topic(x)", "a.b|c.d");
    check_topic("const r = (n) => r(n);", "r('a')", "?");
}

#[test]
fn aliases_are_followed_and_shadows_are_not() {
    check("const rt = $app.realtime(); rt.publish('a.b', {});", &["publish a.b 1:29"]);
    check("const { publish } = $app.realtime(); publish('a.b', {});", &["publish a.b 1:38"]);
    check("const { publish: pub } = $app.realtime(); pub('a.b', {});", &["publish a.b 1:43"]);
    check("const app = $app; app.realtime()['publish']('a.b', {});", &["publish a.b 1:19"]);
    check("$app?.realtime()?.publish?.('a.b', {});", &["publish a.b 1:1"]);
    check(
        "const deps = { bus: $app.realtime() }; function f(d) { d.bus.publish('a.b', {}) } f(deps);",
        &["publish a.b 1:56"],
    );
    check(
        "function setup(app) { app.onEvent('a.b', (e) => answer(e)) }\nfunction answer(ev) { ev.reply({}) }\nsetup($app);",
        &["subscribe a.b 1:23", "reply a.b 2:23"],
    );
    check("{ const $app = { onEvent() {} }; $app.onEvent('a.b', f); }", &[]);
    check("function f($app) { $app.onEvent('a.b', g) } f({});", &[]);
}

#[test]
fn reachability_follows_uses() {
    check("function old() { $app.realtime().publish('a.b', {}) }", &["publish a.b 1:18 unreachable"]);
    check(
        "function used() { $app.realtime().publish('a.b', {}) }\n$app.onAttach(() => used());",
        &["publish a.b 1:19"],
    );
    check(
        "const h = { a() { $app.realtime().publish('a.b', {}) } };\n$app.onEvent('x.y', h.a);",
        &["publish a.b 1:19", "subscribe x.y 2:1"],
    );
    check(
        "if (false) { $app.onEvent('a.b', f) } else { $app.onEvent('c.d', f) }",
        &["subscribe a.b 1:14 unreachable", "subscribe c.d 1:46"],
    );
    check(
        "import './b.js';\n--- b.js\nexport function never() { $app.realtime().publish('a.b', {}) }\n$app.onEvent('c.d', f);",
        &["publish a.b b.js:1:27 unreachable", "subscribe c.d b.js:2:1"],
    );
    check(
        "import { run } from './b.js';\nrun();\n--- b.js\nexport default () => $app.realtime().publish('x.y', {});\nexport function run() { $app.realtime().publish('a.b', {}) }",
        &["publish x.y b.js:1:22 unreachable", "publish a.b b.js:2:25"],
    );
    check(
        "import * as b from './b.js';\nb.run();\n--- b.js\nexport const run = () => $app.realtime().publish('a.b', {});\nexport const not = () => $app.realtime().publish('c.d', {});",
        &["publish a.b b.js:1:26", "publish c.d b.js:2:26 unreachable"],
    );
}

#[test]
fn guards() {
    check("if ($app.config.audit) $app.onEvent('a.b', f);", &["subscribe a.b 1:24 config"]);
    check("if (x) { $app.onEvent('a.b', f) }", &["subscribe a.b 1:10 branch"]);
    check("x && $app.onEvent('a.b', f)", &["subscribe a.b 1:6 branch"]);
    check("function r() { $app.onEvent('a.b', f) }\nif (x) r();", &["subscribe a.b 1:16 branch"]);
    check("if (x) $app.onAttach(() => { $app.realtime().publish('a.b', {}) })", &["publish a.b 1:30"]);
}

#[test]
fn handlers_and_what_lies_within() {
    let of = |source: &str| {
        let facts = plugin(source).facts;
        facts.into_iter().map(|fact| (line(&fact), fact.handler, fact.within)).collect::<Vec<_>>()
    };
    let one = of(
        "function onPosted(e) { e.reply({}); emit() }\nconst emit = () => $app.realtime().publish('c.d', {});\n$app.onEvent('a.b', onPosted);",
    );
    assert_eq!(one[0], ("reply a.b 1:24".to_owned(), None, Some("event:a.b".to_owned())));
    assert_eq!(one[1], ("publish c.d 2:20".to_owned(), None, Some("event:a.b".to_owned())));
    assert_eq!(one[2], ("subscribe a.b 3:1".to_owned(), Some("onPosted".to_owned()), None));
    let two = of("$app.onEvent('a.b', { name: 'first' }, (e) => e.reject({}));");
    assert_eq!(two[0].1.as_deref(), Some("first"));
    assert_eq!(two[1].0, "reply a.b 1:47");
    let three = of(
        "$app.routerAdd('POST', '/api/gl/x/{id}', { idempotent: true }, async function post(e) { $app.realtime().publish('a.b', {}) });",
    );
    assert_eq!(three[0].0, "verb POST//api/gl/x/{id} 1:1");
    assert_eq!(three[0].1.as_deref(), Some("post"));
    assert_eq!(three[1].2.as_deref(), Some("verb:POST /api/gl/x/{id}"));
}

#[test]
fn handlers_through_wrappers() {
    check(
        "const safe = (fn) => async (e) => { try { return await fn(e) } catch (x) { e.reject({}) } };\n$app.onEvent('a.b', safe((e) => e.reply({})));",
        &["reply a.b 1:76 branch", "subscribe a.b 2:1", "reply a.b 2:33"],
    );
    check(
        "const h = (e) => e.reply({});\n$app.onEvent('a.b', h);\n$app.onEvent('c.d', h);",
        &["reply a.b 1:18", "reply c.d 1:18", "subscribe a.b 2:1", "subscribe c.d 3:1"],
    );
    check(
        "$app.onEvent('a.b', (e) => $app.realtime().publish(e.topic + '.seen', e.payload));",
        &["subscribe a.b 1:1", "publish a.b.seen 1:28"],
    );
    check(
        "$app.onEvent('a.b', (e) => $app.realtime().publish(e.payload.next, {}));",
        &["subscribe a.b 1:1", "publish ? 1:28"],
    );
    check("if (x) unknownLibrary(() => $app.onEvent('a.b', f));", &["subscribe a.b 1:29 branch"]);
}

#[test]
fn other_kinds() {
    check(
        "$jobs.register('mail', (j) => {}); $jobs.cron('nightly', '0 6 * * *', (j) => {}); $jobs.enqueue('mail', {});",
        &["job register/mail 1:1", "job cron/nightly 1:36", "job enqueue/mail 1:83"],
    );
    check(
        "$app.onRecord('after', 'create', 'gl_journals', (e) => {}); $app.provide('gl.post', { post: () => {} }); $app.capability('fx.rate').call('get', {});",
        &[
            "record gl_journals/create/after 1:1",
            "capability provide/gl.post 1:61",
            "capability capability/fx.rate 1:106",
        ],
    );
}

#[test]
fn annotations() {
    check(
        "/** @topics gl.order.* gl.x */\n$app.realtime().publish(t, {});",
        &["publish gl.x 2:1 annotated", "publish ~gl.order.* 2:1 annotated"],
    );
    check(
        "function emit(t) {\n  /** @topics gl.* */\n  return $app.realtime().publish(t, {});\n}\nemit(x);",
        &["publish ~gl.* 3:10 annotated"],
    );
    check("/** @topics gl.* */\nconst a = 1; $app.realtime().publish(t, {});", &["publish ? 2:14"]);
}

#[test]
fn reads_of_payloads() {
    let of = |source: &str| {
        let facts = plugin(source).facts.into_iter().filter(|fact| fact.kind == FactKind::ReadsField);
        facts
            .map(|fact| format!("{} {}", fact.detail.get("field").expect("a field"), fact.location.line))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(
            "$app.onEvent('a.b', (e) => {\n use(e.payload.total);\n const { id, lines: rows } = e.payload;\n const p = e.payload; p.source.docId;\n rows.map((r) => r);\n});"
        ),
        ["total 2", "id 3", "lines 3", "source.docId 4", "lines 5"]
    );
    assert_eq!(of("$app.onEvent('a.b', ({ payload: { id, party = 1 } }) => {});"), ["id 1", "party 1"]);
    assert_eq!(of("$app.onEvent('a.b', ({ payload }) => payload.id);"), ["id 1"]);
}

#[test]
fn wrong_uses() {
    check_problems(
        "$app.realtime().publsh('a.b');",
        &["WrongApi 1:17 `$app.realtime()` has no `publsh` did you mean `publish`?"],
    );
    check_problems("$app.onEvnt('a.b', f);", &["did you mean `onEvent`?"]);
    check_problems("$app.dao().findRecordByIdd('x', 1);", &["did you mean `findRecordById`?"]);
    check_problems("const { publsh } = $app.realtime();", &["WrongApi 1:9"]);
    check_problems("$app.realtime().publish();", &["needs a topic"]);
    check_problems("$jobs.regster('x', f);", &["did you mean `register`?"]);
    check_problems("$app.onEvent('a.b', (e) => e.rejct({}));", &["did you mean `reject`?"]);
    check_problems(
        "$app.hash({}); $app.plugin.slug; $app.dao().findRecordsByIds('a', []); $app.onOutcome('x', f); $app.license.has('x'); $app.realtime().publish?.('a.b');",
        &[],
    );
    check_problems("eval('1'); new Function('x');", &["DynamicCode 1:1", "DynamicCode 1:12"]);
}

#[test]
fn imports_that_lead_nowhere() {
    check_problems("import './topcs.js';\n--- topics.js\n", &["UnresolvedImport 1:8"]);
    check_problems("import x from 'lodash';", &["is not a relative import"]);
    check_problems("import '../up.js';", &["leaves the plugin's folder"]);
    check_problems("import { TOPCS } from './t.js';\n--- t.js\nexport const TOPICS = 1;", &["did you mean `TOPICS`?"]);
    check_problems("import d from './t.json';\n--- t.json\n{}", &["with {type: \"json\"}"]);
    check_problems("const x = require('./t.js');\n--- t.js\n", &["CommonJS is not supported"]);
}

#[test]
fn a_broken_module_leaves_the_others() {
    let sources = "import './broken.js';\n$app.onEvent('a.b', f);\n--- broken.js\ncosnt x = ;";
    check(sources, &["subscribe a.b 2:1"]);
    check_problems(sources, &["SourceUnparsable 1:"]);
    check_problems(
        "import './e.ts';\n--- e.ts\nenum A { B = f() }",
        &["SourceUnparsable 1:10 the value of this member"],
    );
}

#[test]
fn suppressions_cover_their_line_and_the_next_statement() {
    let found =
        plugin("// tl-allow TL311: the bus retries\n\n$app.onEvent('a.b', f);\ng(); // tl-allow TL701,TL702: known\n")
            .suppressions;
    let short: Vec<_> = found.iter().map(|one| (one.rule.as_str(), one.reason.as_str(), one.lines)).collect();
    assert_eq!(short, [("TL311", "the bus retries", (1, 3)), ("TL701", "known", (4, 4)), ("TL702", "known", (4, 4))]);
}

/// A statement over several lines is covered whole, but not what runs within it.
#[test]
fn suppressions_cover_a_statement_up_to_its_body() {
    for (statement, last) in [
        ("$app.realtime().publish(\n  'a.b',\n  {id: 1},\n);\nother();", 5),
        ("const x =\n  f();", 3),
        ("$app.onEvent(\n  'a.b',\n  (e) => {\n    g(e);\n  },\n);", 4),
        ("if (\n  x\n) {\n  g();\n}", 4),
        ("class A {\n  b() {}\n}", 2),
        ("switch (x) {\n  case 1:\n    g();\n}", 3),
    ] {
        let found = plugin(&format!("// tl-allow TL502: the archive wants it\n{statement}\n")).suppressions;
        assert_eq!(found[0].lines, (1, last), "{statement}");
    }
}

/// One mistake is one finding, and none is taken for a comment of another kind.
#[test]
fn suppressions_that_are_no_whole_ones_say_what_they_lack() {
    for (comment, rules) in [
        ("// tl-allow TL202 - the archive reads it", vec!["TL202"]),
        ("// tl-allow TL202, TL106", vec!["TL202"]),
        ("// tl-allow TL202,TL106", vec!["TL202", "TL106"]),
        ("// tl-allow", vec![""]),
        ("/* tl-allow: TL202 the archive reads it */", vec![""]),
        ("// tl-allowances are described elsewhere", vec![]),
    ] {
        let found = plugin(&format!("{comment}\n$app.onEvent('a.b', f);\n")).suppressions;
        assert_eq!(found.iter().map(|one| one.rule.as_str()).collect::<Vec<_>>(), rules, "{comment}");
    }
}

#[test]
fn modules_and_exclusions_are_listed() {
    let plugin = plugin(
        "import './a.js';\nexport const onX = () => {};\nexport const y = 1;\n--- a.js\n\n--- tests/a.test.js\n\n--- unused.js\n",
    );
    assert_eq!(plugin.modules, ["a.js", "main.js"]);
    assert_eq!(plugin.excluded, ["tests/a.test.js", "unused.js"]);
    assert_eq!(plugin.exports.into_iter().collect::<Vec<_>>(), [("onX".to_owned(), true), ("y".to_owned(), false)]);
}

#[test]
fn no_truncation_panics() {
    let main = include_str!("../fixtures/wide.js");
    let topics = "export const T = { A: 'a.b' }; export default T;";
    for end in (0..=main.len()).filter(|end| main.is_char_boundary(*end)) {
        let files = [("plugin.yaml", MANIFEST), ("main.js", &main[..end]), ("topics.js", topics)];
        let files = files.map(|(path, text)| SourceFile { path: path.to_owned(), text: text.to_owned() }).to_vec();
        let parsed = parse_plugin(&PluginSource { folder: String::new(), files });
        assert!(end < main.len() || parsed.problems.is_empty(), "{:?}", parsed.problems);
    }
    for unit in [
        "(", "a + ", "!", "a => ", "if (1) ", "a ? b : ", "[", "`${", "typeof ", "x.y().", "{ ", "-a ** ", "'a'\n+ ",
        "'a'\nin ",
    ] {
        for count in [800, 2_400, 60_000] {
            plugin(&unit.repeat(count));
            plugin(&format!("{}1", unit.repeat(count)));
        }
    }
    let table: Vec<String> = (0..3_000).map(|n| format!("export const T{n} = 'gl.t{n}'")).collect();
    check(&format!("{}\n$app.realtime().publish(T7, {{}})", table.join("\n")), &["publish gl.t7 3001:1"]);
    check(&"(".repeat(5_000), &[]);
    let long = format!("publish {}.b 1:1", "a".repeat(300));
    check(&format!("$app.realtime().publish({}'.b')", "'a' + ".repeat(300)), &[&long]);
}
