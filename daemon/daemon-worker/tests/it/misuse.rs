//! Every function of the API is given every kind of nonsense at every place. It may take it or refuse it, with the
//! author's place; it may not panic, hang, or leave the worker unfit for the next call.

use crate::harness::{Parent, event, load, verb};
use contract_model::ErrorCode;
use daemon_frame::{Ended, Failure, FaultKind};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Calls of handlers, with arguments that are fine.
const CALLS: [(&str, &[&str]); 47] = [
    ("$app.dao().findRecordById", &["'ap_bills'", "'b'"]),
    ("$app.dao().findRecordsByIds", &["'ap_bills'", "['b']", "{fields: ['no']}"]),
    ("$app.dao().findAcross", &["{ap_bills: ['b']}"]),
    ("$app.dao().prefetch", &["{ap_bills: ['b']}"]),
    ("$app.dao().findFirstRecordByFilter", &["'ap_bills'", "'no = {:no}'", "{no: '1'}"]),
    ("$app.dao().findRecordsByFilter", &["'ap_bills'", "{no: '1'}", "{sort: 'no', limit: 1}", "{}"]),
    ("$app.dao().countRecords", &["'ap_bills'", "{}", "{}"]),
    ("$app.dao().saveRecord", &["'ap_bills'", "{no: '1'}"]),
    ("$app.dao().saveRecords", &["'ap_bills'", "[{no: '1'}]"]),
    ("$app.dao().addToRecords", &["'ap_bills'", "[{id: 'b', no: '1', total: 1}]", "['total']"]),
    ("$app.dao().deleteRecord", &["'ap_bills'", "'b'"]),
    ("$app.realtime().publish", &["'ap.bill.approved'", "{}", "{key: 'k', delay: '1s', headers: {a: 1}}"]),
    ("$app.request", &["'ap.bill.approved'", "{}", "{timeout: '1s'}"]),
    ("$app.capability", &["'fx.rate'", "{provider: 'fx'}"]),
    ("$app.capability('fx.rate').call", &["'rate'", "{}"]),
    ("$app.capability('fx.rate').providers", &["1"]),
    ("$app.reserve", &["'ap_bills/b/total'", "1", "{ttl: '1m', key: 'k'}"]),
    ("$app.release", &["'r'"]),
    ("$app.confirm", &["{id: 'r'}"]),
    ("$app.hash", &["{a: 1}"]),
    ("$app.sha256", &["'a'"]),
    ("coerce", &["{no: 1}", "{no: 'string?', lines: [{amount: 'integer'}]}"]),
    ("$app.log", &["'info'", "'text'", "{a: 1}"]),
    ("$app.license.quota", &["'x'"]),
    ("$app.license.has", &["'x'"]),
    ("$app.money.parse", &["'1.00'", "2"]),
    ("$app.money.format", &["100", "2"]),
    ("$app.money.mul", &["100", "'0.1'", "'half-up'"]),
    ("$app.money.allocate", &["100", "[1, 2]"]),
    ("$jobs.enqueue", &["'work'", "{}", "{delay: '1s', attempts: 2, uniqueKey: 'u', priority: 1}"]),
    ("$http.fetch", &["'https://api.example.test/'", "{method: 'POST', headers: {a: 'b'}, body: {}, attempts: 1}"]),
    ("e.json", &["200", "{}"]),
    ("e.text", &["200", "'a'"]),
    ("e.outcome", &["{id: 'x'}", "{ok: 200, timeout: '1s'}"]),
    ("e.setStatus", &["200"]),
    ("e.header", &["'accept'"]),
    ("$app.dao", &[]),
    ("$app.realtime", &[]),
    ("$app.now", &[]),
    ("$app.uuid", &[]),
    ("$app.log.debug", &["'text'", "{a: 1}"]),
    ("$app.log.info", &["'text'", "{a: 1}"]),
    ("$app.log.warn", &["'text'", "{a: 1}"]),
    ("$app.log.error", &["'text'", "{a: 1}"]),
    ("$app.money.add", &["1", "2"]),
    ("$app.money.sub", &["1", "2"]),
    ("console.log", &["'text'", "{a: 1}"]),
];

/// Calls at the top level of a module.
const REGISTRATIONS: [(&str, &[&str]); 9] = [
    ("$app.routerAdd", &["'GET'", "'/api/ap/x'", "{roles: ['a']}", "() => 0"]),
    ("$app.onEvent", &["'gl.journal.posted'", "{name: 'n'}", "() => 0"]),
    ("$app.onOutcome", &["'done'", "() => 0"]),
    ("$app.onRecord", &["'before'", "'create'", "'ap_bills'", "() => 0"]),
    ("$app.provide", &["'ap.open-items'", "{a() {}}"]),
    ("$app.onAttach", &["() => 0"]),
    ("$app.onDetach", &["() => 0"]),
    ("$jobs.register", &["'work'", "{attempts: 2}", "() => 0"]),
    ("$jobs.cron", &["'c'", "'0 6 * * *'", "{timezone: 'UTC'}", "() => 0"]),
];

const NONSENSE: [&str; 34] = [
    "undefined",
    "null",
    "true",
    "-1.5",
    "NaN",
    "1e300",
    "123456789012345678901234567890n",
    "''",
    "'\\ud800'",
    "'x'.repeat(1 << 20)",
    "Symbol('s')",
    "[]",
    "[,,]",
    "{}",
    "(() => { const a = {}; a.a = a; return a })()",
    "(() => { let a = {}; for (let i = 0; i < 1000; i++) a = {a}; return a })()",
    "{get id() { throw new RangeError('a trap') }, get method() { throw new RangeError('a trap') }}",
    "new Proxy({}, {get() { throw new RangeError('a trap') }, ownKeys() { throw new RangeError('a trap') }})",
    "Object.assign(() => 0, {id: 'x'})",
    "new Date(NaN)",
    "Infinity",
    "-0",
    "7n",
    "'\\0'",
    "new Array(4294967295)",
    "[[[[Symbol('deep')]]]]",
    "Object.create(null)",
    "new Map([['id', 1]])",
    "new Uint8Array(3)",
    "/x/g",
    "{toString() { throw new RangeError('a trap') }, valueOf() { throw new RangeError('a trap') }, toJSON() { throw new RangeError('a trap') }}",
    "(() => { const {proxy, revoke} = Proxy.revocable({}, {}); revoke(); return proxy })()",
    "new Proxy(() => 0, {getPrototypeOf() { throw new RangeError('a trap') }, has() { throw new RangeError('a trap') }, apply() { throw new RangeError('a trap') }})",
    "(function* () { for (;;) yield 1 })()",
];

/// The call with this nonsense in each place, with nothing after each place, and with too much.
fn spoilt(function: &str, arguments: &[&str]) -> Vec<String> {
    let call = |arguments: &[&str]| format!("{function}({})", arguments.join(", "));
    let mut all: Vec<String> = (0..arguments.len()).map(|count| call(&arguments[..count])).collect();
    all.push(call(&[arguments, &["1", "{}", "() => 0", "null"]].concat()));
    for at in 0..arguments.len() {
        for nonsense in NONSENSE {
            let mut spoilt = arguments.to_vec();
            spoilt[at] = nonsense;
            all.push(call(&spoilt));
        }
    }
    all
}

#[test]
fn a_handler_that_misuses_the_api_is_told_where_and_harms_nobody() {
    let cases: Vec<String> = CALLS.iter().flat_map(|(function, arguments)| spoilt(function, arguments)).collect();
    let list: Vec<String> = cases.iter().map(|call| format!("(e) => {{ {call}; return 1; }}")).collect();
    let source = format!(
        "$jobs.register('work', () => 0); const cases = [\n{}\n];
         $app.routerAdd('POST', '/api/ap/run', (e) => e.body === null ? 'fine' : cases[e.body](e));",
        list.join(",\n")
    );
    let mut parent = Parent::of(&source);
    let mut refused = 0;
    for (at, case) in cases.iter().enumerate() {
        let Ended::Threw(failure) = parent.call(verb(json!(at))).ended else { continue };
        refused += 1;
        let shown: String = case.chars().take(120).collect();
        assert_ne!(failure.kind, FaultKind::Limit, "{shown}: {failure:?}");
        assert!(!failure.error.message.contains("panicked"), "{shown}: {failure:?}");
        assert!(ErrorCode::parse(&failure.error.code).is_some(), "{shown}: {failure:?}");
        assert_eq!(failure.position.as_ref().map(|at| at.line as usize), Some(at + 2), "{shown}: {failure:?}");
        is_named(case, &failure);
        assert_eq!(parent.data(json!(null)), json!("fine"), "after {shown}");
    }
    assert!(refused > cases.len() / 2, "{refused} of {} were refused", cases.len());
}

#[test]
fn a_module_that_misuses_the_api_is_told_where() {
    let calls: Vec<String> =
        REGISTRATIONS.iter().flat_map(|(function, arguments)| spoilt(function, arguments)).collect();
    let mut refused = 0;
    for call in &calls {
        let Err(failure) = Parent::start(load(&format!("\n{call};"))) else { continue };
        refused += 1;
        let shown: String = call.chars().take(120).collect();
        assert!(!failure.error.message.contains("panicked"), "{shown}: {failure:?}");
        assert!(ErrorCode::parse(&failure.error.code).is_some(), "{shown}: {failure:?}");
        assert_eq!(failure.position.as_ref().map(|at| at.line), Some(2), "{shown}: {failure:?}");
        is_named(call, &failure);
    }
    assert!(refused > calls.len() / 2, "{refused} of {} were refused", calls.len());
}

/// The functions of the globals and of `e`, by the way to each: a new one has to be in the tables.
const NAMES: &str = "(e) => {
  const common = new Set(['constructor', 'prototype', 'name', 'length']);
  const of = (path, object) => Object.getOwnPropertyNames(object).filter((name) => !common.has(name) && typeof object[name] === 'function')
    .flatMap((name) => [`${path}.${name}`, ...of(`${path}.${name}`, object[name])]);
  const capability = $app.capability('fx.rate');
  return [...of('$app', $app), ...of('$app.dao()', $app.dao()), ...of('$app.realtime()', $app.realtime()),
    ...of('$app.money', $app.money), ...of('$app.license', $app.license), ...of('$jobs', $jobs), ...of('$http', $http),
    ...of('e', Object.getPrototypeOf(e)), ...of(\"$app.capability('fx.rate')\", Object.getPrototypeOf(capability))];
}";

#[test]
fn every_function_that_there_is_stands_in_the_tables() {
    let mut parent = Parent::of(&format!("$app.routerAdd('POST', '/api/ap/run', {NAMES});"));
    let names = parent.data(json!(null));
    let names: BTreeSet<&str> = names.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let tabled = CALLS.iter().chain(&REGISTRATIONS).map(|(name, _)| *name);
    let tabled: BTreeSet<&str> = tabled.filter(|name| !["coerce", "console.log"].contains(name)).collect();
    assert_eq!(names, tabled);
}

/// Nonsense as an answer of a request, and both functions outside of a handler of one.
#[test]
fn who_answers_a_request_with_nonsense_is_told_where_and_may_still_answer() {
    let mut refused = 0;
    for function in ["reply", "reject"] {
        let cases: Vec<String> = NONSENSE.iter().map(|nonsense| format!("e.{function}({nonsense})")).collect();
        let list: Vec<String> = cases.iter().map(|call| format!("(e) => {{ {call}; }}")).collect();
        let source = format!(
            "const cases = [\n{}\n];\n$app.onEvent('ap.bill.check', function check(e) {{ cases[e.payload.at](e); }});",
            list.join(",\n")
        );
        let mut parent = Parent::of(&source);
        for (at, case) in cases.iter().enumerate() {
            let Ended::Threw(failure) = parent.call(event("ap.bill.check", json!({"at": at}))).ended else { continue };
            refused += 1;
            let message = &failure.error.message;
            assert!(
                message.contains("a trap")
                    || message.contains("empty handler")
                    || message.contains(&format!("e.{function}")),
                "{case}: {failure:?}"
            );
            assert_eq!(failure.position.as_ref().map(|at| at.line as usize), Some(at + 2), "{case}: {failure:?}");
        }
        let source = format!("\n$app.onEvent('gl.journal.posted', (e) => {{ e.{function}({{}}); }});");
        let mut parent = Parent::of(&source);
        let Ended::Threw(failure) = parent.call(event("gl.journal.posted", json!({}))).ended else {
            panic!("{function} of what asks nothing is taken")
        };
        let said = format!("e.{function}: `gl.journal.posted` is no request topic, so it has no reply");
        assert_eq!((failure.error.message.as_str(), failure.error.code.as_str()), (said.as_str(), "TOPIC_UNDECLARED"));
        assert_eq!(failure.position.as_ref().map(|at| at.line), Some(2));
    }
    assert!(refused > NONSENSE.len() / 2, "{refused} were refused");
}

/// Wrong calls, and below each what its author is told: the function, the argument, and what it is to be.
const TOLD: &str = include_str!("misuse.txt");
/// Functions that take anything, and say so when somebody looks.
const TAKE_ANYTHING: [&str; 11] = [
    "$app.log",
    "$app.log.debug",
    "$app.log.info",
    "$app.log.warn",
    "$app.log.error",
    "console.log",
    "$app.capability('fx.rate').providers",
    "$app.dao",
    "$app.realtime",
    "$app.uuid",
    "$app.now",
];

#[test]
fn who_misuses_a_function_is_told_its_name_the_argument_what_it_is_to_be_and_the_line() {
    let lines: Vec<&str> = TOLD.lines().collect();
    let told: Vec<(&str, &str)> = lines.chunks(2).map(|pair| (pair[0], pair[1].trim())).collect();
    let is_registration = |call: &str| REGISTRATIONS.iter().any(|(name, _)| call.starts_with(&format!("{name}(")));
    let all = CALLS.iter().chain(&REGISTRATIONS).map(|(name, _)| *name);
    for name in all.filter(|name| !TAKE_ANYTHING.contains(name)) {
        assert!(told.iter().any(|(call, _)| call.starts_with(&format!("{name}("))), "{name} is not in the table");
    }
    let (loading, running): (Vec<_>, Vec<_>) =
        told.iter().partition(|(call, said)| is_registration(call) || said.contains("only there inside a handler"));
    let list: Vec<String> = running.iter().map(|(call, _)| format!("(e) => {{ {call}; return 1; }}")).collect();
    let source = format!(
        "$jobs.register('work', () => 0); const cases = [\n{}\n];
         $app.routerAdd('POST', '/api/ap/run', (e) => cases[e.body](e));",
        list.join(",\n")
    );
    let mut parent = Parent::of(&source);
    for (at, (call, said)) in running.iter().enumerate() {
        match parent.call(verb(json!(at))).ended {
            Ended::Threw(failure) => holds(call, said, &failure, at + 2),
            other @ Ended::Returned { .. } => panic!("{call} is taken: {other:?}"),
        }
    }
    for (call, said) in loading {
        let failure = Parent::start(load(&format!("\n{call};"))).err().unwrap_or_else(|| panic!("{call} is taken"));
        holds(call, said, &failure, 2);
    }
}

#[track_caller]
fn holds(call: &str, said: &str, failure: &Failure, line: usize) {
    assert_eq!(format!("{} {}", failure.error.code, failure.error.message), said, "{call}");
    let name = function(call);
    assert!(said.contains(&name), "{call} is not named: {said}");
    assert_eq!(failure.position.as_ref().map(|at| at.line as usize), Some(line), "{call}: {failure:?}");
}

/// Codes that speak of records and payloads, which somebody else may have sent.
const OF_DATA: [&str; 5] =
    ["RECORD_INVALID", "RECORD_NOT_FOUND", "PAYLOAD_INVALID", "IDEMPOTENCY_CONFLICT", "NOT_FOUND"];

/// What a getter or a proxy of the plugin throws goes its own way; every other refusal names the function that was
/// called, in a text that does not repeat a megabyte of it.
#[track_caller]
fn is_named(call: &str, failure: &Failure) {
    let Failure { error, .. } = failure;
    let shown: String = call.chars().take(120).collect();
    assert!(error.message.len() <= 4 << 10, "{shown}: {} bytes", error.message.len());
    let is_its_own = error.message.contains("a trap") || error.message.contains("Proxy object has empty handler");
    if !is_its_own && !OF_DATA.contains(&error.code.as_str()) {
        let name = function(call);
        assert!(error.message.contains(&name), "{shown}: {name} is not named: {} {}", error.code, error.message);
    }
}

/// The function that a call is of, whatever the capability.
fn function(call: &str) -> String {
    let all = CALLS.iter().chain(&REGISTRATIONS).map(|(name, _)| *name);
    let name = all.filter(|name| call.starts_with(&format!("{name}("))).max_by_key(|name| name.len());
    name.expect("a function").replace("('fx.rate')", "()")
}
