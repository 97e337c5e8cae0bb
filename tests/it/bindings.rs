//! All functions that plugin code may call, in a plugin that asks for nothing: each is refused by name and counted, or
//! needs nothing. The lists are held against the objects themselves, so that a new function has to say which it is.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Daemon, Start, Suite};

const DENIED: Option<&str> = Some("PERMISSION_DENIED");
const FREE: Option<&str> = None;

/// A function, a call of it, and what a plugin is told that has no permission and has declared nothing.
const CALLS: [(&str, &str, Option<&str>); 38] = [
    ("$app.dao().findRecordById", "('bare_notes', 'a')", DENIED),
    ("$app.dao().findRecordsByIds", "('bare_notes', ['a'])", DENIED),
    ("$app.dao().findAcross", "({bare_notes: ['a']})", DENIED),
    ("$app.dao().prefetch", "({bare_notes: ['a']})", DENIED),
    ("$app.dao().findFirstRecordByFilter", "('bare_notes', {})", DENIED),
    ("$app.dao().findRecordsByFilter", "('bare_notes', {})", DENIED),
    ("$app.dao().countRecords", "('bare_notes', {})", DENIED),
    ("$app.dao().saveRecord", "('bare_notes', {text: 'a'})", DENIED),
    ("$app.dao().saveRecords", "('bare_notes', [{text: 'a'}])", DENIED),
    ("$app.dao().addToRecords", "('bare_notes', [{id: 'a', n: 1}], ['n'])", DENIED),
    ("$app.dao().deleteRecord", "('bare_notes', 'a')", DENIED),
    ("$app.realtime().publish", "('rich.note.made', {})", DENIED),
    ("$app.request", "('rich.note.made', {}, {timeout: '1s'})", DENIED),
    ("$app.capability", "('rich.sum')", Some("CAPABILITY_UNDECLARED")),
    ("$app.reserve", "('bare_notes/a/n', 1, {ttl: '1m', key: 'k'})", DENIED),
    ("$app.release", "('r')", DENIED),
    ("$app.confirm", "('r')", DENIED),
    ("$jobs.enqueue", "('work', {})", DENIED),
    ("$http.fetch", "('https://example.test/')", DENIED),
    ("$app.dao", "()", FREE),
    ("$app.realtime", "()", FREE),
    ("$app.now", "()", FREE),
    ("$app.uuid", "()", FREE),
    ("$app.hash", "({a: 1})", FREE),
    ("$app.sha256", "('a')", FREE),
    ("$app.log", "('info', 'text')", FREE),
    ("$app.log.debug", "('text')", FREE),
    ("$app.log.info", "('text')", FREE),
    ("$app.log.warn", "('text')", FREE),
    ("$app.log.error", "('text')", FREE),
    ("$app.license.quota", "('x')", FREE),
    ("$app.license.has", "('x')", FREE),
    ("$app.money.parse", "('1.00', 2)", FREE),
    ("$app.money.format", "(100, 2)", FREE),
    ("$app.money.add", "(1, 2)", FREE),
    ("$app.money.sub", "(1, 2)", FREE),
    ("$app.money.mul", "(100, '0.1')", FREE),
    ("$app.money.allocate", "(100, [1, 2])", FREE),
];

/// The same for what runs while a plugin loads. Who is refused there does not start.
const REGISTRATIONS: [(&str, &str, Option<&str>); 9] = [
    ("$app.routerAdd", "('GET', '/api/SLUG/x', () => 0)", FREE),
    ("$app.onEvent", "('rich.note.made', () => 0)", DENIED),
    ("$app.onOutcome", "('done', () => 0)", FREE),
    ("$app.onRecord", "('after', 'create', 'rich_notes', () => 0)", DENIED),
    ("$app.provide", "('bare.sum', {of: () => 0})", Some("CAPABILITY_UNDECLARED")),
    ("$app.onAttach", "(() => 0)", Some("CAPABILITY_UNDECLARED")),
    ("$app.onDetach", "(() => 0)", Some("CAPABILITY_UNDECLARED")),
    ("$jobs.register", "('work', () => 0)", DENIED),
    ("$jobs.cron", "('tick', '0 5 * * *', () => 0)", DENIED),
];

/// What a plugin is told that has every permission and has declared nothing.
const UNDECLARED: [(&str, &str); 11] = [
    ("$app.realtime().publish('rich.note.made', {})", "TOPIC_UNDECLARED"),
    ("$app.request('rich.note.made', {}, {timeout: '1s'})", "TOPIC_UNDECLARED"),
    ("$app.capability('rich.sum').call('of', {})", "CAPABILITY_UNDECLARED"),
    ("$app.dao().findRecordById('rich_notes', 'a')", "PERMISSION_DENIED"),
    ("$app.dao().findRecordsByFilter('rich_notes', {})", "PERMISSION_DENIED"),
    ("$app.dao().countRecords('rich_notes', {})", "PERMISSION_DENIED"),
    ("$app.dao().saveRecord('rich_notes', {text: 'a'})", "PERMISSION_DENIED"),
    ("$app.dao().deleteRecord('rich_notes', 'a')", "PERMISSION_DENIED"),
    ("$app.dao().addToRecords('rich_notes', [{id: 'a', n: 1}], ['n'])", "PERMISSION_DENIED"),
    ("$app.reserve('rich_notes/a/n', 1)", "PERMISSION_DENIED"),
    ("$http.fetch('https://example.test/')", "PERMISSION_DENIED"),
];

const RICH: &str = "schema: schema.json\ntopics:\n  rich.note.made: {kind: event, version: 1.0.0, schema: any.json, visibility: public}\npublishes: [rich.note.made]\nconsumes: [rich.note.made]\ncapabilities: {provides: [{name: rich.sum, version: 1.0.0}]}\n";
const RICH_CODE: &str = "
$app.provide('rich.sum', { of: () => 1 });
$app.onEvent('rich.note.made', function seen() {});
$app.routerAdd('POST', '/api/rich/note', () => $app.realtime().publish('rich.note.made', {}));
";
/// What the checker would say of such code before it ran.
const UNCHECKED: &str = "rules: {TL106: off, TL110: off, TL113: off, TL202: off, TL208: off, TL301: off, TL302: off, TL303: off, TL304: off, TL310: off, TL313: off, TL316: off, TL404: off, TL409: off, TL502: off, TL706: off, TL712: off}\n";
/// Every function of the globals, by the way to it.
const NAMES: &str = "() => {
  const common = new Set([...Object.getOwnPropertyNames(Object.prototype), ...Object.getOwnPropertyNames(Function.prototype), 'name', 'length']);
  const of = (path, object) => Object.getOwnPropertyNames(object).filter((name) => !common.has(name) && typeof object[name] === 'function')
    .flatMap((name) => [`${path}.${name}`, ...of(`${path}.${name}`, object[name])]);
  return [...of('$app', $app), ...of('$app.dao()', $app.dao()), ...of('$app.realtime()', $app.realtime()), ...of('$app.money', $app.money),
    ...of('$app.license', $app.license), ...of('$jobs', $jobs), ...of('$http', $http)];
}";

#[test]
fn every_function_is_refused_by_name_and_counted_or_needs_nothing() {
    let daemon = field();
    let client = daemon.client();
    let known: BTreeSet<&str> = CALLS.iter().chain(&REGISTRATIONS).map(|(name, ..)| *name).collect();
    let names = client.post("/api/bare/names", &json!({})).expect_status(200).data().clone();
    let names: BTreeSet<&str> = names.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(names, known, "the table names every function, and no other");
    let mut denied = 0;
    for (at, (name, call, refusal)) in CALLS.iter().enumerate() {
        let answer = client.post("/api/bare/call", &json!(at));
        if let Some(code) = refusal {
            denied += 1;
            answer.expect_error(500, code);
            assert!(answer.text.contains("src/main.js"), "{name}{call} is not placed: {}", answer.text);
        } else {
            assert_eq!(answer.status, 200, "{name}{call}: {}", answer.text);
        }
        assert_eq!(count(&daemon, "bare"), denied, "{name}{call}: {}", answer.text);
    }
    let metrics = daemon.admin().get("/metrics").text;
    assert!(metrics.contains(&format!("trunkline_permission_denied_total{{plugin=\"bare\"}} {denied}")), "{metrics}");
    for (at, (name, call, refusal)) in REGISTRATIONS.iter().enumerate() {
        let plugin = plugin(&daemon, &format!("reg-{at}"));
        let reason = plugin["reason"].as_str().unwrap_or_default();
        let expected = refusal.map_or("active", |_| "error");
        assert_eq!(plugin["state"], expected, "{name}{call}: {reason}");
        assert!(
            refusal.is_none_or(|code| reason.starts_with(code) && reason.contains("src/main.js:1")),
            "{name}: {reason}"
        );
    }
}

#[test]
fn with_every_permission_only_what_is_declared_can_be_reached() {
    let daemon = field();
    let client = daemon.client();
    for (at, (call, code)) in UNDECLARED.iter().enumerate() {
        let answer = client.post("/api/half/call", &json!(at));
        answer.expect_error(500, code);
        assert!(answer.text.contains("src/main.js"), "{call} is not placed: {}", answer.text);
        assert_eq!(count(&daemon, "half"), at + 1, "{call}: {}", answer.text);
    }
}

fn field() -> Daemon {
    let schema = |slug: &str| {
        format!(
            r#"{{"collections": [{{"name": "{slug}_notes", "fields": [{{"name": "text", "type": "string"}}, {{"name": "n", "type": "integer"}}]}}]}}"#
        )
    };
    let calls = |slug: &str, calls: &[String]| {
        let calls: Vec<String> = calls.iter().map(|call| format!("async () => {{ await {call}; }}")).collect();
        format!(
            "const calls = [\n{}];\n$app.routerAdd('POST', '/api/{slug}/call', (e) => calls[e.body]());\n$app.routerAdd('POST', '/api/{slug}/names', {NAMES});",
            calls.join(",\n")
        )
    };
    let bare: Vec<String> = CALLS.iter().map(|(name, call, _)| format!("{name}{call}")).collect();
    let half: Vec<String> = UNDECLARED.iter().map(|(call, _)| (*call).to_owned()).collect();
    let all = "permissions: [records:own, events:publish, events:subscribe, jobs, realtime]\n";
    let mut suite = Suite::new()
        .plugin("rich", RICH, RICH_CODE)
        .file("rich/schema.json", &schema("rich"))
        .plugin("bare", "permissions: []\nschema: schema.json\n", &calls("bare", &bare))
        .file("bare/schema.json", &schema("bare"))
        .plugin("half", all, &calls("half", &half));
    for (at, (name, call, _)) in REGISTRATIONS.iter().enumerate() {
        let slug = format!("reg-{at}");
        suite = suite.plugin(&slug, "permissions: []\n", &format!("{name}{};", call.replace("SLUG", &slug)));
    }
    Start::suite(suite.settings(UNCHECKED)).run()
}

fn plugin(daemon: &Daemon, slug: &str) -> Value {
    let all = daemon.admin().get("/api/_admin/plugins").expect_status(200).body;
    all.as_array().into_iter().flatten().find(|one| one["slug"] == slug).cloned().expect("the plugin is listed")
}

fn count(daemon: &Daemon, slug: &str) -> usize {
    usize::try_from(plugin(daemon, slug)["permission_denied"].as_u64().expect("a count")).expect("a count")
}
