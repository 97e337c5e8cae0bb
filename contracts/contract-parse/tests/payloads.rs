//! Sources in; what publishing calls send, what handlers read, and how handlers end out.

use contract_model::shape::{Form, Numeric, Shape};
use contract_parse::{FactKind, ParsedPlugin, PluginSource, SourceFile, parse_plugin};

const MANIFEST: &str = "manifest: 1\nslug: gl\nname: GL\nversion: 1.0.0\nentry: main.js\ntopics:\n  gl.ask:\n    kind: request\n    replies: {ok: gl.yes, error: gl.no}\n  gl.yes: {kind: event}\n  gl.no: {kind: event}\n";

/// Parses a plugin whose files are given as `--- path` blocks; text before the first is main.js.
fn plugin(sources: &str) -> ParsedPlugin {
    let mut files = vec![SourceFile { path: "plugin.yaml".to_owned(), text: MANIFEST.to_owned() }];
    for (at, block) in sources.split("--- ").enumerate() {
        let (path, text) = if at == 0 { ("main.js", block) } else { block.split_once('\n').unwrap_or((block, "")) };
        files.push(SourceFile { path: path.trim().to_owned(), text: text.trim_start_matches('\n').to_owned() });
    }
    let plugin = parse_plugin(&PluginSource { folder: "gl".to_owned(), files });
    assert!(plugin.problems.is_empty(), "{:?}", plugin.problems);
    plugin
}

/// A shape in one line: `?` unknown, `text`, `number`, `whole`, `fraction`, `name?` a field that may be there,
/// `..` further fields or items.
fn shown(shape: &Shape) -> String {
    match &shape.form {
        Form::Unknown => "?".to_owned(),
        Form::Absent => "undefined".to_owned(),
        Form::Null => "null".to_owned(),
        Form::Bool(flag) => flag.map_or_else(|| "bool".to_owned(), |flag| flag.to_string()),
        Form::Number(Numeric::Exact(number)) => number.to_string(),
        Form::Number(Numeric::Whole) => "whole".to_owned(),
        Form::Number(Numeric::Fraction) => "fraction".to_owned(),
        Form::Number(Numeric::Any) => "number".to_owned(),
        Form::Text(text) => text.as_ref().map_or_else(|| "text".to_owned(), |text| format!("'{text}'")),
        Form::List(list) => {
            let mut items: Vec<String> = list.items.iter().map(shown).collect();
            items.extend(list.rest.iter().map(|rest| format!("..{}", shown(rest))));
            format!("[{}]", items.join(", "))
        }
        Form::Object(object) => {
            let mut fields: Vec<String> = object
                .fields
                .iter()
                .map(|(name, field)| format!("{name}{}: {}", if field.always { "" } else { "?" }, shown(&field.value)))
                .collect();
            fields.extend(object.open.then(|| "..".to_owned()));
            format!("{{{}}}", fields.join(", "))
        }
        Form::OneOf(all) => all.iter().map(shown).collect::<Vec<_>>().join(" | "),
    }
}

/// What the publishing calls of a source send, in the order of their places.
#[track_caller]
fn sends(source: &str, want: &[&str]) {
    let plugin = plugin(source);
    let facts =
        plugin.facts.iter().filter(|fact| matches!(fact.kind, FactKind::Publish | FactKind::Request | FactKind::Reply));
    let got: Vec<String> = facts.flat_map(|fact| fact.payloads.iter().map(shown)).collect();
    assert_eq!(got, want, "\n{source}");
}

/// One publish of `payload` after `setup`.
#[track_caller]
fn payload(setup: &str, payload: &str, want: &str) {
    sends(&format!("{setup}\n$app.realtime().publish('a.b', {payload});"), &[want]);
}

#[test]
fn literals() {
    payload(
        "",
        "{a: 1, 'b': 'x', c: true, d: null, e: undefined, f: 1.5}",
        "{a: 1, b: 'x', c: true, d: null, e: undefined, f: 1.5}",
    );
    payload("", "{a: {b: [1, 'x', ...q]}}", "{a: {b: [1, 'x', ..?]}}");
    payload(
        "const k = 'a'; const n = {x: 1};",
        "{[k]: 1, n, m() {}, get g() { return 1; }}",
        "{a: 1, g: ?, m: ?, n: {x: 1}}",
    );
    payload("", "{a: 1, [key]: 2}", "{a?: ?, ..}");
    payload("", "{a: `x`, b: `x${y}`, c: `x${1}`}", "{a: 'x', b: text, c: 'x1'}");
    payload("", "{a: -5, b: !x, c: typeof x, d: void 0}", "{a: -5, b: bool, c: text, d: undefined}");
    payload("", "", "undefined");
}

#[test]
fn spreads() {
    payload("const base = {a: 1, b: 'x'};", "{...base, b: 2}", "{a: 1, b: 2}");
    payload("", "{a: 1, ...unknown}", "{a?: ?, ..}");
    payload("", "{...unknown, a: 1}", "{a: 1, ..}");
    payload("", "{a: 1, ...(x ? {b: 1} : {})}", "{a: 1, b?: 1}");
    payload("", "{a: 1, ...(x && {b: 1})}", "{a: 1, b?: 1}");
    payload("const o = Object.assign({}, {a: 1}, {b: 2});", "o", "{a: 1, b: 2}");
}

#[test]
fn names_and_modules() {
    payload("const total = '12';", "{total}", "{total: '12'}");
    payload("let t = 1; t = 'x';", "{t}", "{t: 1 | 'x'}");
    payload("let t; if (q) t = 1;", "{t}", "{t: undefined | 1}");
    payload("let sum = 0; for (const x of xs) sum -= x;", "{sum}", "{sum: 0 | number}");
    payload("const { a, ...rest } = {a: 1, b: 2};", "{a, rest}", "{a: 1, rest: {b: 2}}");
    payload(
        "const o = {n: {x: 'y'}};",
        "{x: o.n.x, y: o.n.q, z: o?.n}",
        "{x: 'y', y: undefined, z: {x: 'y'} | undefined}",
    );
    sends(
        "import { kinds } from './k.js';\nimport d from './d.json' with {type: 'json'};\n$app.realtime().publish('a.b', {kind: kinds.a, d});\n--- k.js\nexport const kinds = {a: 'A'};\n--- d.json\n{\"x\": 1}",
        &["{d: {x: 1}, kind: 'A'}"],
    );
}

#[test]
fn calculations() {
    payload(
        "",
        "{a: 1 + 2, b: 'x' + y, c: x * 1.19, d: Math.round(x * 1.19), e: x + y, f: x - y}",
        "{a: 3, b: text, c: fraction, d: whole, e: text | number, f: number}",
    );
    payload(
        "",
        "{a: String(x), b: Number(x), c: x > y, d: x ?? 'z', e: x.toFixed(2)}",
        "{a: text, b: number, c: bool, d: ?, e: text}",
    );
    payload("const d = 'x';", "{a: d || 'y', b: null ?? 'y', c: d && 1}", "{a: 'x', b: 'y', c: 1}");
    payload("", "{at: $app.now(), id: $app.uuid(), day: new Date().toISOString()}", "{at: whole, day: text, id: text}");
    payload("", "rows.map((row) => ({acount: row.a, currency: 'EUR'}))", "[..{acount: ?, currency: 'EUR'}]");
    payload("function lines(x) { if (x) return [{n: 1}]; return []; }", "{lines: lines(q)}", "{lines: [{n: 1}] | []}");
    payload("function maybe(x) { if (x) return 1; }", "{m: maybe(q)}", "{m: 1 | undefined}");
}

#[test]
fn what_is_changed_later_is_not_claimed() {
    payload("const p = {a: 1}; if (q) p.b = 2; p.a = 'x';", "p", "{a: 1 | 'x', b?: 2}");
    payload("const p = {a: 1}; delete p.a;", "p", "{..}");
    payload("const p = {a: 1, b: 2}; delete p.a;", "p", "{b: 2, ..}");
    payload("const p = {a: 1}; delete p['a'];", "p", "{..}");
    payload("const p = {}; function strip() { delete p.a; } p.a = 1; strip();", "p", "{..}");
    payload("const p = {a: {b: 1}}; delete p.a.b;", "p", "{a: {..}}");
    payload("const p = {a: {b: 1, c: 2}}; const q = p.a; delete q.b;", "p", "{a: {c: 2, ..}}");
    payload("const p = {a: 1}; ({x: p.a} = {x: 'b'});", "p", "{a: ?}");
    payload("const p = {a: 1}; ({x: p.a = 2} = {});", "p", "{a: ?}");
    payload("const p = {a: 1}; [p.a] = ['b'];", "p", "{a: ?}");
    payload("const p = {a: 1}; for (p.a of ['b']);", "p", "{a: ?}");
    payload("const p = {a: {b: 1}}; ({x: p.a.b} = {x: 'b'});", "p", "{a: {b: ?}}");
    payload("const p = {a: 1}; p[key] = 2;", "p", "{a?: ?, ..}");
    payload("const p = {a: 1}; Object.assign(p, q);", "p", "{..}");
    payload("const p = {a: 1}; lib.fill(p);", "p", "{..}");
    payload("function fill(o) { o.c = 3; } const p = {a: 1}; fill(p);", "p", "{a: 1, c?: 3}");
    payload("const p = {a: 1}; const q = p; q.d = 4;", "p", "{a: 1, d?: 4}");
    payload("const lines = [{x: 1}]; lines.push({y: 2});", "{lines}", "{lines: [{x: 1}, ..{y: 2}]}");
    payload("const lines = [{x: 1}]; for (const line of lines) line.t = 5;", "{lines}", "{lines: [{t?: 5, x: 1}]}");
    payload("const lines = [{x: 1}]; lines.forEach((line) => { line.t = 5; });", "{lines}", "{lines: [{t?: 5, x: 1}]}");
    payload("const p = {n: {a: 1}}; p.n.b = 2;", "p", "{n: {a: 1, b?: 2}}");
    payload("const p = {a: 1}; $app.dao().saveRecord('x', p); JSON.stringify(p); if (p) q();", "p", "{a: 1}");
    sends(
        "import './w.js';\nimport { p } from './p.js';\n$app.realtime().publish('a.b', p);\n--- p.js\nexport const p = {a: 1};\n--- w.js\nimport { p } from './p.js';\np.b = 2;",
        &["{a: 1, b?: 2}"],
    );
}

#[test]
fn wrappers_give_a_payload_for_each_call() {
    sends(
        "function emit(payload) { $app.realtime().publish('a.b', payload); }\nemit({a: 1});\nemit({b: 2});",
        &["{a: 1}", "{b: 2}"],
    );
    sends(
        "function emit(topic, payload) { $app.realtime().publish(topic, {...payload, at: 'now'}); }\nemit('a.b', {a: 1});\nemit('a.c', {b: 2});",
        &["{a: 1, at: 'now'}", "{at: 'now', b: 2}"],
    );
    sends(
        "$app.onEvent('gl.ask', (e) => { if (x) e.reject({code: 'X'}); else e.reply({n: 1}); });",
        &["{code: 'X'}", "{n: 1}"],
    );
}

/// The paths that handlers read, `~` where only parts of it are, `?` where its absence is expected, `!` where it is
/// not sure that it is of the payload; then the parts that get out of sight.
#[track_caller]
fn reads(source: &str, want: &[&str]) {
    let plugin = plugin(source);
    let facts = plugin.facts.iter().filter(|fact| fact.kind == FactKind::ReadsField);
    let mut got: Vec<String> = facts
        .map(|fact| {
            let mark = |key: &str, mark: &'static str| if fact.detail.contains_key(key) { mark } else { "" };
            format!(
                "{}{}{}{}",
                fact.detail.get("path").expect("a path"),
                mark("through", "~"),
                mark("tolerant", "?"),
                mark("certain", "!")
            )
        })
        .collect();
    got.extend(
        plugin.opaque.iter().map(|lost| format!("lost {}", if lost.path.is_empty() { "/" } else { &lost.path })),
    );
    got.sort();
    let mut want = want.to_vec();
    want.sort_unstable();
    assert_eq!(got, want, "\n{source}");
}

fn handler(body: &str) -> String {
    format!("$app.onEvent('a.b', (e) => {{ {body} }});")
}

#[test]
fn reads_by_path_and_destructuring() {
    reads(&handler("use(e.payload.total, e.payload.source.docId);"), &["/total", "/source/docId"]);
    reads(
        &handler("const { id: name, lines: [first], party: { kind = 'x' } } = e.payload; use(name, first);"),
        &["/id", "/lines/0", "/party/kind?"],
    );
    reads(&handler("const { a, ...rest } = e.payload; use(rest.b);"), &["/a", "/b"]);
    reads(&handler("const p = e.payload, q = p; use(q.a);"), &["/a"]);
    reads(&handler("let p = e.payload; p = other; use(p.a);"), &["/a!"]);
    reads(&handler("const { source } = e.payload; use(source.docId);"), &["/source~", "/source/docId"]);
    reads(
        &handler("if (e.payload.note) use(e.payload.note?.text, e.payload.memo ?? '');"),
        &["/note?", "/note/text?", "/memo?"],
    );
    reads(&handler("e.payload.mine = 1; use(e.payload.mine);"), &["/mine!"]);
    reads("$app.onEvent('a.b', ({ payload: { id } }) => use(id));", &["/id"]);
}

#[test]
fn reads_of_lists() {
    reads(&handler("use(e.payload.lines.map((l) => l.amount));"), &["/lines~", "/lines/*/amount"]);
    reads(&handler("for (const { sku } of e.payload.lines) use(sku);"), &["/lines~", "/lines/*/sku"]);
    reads(
        &handler("for (let i = 0; i < e.payload.lines.length; i++) use(e.payload.lines[i].qty);"),
        &["/lines/length", "/lines/*/qty"],
    );
    reads(
        &handler("const open = e.payload.lines.filter((l) => l.open).map((l) => l.item); use(open.map((i) => i.sku));"),
        &["/lines~", "/lines/*/open", "/lines/*/item/sku"],
    );
    reads(
        &handler("const line = e.payload.lines.find((l) => l.id === 1); use(line.total);"),
        &["/lines~", "/lines/*/id?", "/lines/*/total"],
    );
    reads(&handler("use(e.payload.lines.reduce((sum, l) => sum + l.amount, 0));"), &["/lines~", "/lines/*/amount"]);
}

#[test]
fn reads_through_helpers() {
    reads(
        "import { sum } from './sum.js';\n$app.onEvent('a.b', (e) => sum(e.payload.lines, e.payload));\n--- sum.js\nexport function sum(lines, { entity }) { return inner(lines) + entity; }\nfunction inner(all) { return all[0].net; }",
        &["/entity", "/lines/0/net"],
    );
    reads(
        "function source(p) { return p.source; }\n$app.onEvent('a.b', (e) => use(source(e.payload).docId));",
        &["/source/docId"],
    );
    // Who else calls a helper changes nothing of what is read for it here.
    reads(
        "function keep(id) { use(id); }\n$app.onEvent('a.b', (e) => keep(e.payload.id));\n$app.onAttach(() => keep('x'));",
        &["/id!", "/id~?"],
    );
    reads(
        "$app.onEvent('a.b', function onB(event) { work(event); });\nfunction work(event) { use(event.payload.x); }",
        &["/x"],
    );
}

#[test]
fn payloads_that_get_out_of_sight() {
    reads(&handler("$app.log('info', 'x', e.payload);"), &["lost /"]);
    reads(&handler("use({ ...e.payload });"), &["lost /"]);
    reads(&handler("use(e.payload.rates[key]);"), &["/rates/*!", "lost /rates"]);
    reads(&handler("for (const key of Object.keys(e.payload)) use(key);"), &["lost /"]);
    reads(&handler("$app.log('info', e.topic);"), &[]);
}

/// The ways a handler ends without an answer, as `line how: step; step`.
#[track_caller]
fn ends(body: &str, want: &[&str]) {
    let plugin = plugin(&format!(
        "$app.onEvent('gl.ask', async (e) => {{\n{body}\n}});\nfunction yes(e) {{ e.reply({{}}); }}\nfunction perhaps(e, x) {{ if (x) e.reply({{}}); }}\nfunction run(f) {{ f(); }}"
    ));
    assert_eq!(plugin.endings.len(), 1);
    let got: Vec<String> = plugin.endings[0]
        .open
        .iter()
        .map(|path| {
            let steps: Vec<&str> = path.steps.iter().map(|(_, text)| text.as_str()).collect();
            let how = if path.returns { "returns" } else { "ends" };
            format!("{} {how}: {}", path.location.line - 1, steps.join("; ")).trim_end_matches([' ', ':']).to_owned()
        })
        .collect();
    assert_eq!(got, want, "\n{body}");
}

#[test]
fn handlers_that_always_answer() {
    for body in [
        "e.reply({});",
        "if (a) e.reply({}); else e.reject({});",
        "if (a) return e.reject({}); e.reply({});",
        "a ? e.reply({}) : e.reject({});",
        "if (a) throw new Error('x'); e.reply({});",
        "try { work(); e.reply({}); } catch (x) { e.reject({}); }",
        "try { work(); } finally { e.reply({}); }",
        "try { work(); e.reply({}); } catch (x) { throw x; }",
        "switch (a) { case 1: e.reply({}); break; default: e.reject({}); }",
        "switch (a) { case 1: case 2: return e.reply({}); default: } e.reject({});",
        "if (ok) e.reply({}); if (!ok) e.reject({});",
        "if (ok) { e.reply({}); return; } if (!ok) { e.reject({}); }",
        "yes(e);",
        "run(() => e.reply({}));",
        "await later().then(() => e.reply({}));",
        "while (true) { if (a) { e.reply({}); break; } }",
        "for (;;) { e.reply({}); return; }",
        "do { e.reply({}); } while (a);",
        "$app.realtime().publish('gl.yes', {});",
        "outer: for (const x of xs) { for (const y of x) { break outer; } } e.reply({});",
        "handlers[a](e);",
    ] {
        ends(body, &[]);
    }
}

#[test]
fn handlers_that_may_end_without_an_answer() {
    ends("if (a) return;\ne.reply({});", &["1 returns: `a` holds"]);
    ends("if (a) e.reply({});", &["2 ends: `a` does not hold"]);
    ends(
        "switch (a) { case 1: e.reply({}); break; case 2: e.reject({}); }",
        &["2 ends: no case of `switch (a)` applies"],
    );
    ends("for (const x of xs) e.reply({});", &["2 ends: `xs` is empty"]);
    ends("xs.forEach(() => e.reply({}));", &["2 ends: the list has no items"]);
    ends("try {\n work(); e.reply({});\n} catch (x) { $app.log('warn', 'x'); }", &["4 ends: an exception is caught"]);
    ends("a && e.reply({});", &["2 ends: `a` does not hold"]);
    ends("perhaps(e, a);", &["2 ends: `x` does not hold; ends here without an answer"]);
    ends("$app.realtime().publish('gl.other', {});", &["2 ends"]);
    ends("while (a) e.reply({});", &["2 ends: `a` does not hold"]);
    ends("await work().catch(() => {});\nif (b) e.reply({});", &["3 ends: `b` does not hold"]);
    ends(
        "work().then(() => e.reply({})).catch((x) => $app.log('warn', 'x'));",
        &["2 ends: an exception is caught; ends here without an answer"],
    );
}

#[test]
fn whether_an_answer_is_given_at_all() {
    let answers = |body: &str| plugin(&format!("$app.onEvent('gl.ask', (e) => {{ {body} }});")).endings[0].answers;
    assert!(!answers("$app.log('info', e.id);"));
    assert!(answers("if (a) e.reply({});"));
    assert!(answers("registry.get(e.topic)(e);"));
    assert!(plugin("$app.onEvent('gl.yes', (e) => {});").endings.is_empty());
}

/// A payload is what the method gets, however it is called; where that is written elsewhere, nothing is claimed.
#[test]
fn payloads_of_methods_called_from_afar() {
    let of = |call: &str| {
        let plugin = plugin(&format!("const bus = $app.realtime();\n{call};"));
        let publishes = plugin.facts.iter().filter(|fact| fact.kind == FactKind::Publish);
        publishes.map(|fact| fact.payloads.iter().map(shown).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    assert_eq!(of("bus.publish.call(bus, 'gl.yes', { id: 1 })"), [["{id: 1}"]]);
    assert_eq!(of("bus.publish.bind(bus, 'gl.yes', { id: 1 })()"), [["{id: 1}"]]);
    for elsewhere in [
        "bus.publish.apply(bus, ['gl.yes', { id: 1 }])",
        "Reflect.apply(bus.publish, bus, ['gl.yes', { id: 1 }])",
        "bus.publish.bind(bus, 'gl.yes')({ id: 1 })",
    ] {
        assert_eq!(of(elsewhere), [Vec::<String>::new()], "{elsewhere}");
    }
}

/// Which payload goes with which method is not known where both are chosen.
#[test]
fn payloads_of_methods_that_are_chosen() {
    let chosen = |payload: &str| {
        format!("$app.onEvent('gl.ask', (e) => {{ const r = e.payload.x ? e.reject : e.reply; r({payload}); }});")
    };
    sends(&chosen("e.payload.x ? {code: 'X'} : {id: 'Y'}"), &[]);
    sends(&chosen("{code: 'X'}"), &["{code: 'X'}", "{code: 'X'}"]);
    let named = "e[e.payload.x ? 'reject' : 'reply'](e.payload.x ? {code: 'X'} : {id: 'Y'})";
    sends(&format!("$app.onEvent('gl.ask', (e) => {{ {named}; }});"), &[]);
    let plain = "e.reply(e.payload.x ? {code: 'X'} : {id: 'Y'})";
    sends(&format!("$app.onEvent('gl.ask', (e) => {{ {plain}; }});"), &["{code: 'X'} | {id: 'Y'}"]);
}
