//! `$app` is known by where it comes from, not by its name.

use crate::support::{check, check_problems};

#[test]
fn every_way_to_the_bus() {
    let ways = [
        "const { onEvent: on } = $app; on('a.b', f);",
        "const { onEvent } = $app; onEvent('a.b', f);",
        "$app['onEvent']('a.b', f);",
        "const m = 'onEvent'; $app[m]('a.b', f);",
        "$app?.onEvent?.('a.b', f);",
        "$app.onEvent.call($app, 'a.b', f);",
        "$app.onEvent.apply($app, ['a.b', f]);",
        "const on = $app.onEvent.bind($app); on('a.b', f);",
        "let app; app = $app; app.onEvent('a.b', f);",
        "const deps = { app: $app }; deps.app.onEvent('a.b', f);",
        "const { app } = { app: $app }; app.onEvent('a.b', f);",
        "const deps = {}; deps.app = $app; deps.app.onEvent('a.b', f);",
        "class C { #app = $app; go() { this.#app.onEvent('a.b', f) } } new C().go();",
        "class C { app = $app; go() { this.app.onEvent('a.b', f) } } new C().go();",
        "class C { constructor(app) { this.app = app } go() { this.app.onEvent('a.b', f) } } new C($app).go();",
        "class C { constructor({ app }) { this.app = app } go() { this.app.onEvent('a.b', f) } } new C({ app: $app }).go();",
        "class C { init(app) { this.app = app; return this } go() { this.app.onEvent('a.b', f) } } new C().init($app).go();",
        "class C { static app = $app; static go() { C.app.onEvent('a.b', f) } } C.go();",
        "function setup(app) { return () => app.onEvent('a.b', f) } setup($app)();",
        "const setup = (app) => { const inner = () => { app.onEvent('a.b', f) }; inner() }; setup($app);",
        "((app) => app.onEvent('a.b', f))($app);",
        "globalThis.$app.onEvent('a.b', f);",
        "const get = () => $app; get().onEvent('a.b', f);",
        "const all = [$app]; all[0].onEvent('a.b', f);",
        "const a = x ? $app : $app; a.onEvent('a.b', f);",
        "const a = x || $app; a.onEvent('a.b', f);",
        "$app.onAttach(({ tenant }, app = $app) => app.onEvent('a.b', f));",
    ];
    for way in ways {
        let source = format!("function f(e) {{}}\n{way}");
        let plugin = crate::support::plugin(&source);
        let got: Vec<String> = plugin.facts.iter().map(crate::support::line).collect();
        assert!(got.len() == 1 && got[0].starts_with("subscribe a.b 2:"), "{way}: {got:?}");
    }
}

#[test]
fn other_things_of_that_name_are_not_the_bus() {
    let others = [
        "const $app = { onEvent() {} }; $app.onEvent('a.b', f);",
        "function g($app) { $app.onEvent('a.b', f) } g({ onEvent() {} });",
        "import { $app } from './x.js'; $app.onEvent('a.b', f);\n--- x.js\nexport const $app = { onEvent() {} };",
        "class EventEmitter { onEvent() {} publish() {} } const bus = new EventEmitter(); bus.onEvent('a.b', f); bus.publish('a.b');",
        "const emitter = { listeners: {}, onEvent(t, f) { (this.listeners[t] ||= []).push(f) } }; emitter.onEvent('a.b', f);",
        "const bus = { publish(t) {} }; bus.publish('a.b');",
        "try { g() } catch ($app) { $app.onEvent('a.b', f) }",
        "for (const $app of []) $app.onEvent('a.b', f);",
        "let app = $app; app = { onEvent() {} }; app.onEvent('a.b', f);",
        "e.app.onEvent('a.b', f);",
    ];
    for other in others {
        check(other, &[]);
    }
}

#[test]
fn where_the_bus_escapes_to() {
    check_problems("unknownLibrary($app);", &["HostEscapes 1:16 `$app` is given to code that is not followed"]);
    check_problems("lib.init({ bus: $app.realtime() });", &["HostEscapes 1:10"]);
    check_problems("globalThis.bus = $app;", &["HostEscapes 1:18 `$app` is made global"]);
    check_problems(
        "const x = Object.assign({}, $app.realtime());",
        &["HostEscapes 1:29 `$app.realtime()` is given to code"],
    );
    check_problems("for (const f of Object.values($app)) f();", &["HostEscapes 1:31"]);
    check_problems("Object.freeze($app); Object.keys($app.realtime());", &[]);
    check_problems("Object.defineProperty({}, 'bus', { value: $app });", &["HostEscapes 1:34"]);
    check_problems("const p = new Proxy($app.realtime(), {});", &["HostEscapes 1:21"]);
    check_problems("new Map([['app', $app]]); new Set([$app]); class Own { constructor(x) {} } new Own($app);", &[]);
    check_problems("try { throw { app: $app }; } catch {}", &["HostEscapes 1:13 `{ app: $app }` is thrown"]);
    check_problems("const k = eq(); $app[k]('a.b', () => {});", &["HostEscapes 1:17 `$app[k]` is known only when"]);
    check_problems("$app['onEv' + 'ent']('a.b', () => {});", &[]);
    check_problems("const list = []; list.push($app);", &["HostEscapes 1:28"]);
    check_problems("function own(app) { app.onEvent('a.b', f) } own($app);", &[]);
    check_problems("console.log($app); Object.freeze($app); const f = $app.onEvent.bind($app);", &[]);
    check_problems(
        "class A { constructor(app) {} } class B extends A { constructor(app) { super(app) } } new B($app);",
        &[],
    );
    check_problems("unknownLibrary($app.config, $app.now());", &[]);
}

#[test]
fn a_subscriptions_condition_reads_fields() {
    let reads = |source: &str| -> Vec<String> {
        let plugin = crate::support::plugin(source);
        let reads = plugin.facts.iter().filter(|fact| fact.kind == contract_parse::FactKind::ReadsField);
        reads.map(|fact| fact.detail.get("path").cloned().unwrap_or_default()).collect()
    };
    let source = "const ours = { when: \"source.plugin = 'ap' && total > 0\" };\n$app.onEvent('a.b', ours, () => {});";
    assert_eq!(reads(source), ["/source/plugin", "/total"]);
    assert!(reads("$app.onEvent('a.b', { when: $app.config.when }, () => {});").is_empty(), "only a run knows it");
    check_problems("$app.onEvent('a.b', { when: 'total >' }, () => {});", &["WrongApi 1:1 `when` of the subscription"]);
}
