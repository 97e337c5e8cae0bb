//! A value of the wrong type is one finding, at its place: what stands on it is not known, and nothing is said of it.

use crate::common::{check, write};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// Where a value lies: the keys and numbers that lead to it.
type Way = Vec<String>;

/// No key takes this number, nor a list of it.
const WRONG: i64 = 55_555;

/// A manifest with every key that there is.
fn gl() -> Value {
    json!({
        "manifest": 1, "slug": "gl", "name": "General Ledger", "version": "1.2.0", "min_core": "0.1.0",
        "description": "Books", "author": "Example", "homepage": "https://example.test", "license": "Apache-2.0",
        "category": "accounting", "tags": ["erp"], "form": "bundle", "entry": "src/main.js", "schema": "schema.json",
        "widgets": "widgets.json", "config": "config.json",
        "topics": {
            "gl.item.made": {
                "kind": "event", "version": "1.2.0", "schema": "made.json", "examples": ["made.example.json"],
                "visibility": "public", "compatibility": "backward", "key": "/id", "idempotency": ["/id"],
                "retry": {"attempts": 3, "backoff": "1s", "cap": "1m", "then": "park"}, "ttl": "30d", "retain": "10d",
                "publishers": ["ap"], "exclusive": false,
            },
            "gl.item.get.request": {
                "kind": "request", "version": "1.0.0", "replies": {"ok": "gl.item.got", "error": "gl.item.missed"},
                "timeout": "5s",
            },
            "gl.item.got": {"kind": "reply", "version": "1.0.0"},
            "gl.item.missed": {"kind": "reply", "version": "1.0.0"},
            "gl.item.kept": {"visibility": "private"},
            "gl.item.old": {"deprecated": {"since": "1.0.0", "sunset": "2099-01-01", "use": "gl.item.made"}},
            "gl.many.one": {"kind": "event"},
            "gl.item.lone": {},
        },
        "publishes": [
            "gl.item.made", "gl.item.got", "gl.item.missed", "gl.item.kept", "gl.item.old", "gl.item.lone",
            {"pattern": "gl.many.*", "values": ["gl.many.one"]}, {"topic": "ap.bill.get.request"},
        ],
        "consumes": [
            "gl.item.get.request", "gl.item.kept", {"topic": "ap.bill.made", "range": "^1", "schema": "bill.json"},
            {"topic": "fx.rate.changed", "optional": true, "reason": "books stay in base currency without fx"},
            {"topic": "ap.bill.paid", "when": "config.paid", "handler": "onPaid"}, "ap.bill.got",
        ],
        "capabilities": {
            "provides": [{"name": "gl.books", "version": "1.0.0"}],
            "consumes": [{"name": "ap.open", "range": "^1", "optional": false}],
        },
        "requires": {"ap": "^1"},
        "permissions": ["records:own", "events:publish", "events:subscribe", "jobs", "net:api.example.test"],
        "roles": [{"name": "gl.clerk", "billable": true, "grants": ["gl.do"]}],
        "pricing": {"metric": "seat_monthly", "amount": "9.00", "currency": "USD"},
        "allow": [{
            "rule": "TL202", "topic": "gl.item.old", "file": "src/main.js", "owner": "finance",
            "reason": "the archive of the bank hears it", "expires": "2099-01-01", "until": "consumer(gl.item.old)",
        }],
    })
}

fn ap() -> Value {
    json!({
        "manifest": 1, "slug": "ap", "name": "Payables", "version": "1.2.0", "entry": "src/main.js",
        "topics": {
            "ap.bill.made": {"version": "1.0.0", "schema": "bill.json"}, "ap.bill.paid": {"version": "1.0.0"},
            "ap.bill.get.request": {"kind": "request", "replies": {"ok": "ap.bill.got"}, "timeout": "5s"},
            "ap.bill.got": {"kind": "reply"},
        },
        "publishes": ["ap.bill.made", "ap.bill.paid", "ap.bill.got", "gl.item.made", "gl.item.get.request"],
        "consumes": [
            {"topic": "gl.item.made", "range": "^1"}, "gl.many.one", "gl.item.got", "gl.item.missed",
            "ap.bill.get.request",
        ],
        "capabilities": {
            "provides": [{"name": "ap.open", "version": "1.0.0"}], "consumes": [{"name": "gl.books", "range": "^1"}],
        },
        "requires": {"gl": "^1"},
        "allow": [{"rule": "TL804", "reason": "the two are sold as one", "owner": "all", "expires": "2099-01-01"}],
    })
}

fn suite() -> Value {
    json!({
        "name": "All", "plugins": ["gl", "ap"], "compositions": {"full": ["gl", "ap"]},
        "external": [{"topic": "fx.rate.changed", "reason": "the bank publishes it"}], "catalog": "catalog.json",
        "rules": {"TL106": "off", "TL212": {"level": "warn", "enforce_from": "2099-01-01"}}, "profile": "default",
        "overrides": [{"files": ["ap/**"], "rules": {"TL202": "info"}, "reason": "ap is young"}],
        "custom": [{
            "id": "no-x", "when": "topic.name == 'x.y'", "message": "x", "each": "topic", "compositions": ["full"],
            "help": "h", "severity": "warn", "enforce_from": "2099-01-01",
        }],
        "forbid": [{"from": ["gl"], "to": ["ap"], "except": ["ap"], "topic": "gl.secret.*", "reason": "secrets stay"}],
        "require": [{"topic": "gl.item.made", "listener": ["ap"], "reason": "ap needs it"}],
        "limits": {"ap": {"events": 2000}},
        "allow": [{
            "plugin": "gl", "rule": "TL202", "topic": "gl.item.lone", "owner": "finance",
            "reason": "the archive of the bank hears it", "expires": "2099-01-01",
        }],
    })
}

const GL: &str = "
$app.onRecord('after', 'create', 'gl_items', (e) => $app.realtime().publish('gl.item.made', { id: e.record.id }));
$app.routerAdd('POST', '/api/gl/items', (e) => {
  for (const topic of ['gl.item.kept', 'gl.item.old', 'gl.item.lone', 'gl.many.one']) $app.realtime().publish(topic, {});
  $app.request('ap.bill.get.request', {}, { timeout: '2s' });
  return $app.capability('ap.open').call('list', {});
});
$app.provide('gl.books', { list: () => [] });
$jobs.register('close', () => $http.fetch('https://api.example.test/'));
$app.onEvent('gl.item.get.request', (e) => { if (e.payload.id) e.reply({}); else e.reject({}); });
$app.onEvent('gl.item.kept', (e) => $app.log('info', e.topic));
$app.onEvent('ap.bill.made', (e) => $app.log('info', e.payload.id));
$app.onEvent('fx.rate.changed', (e) => $app.log('info', e.topic));
$app.onEvent('ap.bill.got', (e) => $app.log('info', e.topic));
export function onPaid(e) { $app.log('info', e.topic); }
if ($app.config.paid) $app.onEvent('ap.bill.paid', onPaid);
";

const AP: &str = "
$app.routerAdd('POST', '/api/ap/bills', (e) => {
  $app.realtime().publish('ap.bill.made', { id: 'a' });
  $app.realtime().publish('ap.bill.paid', {});
  $app.realtime().publish('gl.item.made', { id: 'a' });
  $app.request('gl.item.get.request', { id: 'a' }, { timeout: '2s' });
  return $app.capability('gl.books').call('list', {});
});
$app.provide('ap.open', { list: () => [] });
$app.onEvent('ap.bill.get.request', (e) => e.reply({}));
for (const topic of ['gl.item.made', 'gl.many.one', 'gl.item.got', 'gl.item.missed']) {
  $app.onEvent(topic, (e) => $app.log('info', e.topic));
}
";

const ID: &str = r#"{"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}"#;
const ITEMS: &str = r#"{"collections": [{"name": "gl_items", "fields": [{"name": "total", "type": "integer"}]}]}"#;

/// The suite, with something else in the place of some of its manifests.
fn written(manifests: &[(&str, &Value)]) -> TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let texts = [
        ("gl/src/main.js", GL),
        ("ap/src/main.js", AP),
        ("gl/schema.json", ITEMS),
        ("gl/widgets.json", "{}"),
        ("gl/config.json", r#"{"type": "object", "properties": {"paid": {"type": "boolean"}}}"#),
        ("gl/made.json", ID),
        ("gl/made.example.json", r#"{"id": "a"}"#),
        ("gl/bill.json", ID),
        ("ap/bill.json", ID),
        ("catalog.json", r#"{"schema": "trunkline.catalog/1", "topics": [{"name": "fx.rate.changed"}]}"#),
    ];
    for (path, text) in texts {
        write(folder.path(), path, text.as_bytes());
    }
    for (path, value) in manifests {
        write(folder.path(), path, serde_json::to_string_pretty(value).expect("JSON").as_bytes());
    }
    folder
}

/// An error or a warning.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    rule: String,
    severity: String,
    file: String,
    line: u64,
    message: String,
}

/// Whether it says that something is not known.
fn is_doubt(found: &Found) -> bool {
    found.severity == "warning" && found.message.ends_with("is not known")
}

/// Whether it is a warning that the refused exception or level had kept back.
fn is_uncovered(way: &[String], found: &Found) -> bool {
    let kept_back = [("allow", "TL202"), ("rules", "TL106")];
    found.severity == "warning" && kept_back.contains(&(way[0].as_str(), found.rule.as_str()))
}

/// The errors and warnings of a suite, held against another where one is given.
fn findings(folder: &Path, base: Option<&Path>) -> Vec<Found> {
    let base: Vec<&str> = base.into_iter().flat_map(|base| ["--base", base.to_str().expect("UTF-8")]).collect();
    let ended = check(folder, &[["--out", "json", "--today", "2026-11-21"].as_slice(), &base].concat());
    let report: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.err));
    let all = report["findings"].as_array().expect("findings").iter();
    all.filter(|one| one["suppressed"].is_null() && one["severity"] != "info")
        .map(|one| {
            let (at, text) = (&one["location"], |value: &Value| value.as_str().unwrap_or_default().to_owned());
            let line = at["line"].as_u64().unwrap_or(0);
            let (rule, severity) = (text(&one["rule"]), text(&one["severity"]));
            Found { rule, severity, file: text(&at["file"]), line, message: text(&one["message"]) }
        })
        .collect()
}

/// Every place of a value.
fn ways(value: &Value) -> Vec<Way> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let further = |(name, value): (String, &Value)| {
        let deeper = ways(value).into_iter().map({
            let name = name.clone();
            move |way| [vec![name.clone()], way].concat()
        });
        std::iter::once(vec![name.clone()]).chain(deeper).collect::<Vec<_>>()
    };
    below.into_iter().flat_map(further).collect()
}

/// The value with another type at one place: a number for a list or mapping, a list for anything else.
fn spoilt(value: &Value, way: &[String]) -> Value {
    let mut out = value.clone();
    let place = out.pointer_mut(&pointer(way)).expect("a place");
    *place = if place.is_array() || place.is_object() { json!(WRONG) } else { json!([WRONG]) };
    out
}

/// Where the wrong value begins: a list on the line before its only item.
fn line(sound: &Value, spoilt: &Value, way: &[String]) -> u64 {
    let text = serde_json::to_string_pretty(spoilt).expect("JSON");
    let at = text.lines().position(|line| line.contains("55555")).expect("the wrong value");
    let place = sound.pointer(&pointer(way)).expect("a place");
    u64::try_from(at + usize::from(place.is_array() || place.is_object())).expect("small")
}

fn pointer(way: &[String]) -> String {
    way.iter().fold(String::new(), |out, part| out + "/" + &part.replace('/', "~1"))
}

#[test]
fn a_value_of_the_wrong_type_is_one_finding_at_its_place() {
    let (gl, ap, suite) = (gl(), ap(), suite());
    let sound = written(&[("gl/plugin.yaml", &gl), ("ap/plugin.yaml", &ap), ("suite.yaml", &suite)]);
    assert_eq!(findings(sound.path(), None), Vec::new());
    let mut wrong = Vec::new();
    for (file, whole) in [("gl/plugin.yaml", &gl), ("suite.yaml", &suite)] {
        for way in ways(whole) {
            let spoilt = spoilt(whole, &way);
            let others: Vec<(&str, &Value)> =
                [("gl/plugin.yaml", &gl), ("ap/plugin.yaml", &ap), ("suite.yaml", &suite)]
                    .into_iter()
                    .map(|(name, value)| (name, if name == file { &spoilt } else { value }))
                    .collect();
            let folder = written(&others);
            let at = line(whole, &spoilt, &way);
            let is_it = |one: &Found| one.severity == "error" && one.file == file && one.line == at;
            // Nor is anything known to have changed.
            let found = findings(folder.path(), Some(sound.path()));
            let (it, others): (Vec<&Found>, Vec<&Found>) = found.iter().partition(|one| is_it(one));
            if it.len() != 1 || !others.iter().all(|one| is_doubt(one) || is_uncovered(&way, one)) {
                wrong.push((way.join("."), at, found));
            }
            let since = findings(sound.path(), Some(folder.path()));
            if !since.is_empty() {
                wrong.push((format!("{} of the base", way.join(".")), at, since));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them: {wrong:#?}", wrong.len());
}
