//! The twelve forms that a topic is written in, and what must not be taken for one.

use crate::support::{check, check_topic, plugin_with};

#[test]
fn enums_of_every_kind() {
    check_topic("const T = Object.freeze({ A: Object.freeze({ B: 'a.b' }) });", "T.A.B", "a.b");
    check_topic("const T = (() => { const t = {}; t.A = 'a.b'; return Object.freeze(t); })();", "T.A", "a.b");
    check_topic("var T; (function (T) { T['A'] = 'a.b'; T.B = 'c.d'; })(T || (T = {}));", "T.B", "c.d");
    check_topic("class T { static A = 'a.b'; static B = T.A; }", "T.B", "a.b");
    check_topic("class T { static A; static { this.A = 'a.b'; } }", "T.A", "a.b");
    check_topic(
        "const deep = (o) => { Object.values(o).forEach(deep); return Object.freeze(o); };\nconst T = deep({ A: { B: 'a.b' } });",
        "T.A.B",
        "a.b",
    );
    check_topic("const BASE = { A: 'a.b', C: 'c.d' }; const T = { ...BASE, C: 'e.f' };", "T.A + ''", "a.b");
    check_topic("const BASE = { A: 'a.b', C: 'c.d' }; const T = { ...BASE, C: 'e.f' };", "T.C", "e.f");
    check_topic("const T = Object.assign({}, { A: 'a.b' }, { A: 'c.d' });", "T.A", "c.d");
    check_topic("const T = {}; Object.assign(T, { A: 'a.b' });", "T.A", "a.b");
    check_topic("const T = Object.fromEntries(['a', 'b'].map((k) => [k.toUpperCase(), `gl.${k}`]));", "T.A", "gl.a");
    check_topic("const M = new Map([['x', 'a.b'], ['y', 'c.d']]);", "M.get('y')", "c.d");
    check_topic("const M = new Map([['x', 'a.b'], ['y', 'c.d']]);", "M.get(k)", "a.b|c.d");
}

#[test]
fn typescript() {
    let of = |source: &str, expression: &str| {
        format!("import './m.ts';\n--- m.ts\n{source}\n$app.realtime().publish({expression}, {{}});")
    };
    let cases = [
        ("const T = { A: 'a.b' } as const;", "T.A"),
        ("const T = { A: 'a.b' } satisfies Record<string, string>;", "T.A"),
        ("const T: Record<string, string> = <any>{ A: 'a.b' };", "T.A!"),
        ("type K = 'x'; const T = 'a.b' as string;", "T as K"),
        ("enum T { A = 'a.b' }", "T.A"),
        ("const enum T { A = 'a.b', B = `${T.A}.c` }", "T.A"),
        ("enum T { NS = 'a', A = `${NS}.b` }", "T.A"),
        ("const NS = 'a'; enum T { A = NS + '.b' }", "T.A"),
        ("enum T { A = 'a.b' }", "Object.values(T)[0]"),
        ("function id<X>(x: X): X { return x }", "id<string>('a.b')"),
    ];
    for (source, expression) in cases {
        check(&of(source, expression), &["publish a.b m.ts:2:1"]);
    }
    check(
        "import { Bus } from './m.ts';\nnew Bus($app).emit('b');\n--- m.ts\nexport class Bus {\n  constructor(private readonly app: any, protected ns = 'a') {}\n  emit(t: string): void { this.app.realtime().publish(`${this.ns}.${t}`, {}) }\n}",
        &["publish a.b 2:1"],
    );
}

#[test]
fn json_and_data_driven_registration() {
    check(
        "import m from './m.json' with {type: 'json'};\nconst h = { onB: (e) => {}, onC: (e) => {} };\nfor (const c of m.consumes) $app.onEvent(c.topic, h[c.handler]);\n--- m.json\n{\"consumes\": [{\"topic\": \"a.b\", \"handler\": \"onB\"}, {\"topic\": \"a.c\", \"handler\": \"onC\"}]}",
        &["subscribe a.b 3:29 loop", "subscribe a.c 3:29 loop"],
    );
    check(
        "const T = (await import('./t.json', { with: { type: 'json' } })).default;\n$app.realtime().publish(T.a[0], {});\n--- t.json\n{\"a\": [\"a.b\"]}",
        &["publish a.b 2:1"],
    );
    check(
        "const TABLE = [\n  { topic: 'a.b', run: (e) => e.reply({}) },\n  { topic: 'c.d', run: (e) => e.reject({}) },\n];\nTABLE.forEach(({ topic, run }) => $app.onEvent(topic, run));",
        &["reply a.b 2:31", "reply c.d 3:31", "subscribe a.b 5:35 loop", "subscribe c.d 5:35 loop"],
    );
}

#[test]
fn texts_are_worked_out() {
    check_topic("", "'gl/journal/posted'.replace(/\\//g, '.')", "gl.journal.posted");
    check_topic("", "'gl-journal_posted'.replace(/[-_]/g, '.')", "gl.journal.posted");
    check_topic("", "'gl:journal:posted'.replaceAll(':', '.')", "gl.journal.posted");
    check_topic("", "'gl:journal:posted'.split(':').join('.')", "gl.journal.posted");
    check_topic("", "'xgl.posted'.slice(1)", "gl.posted");
    check_topic("", "'gl.posted.v1'.slice(0, -3)", "gl.posted");
    check_topic("", "'gl.posted.v1'.split('.').slice(0, 2).join('.')", "gl.posted");
    check_topic("", "' gl.posted '.trim()", "gl.posted");
    check_topic("", "['gl'].concat('journal', ['posted']).join('.')", "gl.journal.posted");
    check_topic("", "['posted', 'gl'].reverse().join('.')", "gl.posted");
    check_topic("", "['gl', 'posted'].reduce((a, b) => a + '.' + b)", "gl.posted");
    check_topic("", "`gl.${'posted'}`", "gl.posted");
    check_topic("", "String('gl.posted')", "gl.posted");
    check_topic("", "'gl' + '.' + 1 + 'x'", "gl.1x");
    check_topic("", "('gl.' + x).toLowerCase()", "~gl.*");
    check_topic("let t = 'gl'; t += '.journal'; t += '.posted';", "t", "gl.journal.posted");
    check_topic("let t = 'gl'; for (const s of x) t += '.a';", "t", "?");
}

#[test]
fn choices() {
    check_topic("", "x && 'a.b'", "a.b");
    check_topic("", "(x && 'a.b') || 'c.d'", "a.b|c.d");
    check_topic("const ON = true;", "ON ? 'a.b' : 'c.d'", "a.b");
    check_topic("", "({ x: 'a.b', y: 'c.d' })[x] ?? 'e.f'", "a.b|c.d|e.f");
    check_topic("let t; switch (x) { case 1: t = 'a.b'; break; default: t = 'c.d'; }", "t", "a.b|c.d");
    check_topic(
        "const t = (k) => { switch (k) { case 'x': return 'a.b'; case 'y': return 'c.d'; default: throw 1; } };",
        "t(x)",
        "a.b|c.d",
    );
    check_topic("let t; try { t = 'a.b'; } catch { t = 'c.d'; }", "t", "a.b|c.d");
    check_topic("let t; if (x) { t = 'a.b'; } else { t = 'c.d'; }", "t", "a.b|c.d");
    check_topic("let t = null; if (x) t = 'a.b';", "t ?? 'c.d'", "a.b|c.d");
    check_topic("let t; ({ t } = { t: 'a.b' });", "t", "a.b");
    check_topic("let t; [, t] = ['x.y', 'a.b'];", "t", "a.b");
}

#[test]
fn writes_before_and_after() {
    check(
        "let t = 'a.b';\n$app.realtime().publish(t, {});\nt = 'c.d';\n$app.realtime().publish(t, {});",
        &["publish a.b 2:1", "publish c.d 4:1"],
    );
    check(
        "let t = 'a.b';\nfunction f() { $app.realtime().publish(t, {}) }\nt = 'c.d';\nf();",
        &["publish a.b|c.d 2:16"],
    );
    check_topic("let t = 'a.b'; function g() { t = 'c.d' } g();", "t", "a.b|c.d");
    check(
        "let t = 'a.b';\nfor (const x of y) {\n  $app.realtime().publish(t, {});\n  t = 'c.d';\n}",
        &["publish a.b|c.d 3:3 loop"],
    );
    check(
        "import { T } from './t.js';\nT.A = 'c.d';\n$app.realtime().publish(T.A, {});\n--- t.js\nexport const T = { A: 'a.b' };",
        &["publish a.b|c.d 3:1"],
    );
    check_topic("const T = { A: 'a.b' }; T[x] = 'c.d';", "T.A", "a.b|c.d");
    check_topic("const T = { A: 'a.b' }; function f(o) { o.A = 'c.d' } f(T);", "T.A", "a.b|c.d");
    check_topic("const L = ['a.b']; L.push('c.d');", "L[x]", "a.b|c.d");
    check_topic("const T = 'a.b'; function f(T) { return T } ", "f('c.d')", "c.d");
}

#[test]
fn loops_over_everything() {
    check("for (const t of new Set(['a.b', 'c.d'])) $app.onEvent(t, f);", &["subscribe a.b|c.d 1:42 loop"]);
    check("for (const [t] of new Map([['a.b', 1]])) $app.onEvent(t, f);", &["subscribe a.b 1:42 loop"]);
    check(
        "for (let i = 0; i < T.length; i++) $app.onEvent(T[i], f);\nvar T = ['a.b', 'c.d'];",
        &["subscribe a.b|c.d 1:36 loop"],
    );
    check(
        "const L = []; L.push('a.b'); L.push('c.d');\nfor (const t of L) $app.onEvent(t, f);",
        &["subscribe a.b|c.d 2:20 loop"],
    );
    check(
        "function* ts() { yield 'a.b'; yield 'c.d'; }\nfor (const t of ts()) $app.onEvent(t, f);",
        &["subscribe a.b|c.d 2:23 loop"],
    );
    check(
        "[['a', 1], ['b', 2]].filter(Boolean).map(([s]) => 'gl.' + s).forEach((t) => $app.onEvent(t, f));",
        &["subscribe gl.a|gl.b 1:77 loop"],
    );
    check(
        "for (const a of ['x', 'y']) for (const b of ['1', '2']) $app.onEvent(`${a}.t${b}`, f);",
        &["subscribe x.t1|x.t2|y.t1|y.t2 1:57 loop"],
    );
    check("[...['a.b'], 'c.d'].forEach((t, i) => $app.onEvent(t, f));", &["subscribe a.b|c.d 1:39 loop"]);
    check(
        "const H = { 'a.b'(e) { e.reply({}) }, 'c.d'(e) { e.reject({}) } };\nfor (const t in H) $app.onEvent(t, H[t]);",
        &["reply a.b 1:24", "reply c.d 1:50", "subscribe a.b 2:20 loop", "subscribe c.d 2:20 loop"],
    );
}

#[test]
fn a_condition_on_a_parameter_is_no_wrapper() {
    check(
        "function tell(state) {\n  $app.realtime().publish(state === 2 ? 'a.b' : 'c.d', {});\n}\n$app.onEvent('x.y', (e) => tell(e.payload.state));",
        &["publish a.b|c.d 2:3", "subscribe x.y 4:1"],
    );
    check(
        "function tell(yes) { $app.realtime().publish(yes ? 'a.b' : 'c.d', {}); }\ntell(true);",
        &["publish a.b 2:1"],
    );
}

#[test]
fn wrappers_of_every_kind() {
    check("const emit = (...args) => $app.realtime().publish(...args);\nemit('a.b', {});", &["publish a.b 2:1"]);
    check(
        "function emit() { $app.realtime().publish(arguments[0], arguments[1]) }\nemit('a.b', {});",
        &["publish a.b 2:1"],
    );
    check(
        "const emit = ({ topic, payload }) => $app.realtime().publish(topic, payload);\nemit({ topic: 'a.b', payload: {} });",
        &["publish a.b 2:1"],
    );
    check(
        "const make = (ns) => ({ emit: (t) => $app.realtime().publish(`${ns}.${t}`, {}) });\nconst gl = make('gl'), ar = make('ar');\ngl.emit('x');\nar.emit('y');",
        &["publish gl.x 3:1", "publish ar.y 4:1"],
    );
    check(
        "const emitter = (t) => (p) => $app.realtime().publish(t, p);\nconst x = emitter('a.b'), y = emitter('c.d');\nx({}); y({});",
        &["publish a.b 2:11", "publish c.d 2:31"],
    );
    check("const emit = $app.realtime().publish.bind($app.realtime());\nemit('a.b', {});", &["publish a.b 2:1"]);
    check(
        "function emit(t, p) { $app.realtime().publish(t, p) }\nconst ab = emit.bind(null, 'a.b');\nab({});",
        &["publish a.b 3:1"],
    );
    check(
        "function emit(t) { $app.realtime().publish(t, {}) }\nemit.call(null, 'a.b');\nemit.apply(null, ['c.d']);",
        &["publish a.b 2:1", "publish c.d 3:1"],
    );
    check(
        "function emit(t) { $app.realtime().publish(t, {}) }\n['a.b', 'c.d'].forEach(emit);",
        &["publish a.b|c.d 1:20 loop"],
    );
    check(
        "const a = (t) => $app.realtime().publish(t, {});\nconst b = (t) => a(`x.${t}`);\nconst c = (t) => b(`y${t}`);\nconst d = (t) => c(t + 'z');\nd('1');",
        &["publish x.y1z 5:1"],
    );
    check(
        "const emit = (t, ok = true) => { if (ok) $app.realtime().publish(t, {}) };\nemit('a.b');",
        &["publish a.b 2:1"],
    );
    check(
        "const pub = (bus, t) => bus.publish(t, {});\npub($app.realtime(), 'a.b');\npub({ publish() {} }, 'x.y');",
        &["publish a.b 2:1"],
    );
    check(
        "const r = (t, n) => { $app.realtime().publish(t, {}); if (n) r(t, n - 1) };\nr('a.b', 3);",
        &["publish a.b 2:1"],
    );
}

#[test]
fn classes() {
    check(
        "class Emitter { constructor(ns) { this.ns = ns } emit(t) { $app.realtime().publish(`${this.ns}.${t}`, {}) } }\nconst gl = new Emitter('gl'), ar = new Emitter('ar');\ngl.emit('x');\nar.emit('y');",
        &["publish gl.x 3:1", "publish ar.y 4:1"],
    );
    check(
        "class Base { constructor(app) { this.bus = app.realtime() } emit(t) { this.bus.publish(this.prefix() + t, {}) } }\nclass Gl extends Base { prefix() { return 'gl.' } }\nnew Gl($app).emit('x');",
        &["publish gl.x 3:1"],
    );
    check(
        "class Base { constructor(ns) { this.ns = ns } emit(t) { $app.realtime().publish(this.ns + t, {}) } }\nclass Gl extends Base { constructor() { super('gl.') } }\nnew Gl().emit('x');",
        &["publish gl.x 3:1"],
    );
    check(
        "class P { topic = 'a.b'; go() { $app.realtime().publish(this.topic, {}) } }\nnew P().go();",
        &["publish a.b 1:33"],
    );
    check("class P { static emit(t) { $app.realtime().publish(t, {}) } }\nP.emit('a.b');", &["publish a.b 2:1"]);
    check(
        "class P { emit(t) { $app.realtime().publish(t, {}) } }\nclass C extends P { run() { super['emit']('a.b') } }\nnew C().run();",
        &["publish a.b 2:29"],
    );
    check(
        "class S { start() { $app.onEvent('a.b', this.on.bind(this)); $app.onEvent('c.d', (e) => this.on(e)) } on(e) { e.reply({}) } }\nnew S().start();",
        &["subscribe a.b 1:21", "subscribe c.d 1:62", "reply a.b 1:111", "reply c.d 1:111"],
    );
    check(
        "const o = { ns: 'gl', emit(t) { $app.realtime().publish(`${this.ns}.${t}`, {}) } };\no.emit('x');",
        &["publish gl.x 2:1"],
    );
    check(
        "class A { static ns = 'gl'; emit(t) { $app.realtime().publish(`${this.constructor.ns}.${t}`, {}) } }\nclass B extends A { static ns = 'ar' }\nnew A().emit('x');\nnew B().emit('x');",
        &["publish gl.x 3:1", "publish ar.x 4:1"],
    );
    check(
        "class Posted { emit() { $app.realtime().publish(`gl.${this.constructor.name.toLowerCase()}`, {}) } }\nclass Voided extends Posted {}\nnew Posted().emit();\nnew Voided().emit();",
        &["publish gl.posted 3:1", "publish gl.voided 4:1"],
    );
    check(
        "const base = { ns: 'gl', emit(t) { $app.realtime().publish(`${this.ns}.${t}`, {}) } };\nconst o = { __proto__: base, ns: 'ar', emit(t) { super.emit(`x-${t}`) }, later(t) { [t].forEach((one) => super['emit'](one)) } };\no.emit('y');\no.later('z');\nconst plain = { __proto__: base };\nplain.emit('w');",
        &["publish ar.x-y 3:1", "publish ar.z 4:1", "publish gl.w 6:1"],
    );
    check(
        "class A { ns = 'gl'; emit() { $app.realtime().publish(`${this.ns}.x`, {}) } }\nclass B extends A { ns = 'ar' }\nnew A().emit();\nnew B().emit();",
        &["publish gl.x 3:1", "publish ar.x 4:1"],
    );
    check(
        "class A { ns() { return 'gl' } emit() { $app.realtime().publish(`${this.ns()}.x`, {}) } }\nclass B extends A { ns() { return 'ar' } }\nnew B().emit();",
        &["publish ar.x 3:1"],
    );
    check(
        "class A { ns = 'gl'; emit() { $app.realtime().publish(`${this.ns}.x`, {}) } }\nclass B extends A {}\nnew A().emit();\nnew B().emit();",
        &["publish gl.x 1:31"],
    );
    check(
        "class T { get topic() { return 'a.b' } }\n$app.realtime().publish(new T().topic, {});",
        &["publish a.b 2:1"],
    );
}

#[test]
fn builders_and_settings() {
    check_topic("const NS = 'gl'; const t = (e, v = 1) => `${NS}.${e}.v${v}`;", "t('posted')", "gl.posted.v1");
    check_topic(
        "const topic = (...parts) => ['gl', ...parts].join('.');",
        "topic('journal', 'posted')",
        "gl.journal.posted",
    );
    check_topic("const t = { of: (e) => ['gl', e].join('.') };", "t.of('posted')", "gl.posted");
    check_topic(
        "class T { constructor(p) { this.p = p } with(s) { return `${this.p}.${s}` } }",
        "new T('gl').with('x')",
        "gl.x",
    );
    check_topic("", "`${$app.plugin.slug}.posted`", "gl.posted");
    let schema = r#"{"properties": {"ns": {"enum": ["gl", "ledger"]}, "tail": {"type": "string", "default": "x"}}}"#;
    let of = |source: &str| plugin_with(schema, &format!("$app.realtime().publish({source}, {{}});"));
    assert_eq!(of("`${$app.config.ns}.posted`"), ["publish gl.posted|ledger.posted 1:1"]);
    assert_eq!(of("`gl.${$app.config.tail}`"), ["publish ~gl.* 1:1"]);
    assert_eq!(of("`gl.${$app.config.other}`"), ["publish ~gl.* 1:1"]);
}

#[test]
fn settings_within_settings() {
    let schema = r#"{"properties": {"at": {"type": "object", "properties": {"zone": {"enum": ["eu", "us"]}}},
        "all": {"type": "array", "items": {"enum": ["gl.a", "gl.b"]}}}}"#;
    let of = |source: &str| plugin_with(schema, source);
    let zones = ["publish gl.eu|gl.us 1:1"];
    assert_eq!(of("$app.realtime().publish(`gl.${$app.config.at.zone}`, {});"), zones);
    assert_eq!(of("$app.realtime().publish(`gl.${$app.config.at?.none}`, {});"), ["publish ~gl.* 1:1"]);
    let looped = "for (const t of $app.config.all) $app.realtime().publish(t, {});";
    assert_eq!(of(looped), ["publish gl.a|gl.b 1:34 loop"]);
}

#[test]
fn what_is_not_known_says_why() {
    check_topic("", "e.payload.topic", "?");
    check(
        "$app.onEvent('a.b', (e) => { $app.realtime().publish(`x.${e.payload.state}`, {}) });",
        &["subscribe a.b 1:1", "publish ~x.* 1:30"],
    );
    check(
        "$app.onEvent('a.b', ({ payload }) => $app.realtime().publish(payload.next, {}));",
        &["subscribe a.b 1:1", "publish ? 1:38"],
    );
    check("const f = (t) => $app.realtime().publish(t, {});\n$app.onAttach(() => f(y()));", &["publish ? 2:21"]);
    check("const f = (t) => $app.realtime().publish(t, {});\nexport { f };", &["publish ? 1:18 unreachable"]);
}

#[test]
fn texts_and_comments_are_no_calls() {
    check(
        "// $app.realtime().publish('x.y', {});\n/* $app.onEvent('x.y', f) */\nconst a = `$app.realtime().publish('x.y', {})`;\nconst b = /\\$app.onEvent('x.y')/;\nl: for (;;) { break l; }\n$app.onEvent('a.b', f);",
        &["subscribe a.b 6:1"],
    );
    check("\u{feff}#!/usr/bin/env node\r\n$app.onEvent('a.b', f);\r\n", &[]);
    check("#!/usr/bin/env node\r\nconst größe = 'a.b';\r\n$app.onEvent(größe, f);\r\n", &["subscribe a.b 3:1"]);
    check("'use strict';\nawait null;\n$app.onEvent('a.b', f);", &["subscribe a.b 3:1"]);
}

/// What an object's own list holds later is not what it held at first.
#[test]
fn lists_and_maps_of_objects_grow() {
    let builder =
        "const b = { parts: [], add(x) { this.parts.push(x); return this; }, end() { return this.parts.join('.'); } };";
    check_topic(builder, "b.add('gl').add('posted').end()", "?");
    let list = "class L { #all = []; add(t) { this.#all.push(t); } send() { for (const t of this.#all) $app.realtime().publish(t, {}); } }";
    check(&format!("{list}\nconst l = new L();\nl.add('a.b');\nl.send();"), &["publish a.b 3:1"]);
    let map =
        "const r = { by: new Map() };\nr.by.set('x', 'a.b');\nr.by.forEach((t) => $app.realtime().publish(t, {}));";
    check(map, &["publish a.b 3:21 loop"]);
}

#[test]
fn methods_of_derived_classes() {
    let base = "class A { go() { $app.realtime().publish(this.topic(), {}); } }";
    let of = |rest: &str| format!("{base}\n{rest}");
    check(&of("class B extends A { topic() { return 'a.b'; } }\nnew B().go();"), &["publish a.b 3:1"]);
}

/// A method of the host that is called otherwise than by its name is called all the same.
#[test]
fn methods_of_the_host_called_from_afar() {
    check("const p = $app.realtime().publish.bind($app.realtime(), 'a.b');\np({});", &["publish a.b 1:11"]);
    check("setTimeout($app.realtime().publish.bind(null, 'a.b', {}), 1);", &["publish a.b 1:12"]);
    check("Reflect.apply($app.realtime().publish, null, ['a.b', {}]);", &["publish a.b 1:1"]);
    check("$app.onEvent.bind($app, 'a.b')((e) => {});", &["subscribe a.b 1:1"]);
    check(
        "const api = { send(t) { $app.realtime().publish(t, {}); } };\n['a.b'].forEach(api.send, api);\napi.send('c.d');",
        &["publish a.b 1:25 loop", "publish c.d 3:1"],
    );
    check("new Map([['x', $app.realtime()]]).forEach((b) => b.publish('a.b', {}));", &["publish a.b 1:50 loop"]);
}

/// What the name of a method suggests and nothing proves is listed as what it may be.
#[test]
fn what_may_be_the_bus_is_listed() {
    check("function f(x) { x.publish('a.b', {}); }\nf(mystery());", &[]);
    let old = |call: &str| format!("function F() {{}}\nF.prototype.go = function (x) {{ {call} }};\nnew F().go({{}});");
    check(&old("this.b.publish('a.b', {});"), &["publish ~a.b 2:33"]);
    check(&old("this.b.publish(`a.${x.y}`, {});"), &["publish ~a.* 2:33"]);
    check(&old("this.b.publish(this.t, {});"), &["publish ? 2:33"]);
    check(&old("this.b.publish('a line of text');"), &[]);
    check(&old("this.b.onEvent('a.b', () => {});"), &["subscribe ? 2:33"]);
    let iterated =
        "const it = { *[Symbol.iterator]() { yield $app.realtime(); } };\nfor (const b of it) b.publish('a.b', {});";
    check(iterated, &["publish ~a.b 2:21 loop"]);
    check("try { go(); } catch (x) { x.publish('a.b', {}); }", &[]);
    check("const em = new EventEmitter(); em.publish('a.b', {}); shared.publish('a.b', {});", &[]);
    check("$app.onEvent('a.b', (e) => e.payload.bus.publish('c.d', {}));", &["subscribe a.b 1:1"]);
    check("const own = { publish() {} }; own.publish('a.b', {}); const none = {}; none.publish('a.b');", &[]);
}

/// `declare` says that somebody else gives the name, and that is the host.
#[test]
fn globals_that_typescript_is_told_of() {
    let of = |declared: &str| format!("import './m.ts';\n--- m.ts\n{declared}\n$app.realtime().publish('a.b', {{}});");
    for declared in
        ["declare const $app: any;", "declare var $app: App; interface App {}", "declare global { var $app: any; }"]
    {
        check(&of(declared), &["publish a.b m.ts:2:1"]);
    }
}
