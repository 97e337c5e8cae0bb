//! What runs, when, and under which conditions.

use crate::support::{check, plugin};
use contract_model::TextSet;
use contract_parse::{Guard, Late, ResultUse, TopicValue};

#[test]
fn what_never_runs() {
    let dead = [
        "if (false) $app.onEvent('a.b', f);",
        "const ON = false; if (ON) $app.onEvent('a.b', f);",
        "const FLAGS = Object.freeze({ x: false }); if (FLAGS.x) $app.onEvent('a.b', f);",
        "if (!true) { $app.onEvent('a.b', f) }",
        "if ('a' === 'b') $app.onEvent('a.b', f);",
        "false && $app.onEvent('a.b', f);",
        "true || $app.onEvent('a.b', f);",
        "while (false) $app.onEvent('a.b', f);",
        "true ? 0 : $app.onEvent('a.b', f);",
        "{ throw new Error(); $app.onEvent('a.b', f) }",
        "(() => { return; $app.onEvent('a.b', f) })();",
        "function f() { $app.onEvent('a.b', f); f() }",
        "class C { go() { $app.onEvent('a.b', f) } stop() {} } new C().stop();",
        "const api = { go() { $app.onEvent('a.b', f) }, stop() {} }; api.stop();",
        "class C { go() { $app.onEvent('a.b', f) } }",
        "const g = () => $app.onEvent('a.b', f);",
    ];
    for source in dead {
        let facts = plugin(source).facts;
        assert!(facts.len() == 1 && facts[0].reachable == Some(false), "{source}: {facts:?}");
    }
    let alive = [
        "let on = false; on = x; if (on) $app.onEvent('a.b', f);",
        "const g = () => $app.onEvent('a.b', f); const h = { g }; h[x]();",
        "class C { go() { $app.onEvent('a.b', f) } } const c = new C(); for (const k of ks) c[k]();",
        "if (g()) { throw 1 } $app.onEvent('a.b', f);",
        "(() => { h(); return; function h() { $app.onEvent('a.b', f) } })();",
        "if ($app.config.on) $app.onEvent('a.b', f);",
        "const on = $app.config.on; if (on) $app.onEvent('a.b', f);",
        "import './b.js';\n--- b.js\n$app.onEvent('a.b', f);",
        "import { x } from './b.js';\n--- b.js\nexport { x } from './c.js';\n--- c.js\nexport const x = 1; $app.onEvent('a.b', f);",
    ];
    for source in alive {
        let facts = plugin(source).facts;
        assert!(facts.len() == 1 && facts[0].reachable == Some(true), "{source}: {facts:?}");
    }
}

#[test]
fn modules_that_the_entry_does_not_lead_to() {
    check(
        "$app.onEvent('a.b', f);\n--- tests/a.test.js\nimport test from 'node:test';\n$app.onEvent('c.d', f);\n--- old.js\n$app.realtime().publish('e.f', {});",
        &[
            "subscribe a.b 1:1",
            "publish e.f old.js:1:1 unreachable",
            "subscribe c.d tests/a.test.js:2:1 unreachable test",
        ],
    );
    let broken = plugin("$app.onEvent('a.b', f);\n--- old.js\ncosnt x = ;\n--- tests/broken.js\ncosnt x = ;");
    assert_eq!(broken.problems.len(), 1, "{:?}", broken.problems);
    assert_eq!(broken.problems[0].location.file, "gl/old.js");
}

#[test]
fn conditions_are_told() {
    let of = |source: &str| {
        let facts = plugin(source).facts;
        let fact =
            facts.iter().find(|fact| fact.topic == Some(TopicValue::Exact(TextSet::one("a.b")))).expect("a fact");
        let conditions = fact.conditions.iter().map(|one| {
            let config = one.config.iter().cloned().collect::<Vec<_>>().join(",");
            format!("{} {config}", one.text).trim().to_owned()
        });
        (fact.guard, conditions.collect::<Vec<_>>())
    };
    let config = |text: &str| (Guard::Config, vec![text.to_owned()]);
    let branch = |text: &str| (Guard::Branch, vec![text.to_owned()]);
    assert_eq!(of("if ($app.config.audit) $app.onEvent('a.b', f);"), config("$app.config.audit audit"));
    assert_eq!(of("const { audit } = $app.config; if (audit) $app.onEvent('a.b', f);"), config("audit audit"));
    assert_eq!(of("const on = $app.config.audit; on && $app.onEvent('a.b', f);"), config("on audit"));
    assert_eq!(
        of("(() => { if (!$app.config.audit) return; $app.onEvent('a.b', f) })();"),
        config("!$app.config.audit audit")
    );
    assert_eq!(of("if (config.x) $app.onEvent('a.b', f);"), branch("config.x"));
    assert_eq!(of("if (x) { y() } else { $app.onEvent('a.b', f) }"), branch("x"));
    assert_eq!(of("switch (x) { case 1: $app.onEvent('a.b', f) }"), branch("x"));
    assert_eq!(of("try { g() } catch (e) { $app.onEvent('a.b', f) }"), branch("catch (e)"));
    assert_eq!(of("try { $app.onEvent('a.b', f) } catch (e) {}"), (Guard::None, vec![]));
    assert_eq!(of("if ($app.onEvent('a.b', f)) {}"), (Guard::None, vec![]));
    let loops = of("for (const t of ['a.b']) if (x) $app.onEvent(t, f);");
    assert_eq!(loops, (Guard::Branch, vec!["x".to_owned(), "for (const t of ['a.b'])".to_owned()]));
    assert_eq!(of("while (x) $app.onEvent('a.b', f);"), (Guard::Loop, vec!["x".to_owned()]));
}

#[test]
fn late_registrations() {
    let of = |source: &str| {
        let facts = plugin(source).facts;
        facts.iter().find(|fact| fact.topic == Some(TopicValue::Exact(TextSet::one("a.b")))).expect("a fact").late
    };
    assert_eq!(of("$app.onEvent('a.b', f);"), None);
    assert_eq!(of("await g(); $app.onEvent('a.b', f);"), Some(Late::AfterAwait));
    assert_eq!(of("$app.onEvent('a.b', f); await g();"), None);
    assert_eq!(
        of("const { T } = await import('./t.js'); $app.onEvent(T, f);\n--- t.js\nexport const T = 'a.b';"),
        None
    );
    assert_eq!(of("async function start() { await g(); $app.onEvent('a.b', f) } start();"), Some(Late::AfterAwait));
    assert_eq!(of("function start() { $app.onEvent('a.b', f) } start();"), None);
    assert_eq!(of("function start() { $app.onEvent('a.b', f) } await g(); start();"), Some(Late::AfterAwait));
    assert_eq!(of("g().then(() => $app.onEvent('a.b', f));"), Some(Late::AfterAwait));
    assert_eq!(of("setTimeout(() => $app.onEvent('a.b', f), 10);"), Some(Late::InHandler));
    assert_eq!(of("$app.onEvent('x.y', (e) => { $app.onEvent('a.b', f) });"), Some(Late::InHandler));
    assert_eq!(
        of("const g = () => $app.onEvent('a.b', f); $app.routerAdd('GET', '/api/gl/x', (e) => g());"),
        Some(Late::InHandler)
    );
    assert_eq!(of("const go = async () => { await x }; go(); $app.onEvent('a.b', f);"), None);
}

#[test]
fn handlers_are_known() {
    let facts = plugin(
        "function onB(e) {}\n$app.onEvent('a.b', onB);\n$app.onEvent('a.b', { group: 'g', formerly: 'old', timeout: x }, onB);\n$app.onEvent('c.d', (e) => e);\n$app.onEvent('c.d', (e) => e);",
    )
    .facts;
    let code: Vec<_> = facts.iter().map(|one| one.handler_code.as_ref().expect("a handler")).collect();
    assert_eq!(code[0], code[1]);
    assert_eq!(code[0].text, "function onB(e) {}");
    assert_eq!(code[2].text, code[3].text);
    assert_ne!(code[2].location, code[3].location);
    let option = |name: &str| facts[1].options.get(name).map(String::as_str);
    assert_eq!(option("group"), Some("g"));
    assert_eq!(option("formerly"), Some("old"));
    assert_eq!(option("timeout"), Some("?"));
    assert_eq!(facts[0].handler.as_deref(), Some("onB"));
    assert_eq!(facts[2].handler, None);
}

#[test]
fn what_becomes_of_a_call() {
    let of = |source: &str| plugin(source).facts[0].result;
    assert_eq!(of("$app.request('a.b', {});"), ResultUse::Dropped);
    assert_eq!(of("void $app.request('a.b', {});"), ResultUse::Voided);
    assert_eq!(of("await $app.request('a.b', {});"), ResultUse::Awaited);
    assert_eq!(of("const h = $app.request('a.b', {});"), ResultUse::Used);
    assert_eq!(of("$app.realtime()?.publish('a.b', {});"), ResultUse::Dropped);
}

#[test]
fn what_comes_to_a_place() {
    let facts = plugin(
        "const emit = () => $app.realtime().publish('a.b', {});\n$app.onEvent('x.y', (e) => emit());\n$app.routerAdd('POST', '/api/gl/x', (e) => emit());",
    )
    .facts;
    assert_eq!(facts[0].within, None);
    assert_eq!(facts[0].triggers.iter().collect::<Vec<_>>(), ["event:x.y", "verb:POST /api/gl/x"]);
    let facts =
        plugin("const emit = () => $app.realtime().publish('a.b', {});\nemit();\n$app.onEvent('x.y', (e) => emit());")
            .facts;
    assert_eq!(facts[0].triggers.iter().collect::<Vec<_>>(), ["event:x.y", "load"]);
}

#[test]
fn annotations_keep_what_was_proved() {
    let of = |source: &str| plugin(source).facts[0].proved.clone();
    let exact = |topic: &str| Some(TopicValue::Exact(TextSet::one(topic)));
    assert_eq!(of("/** @topics gl.a */\n$app.realtime().publish('gl.b', {});"), exact("gl.b"));
    assert_eq!(
        of("/** @topics gl.* */\n$app.realtime().publish(`gl.${x}`, {});"),
        Some(TopicValue::Pattern("gl.*".to_owned()))
    );
    assert_eq!(of("/** @topics gl.* */\n$app.realtime().publish(x, {});"), None);
    assert_eq!(
        of("const emit = (t) => $app.realtime().publish(t, {});\n/** @topics gl.a */\nemit('gl.b');"),
        exact("gl.b")
    );
}
