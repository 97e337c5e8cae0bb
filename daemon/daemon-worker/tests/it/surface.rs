//! The declarations for TypeScript, held against the binding: what stands in the one is in the other.

use crate::harness::{Parent, event, load, verb};
use daemon_frame::{Call, ChangedRun, Ended, JobRun, LinkRun, Load, OutcomeRun, ProvidedCall, RecordOperation};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

type Names = BTreeSet<String>;

/// What `names(object)` gives in a plugin: every property that can be read of an object, its own and inherited,
/// without those that every object or function has.
const NAMES: &str = r"
    const common = (object) => {
      const base = typeof object === 'function' ? (() => 0) : {};
      const all = new Set();
      for (let at = base; at; at = Object.getPrototypeOf(at)) Object.getOwnPropertyNames(at).forEach((n) => all.add(n));
      return all;
    };
    const names = (object) => {
      const skip = common(object), all = new Set();
      for (let at = object; at; at = Object.getPrototypeOf(at)) Object.getOwnPropertyNames(at).forEach((n) => all.add(n));
      return [...all].filter((n) => !skip.has(n)).sort();
    };";

/// Interfaces of the surface with the expression that gives their object, in a handler whose argument is `e`.
const OBJECTS: [(&str, &str); 17] = [
    // Before the others change something.
    ("Http", "$http"),
    ("HttpAnswer", "await $http.fetch('https://api.example.test/')"),
    ("App", "$app"),
    ("Capability", "$app.capability('fx.rate')"),
    ("License", "$app.license"),
    ("PluginFacts", "$app.plugin"),
    ("Log", "$app.log"),
    ("Money", "$app.money"),
    ("Dao", "$app.dao()"),
    ("Realtime", "$app.realtime()"),
    ("Published", "$app.realtime().publish('ap.bill.approved', {})"),
    ("Handle", "$app.request('ap.bill.approved', {}, {timeout: '1s'})"),
    ("Jobs", "$jobs"),
    ("Console", "console"),
    ("VerbCall", "e"),
    ("Auth", "e.auth"),
    ("AutomaticFields", "$app.dao().saveRecord('ap_log', {})"),
];

#[test]
fn every_member_that_is_declared_is_there_and_the_reverse() {
    let declared = declared();
    let members: Vec<String> = OBJECTS.iter().map(|(name, of)| format!("{name}: names({of})")).collect();
    let source = format!(
        "{NAMES} $app.routerAdd('POST', '/api/ap/run', async (e) => ({{ {} }}));
         $app.onEvent('ap.bill.check', (e) => $app.log.info('', names(e)));
         $jobs.register('work', (job) => $app.log.info('', names(job)));
         $app.onRecord('before', 'create', 'ap_log', (e) => $app.log.info('', names(e)));
         $app.onRecord('after', 'create', 'ap_log', (e) => $app.log.info('', names(e)));
         $app.provide('ap.open-items', {{ sum: (input, e) => $app.log.info('', names(e)) }});
         $app.onAttach((e) => $app.log.info('', names(e)));
         $app.onOutcome('done', (run) => $app.log.info('', names(run)));",
        members.join(", ")
    );
    let mut parent = Parent::of(&source);
    let done = parent.call(verb(json!(null)));
    assert_eq!(names(&done.logs[0].fields), with_inherited(&declared, "RecordChange"), "the interface RecordChange");
    let found = parent.data(json!(null));
    for (name, _) in OBJECTS {
        assert_eq!(names(&found[name]), with_inherited(&declared, name), "the interface {name}");
    }
    let job = JobRun { job: 0, id: "j".to_owned(), args: Value::Null, attempt: 1, scheduled_ms: 0 };
    let outcome = OutcomeRun {
        index: 0,
        request: "r".to_owned(),
        outcome: "ok".to_owned(),
        payload: Value::Null,
        context: Value::Null,
        attempt: 1,
    };
    let provided = ProvidedCall { capability: 0, method: 0, input: Value::Null, caller: "ar".to_owned() };
    let link = LinkRun {
        attaches: true,
        capability: "fx.rate".to_owned(),
        provider: "fx".to_owned(),
        version: "1.0.0".to_owned(),
        reason: String::new(),
    };
    let changed = ChangedRun {
        operation: RecordOperation::Create,
        collection: "ap_log".to_owned(),
        record: json!({}),
        previous: Value::Null,
        id: "c".to_owned(),
        attempt: 1,
    };
    for (name, call) in [
        ("RecordChanged", Call::Changed(changed)),
        ("RequestDelivery", event("ap.bill.check", json!({}))),
        ("CapabilityCall", Call::Provided(provided)),
        ("ProviderLink", Call::Link(link)),
        ("JobRun", Call::Job(job)),
        ("OutcomeRun", Call::Outcome(outcome)),
    ] {
        assert_eq!(logged(&mut parent, call), with_inherited(&declared, name), "the interface {name}");
    }
}

/// An option that nobody knows is refused with those that are known, so the refusal is asked which they are.
#[test]
fn every_option_that_is_declared_is_known_and_the_reverse() {
    let declared = declared();
    for (name, call) in [
        ("RouteOptions", "$app.routerAdd('GET', '/api/ap/x', {zzz: 1}, () => 0)"),
        ("SubscriptionOptions", "$app.onEvent('gl.journal.posted', {zzz: 1}, () => 0)"),
        ("CronOptions", "$jobs.cron('c', '0 6 * * *', {zzz: 1}, () => 0)"),
    ] {
        let failure = Parent::start(load(call)).err().expect("refused");
        assert_eq!(known(&failure.error.message), with_inherited(&declared, name), "{name}: {}", failure.error.message);
    }
    for (name, call) in [
        ("FetchOptions", "return $http.fetch('https://api.example.test/', {zzz: 1})"),
        ("PublishOptions", "$app.realtime().publish('ap.bill.approved', {}, {zzz: 1})"),
        ("RequestOptions", "$app.request('ap.bill.approved', {}, {zzz: 1})"),
        ("ReserveOptions", "$app.reserve('ap_bills/b/total', 1, {zzz: 1})"),
        ("EnqueueOptions", "$jobs.enqueue('work', null, {zzz: 1})"),
        ("OutcomeOptions", "e.outcome({id: 'x'}, {zzz: 1})"),
        ("FindOptions", "$app.dao().findRecordsByFilter('ap_bills', {}, {zzz: 1})"),
    ] {
        let source =
            format!("$jobs.register('work', () => 0); $app.routerAdd('POST', '/api/ap/run', (e) => {{ {call} }});");
        let failure = Parent::of(&source).failure(json!(null));
        assert_eq!(known(&failure.error.message), with_inherited(&declared, name), "{name}: {}", failure.error.message);
    }
}

#[test]
fn every_global_that_is_declared_is_there_and_the_reverse() {
    let mut context = boa_engine::Context::default();
    let bare = context.eval(boa_engine::Source::from_bytes("Object.getOwnPropertyNames(globalThis).join()"));
    let bare = bare.expect("evaluates").to_string(&mut context).expect("a text").to_std_string_lossy();
    let source = "$app.routerAdd('POST', '/api/ap/run', () => Object.getOwnPropertyNames(globalThis))";
    let mut all = names(&Parent::of(source).data(json!(null)));
    all.retain(|name| !bare.split(',').any(|known| known == name));
    let globals = daemon_worker::SURFACE.lines().filter_map(|line| {
        let rest = line.strip_prefix("declare const ").or_else(|| line.strip_prefix("declare class "));
        let rest = rest.or_else(|| line.strip_prefix("declare function "))?;
        Some(rest.split([':', ' ', '<']).next().unwrap_or_default().to_owned())
    });
    assert_eq!(all, globals.collect::<Names>());
}

/// The kit is declared in a file of its own, and is there where tests are loaded and nowhere else.
#[test]
fn the_kit_is_what_it_is_declared_to_be() {
    let declared = interfaces(daemon_worker::KIT);
    let source = format!(
        "{NAMES} test('all', (app) => $app.log.info('', {{
            app: names(app), matchers: names(expect(1).not), expectation: names(expect(1)) }}));"
    );
    let (mut parent, registered) = Parent::start(Load { rehearses: true, ..load(&source) }).expect("loads");
    assert_eq!(registered.tests[0].name, "all");
    let done = parent.call(Call::Test(0));
    assert!(matches!(done.ended, Ended::Returned { .. }), "{done:?}");
    let found = &done.logs.last().expect("a line").fields;
    for (name, of) in [("Rehearsal", "app"), ("Matchers", "matchers"), ("Expectation", "expectation")] {
        assert_eq!(names(&found[of]), with_inherited(&declared, name), "the interface {name}");
    }
    for kit in ["test('a', () => 0)", "expect(1)"] {
        let failure = Parent::start(load(kit)).err().expect("a plugin has no kit");
        assert!(failure.error.message.contains("is not defined"), "{}", failure.error.message);
    }
}

fn names(value: &Value) -> Names {
    value.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// What a handler wrote into the fields of its log line.
fn logged(parent: &mut Parent, call: Call) -> Names {
    let done = parent.call(call);
    assert!(matches!(done.ended, Ended::Returned { .. }), "{done:?}");
    names(&done.logs[0].fields)
}

/// The names in "unknown field `zzz`, expected one of `a`, `b`" and in "no `zzz`; known are a, b".
fn known(message: &str) -> Names {
    let (_, list) =
        message.split_once("expected one of ").or_else(|| message.split_once("known are ")).unwrap_or_default();
    let words = list.split([',', ' ', '`']).map(|word| word.trim_end_matches('.'));
    words.take_while(|word| *word != "at").filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The interfaces of the namespace: what each extends, and its members.
fn declared() -> BTreeMap<String, (Option<String>, Names)> {
    interfaces(daemon_worker::SURFACE)
}

fn interfaces(text: &str) -> BTreeMap<String, (Option<String>, Names)> {
    let mut all = BTreeMap::new();
    let mut open: Option<(String, Option<String>, Names)> = None;
    for line in text.lines() {
        match &mut open {
            Some(_) if line == "  }" => all.extend(open.take().map(|(name, base, members)| (name, (base, members)))),
            Some((_, _, members)) => members.extend(member(line)),
            None => {
                let head = line.strip_prefix("  interface ").and_then(|rest| rest.strip_suffix(" {"));
                open = head.map(plain).map(|head| match head.split_once(" extends ") {
                    Some((name, base)) => (name.to_owned(), Some(base.to_owned()), Names::new()),
                    None => (head, None, Names::new()),
                });
            }
        }
    }
    all
}

/// The head of an interface without type parameters.
fn plain(head: &str) -> String {
    let mut depth = 0;
    let mut outside = |c: &char| {
        depth += i32::from(*c == '<') - i32::from(*c == '>');
        depth == 0 && *c != '>'
    };
    head.chars().filter(|c| outside(c)).collect()
}

fn member(line: &str) -> Option<String> {
    let rest = line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '/', '*', '(', '[']))?;
    let rest = rest.strip_prefix("readonly ").unwrap_or(rest);
    Some(rest.split(['?', ':', '(', '<']).next().unwrap_or_default().to_owned())
}

fn with_inherited(declared: &BTreeMap<String, (Option<String>, Names)>, name: &str) -> Names {
    let (base, members) = declared.get(name).unwrap_or_else(|| panic!("no interface {name}"));
    let inherited = base.iter().flat_map(|base| with_inherited(declared, base));
    inherited.chain(members.iter().cloned()).collect()
}
