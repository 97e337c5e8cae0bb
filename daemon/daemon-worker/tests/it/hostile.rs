//! Plugins that mean no good. What only a killed process ends is shown where processes are supervised.

use crate::harness::{Parent, handler, verb};
use daemon_frame::{Ended, FaultKind};
use serde_json::{Value, json};

#[test]
fn code_cannot_be_made_from_text() {
    for body in ["eval('1')", "new Function('return 1')()", "(() => {}).constructor('return 1')()", "(0, eval)('1')"] {
        let failure = Parent::of(&handler(body)).failure(json!(null));
        assert!(failure.error.message.contains("cannot be made from text"), "{body}: {}", failure.error.message);
    }
}

#[test]
fn recursion_is_a_limit_that_cannot_be_caught() {
    let mut parent =
        Parent::of(&handler("if (!e.body) return 1; const f = () => f() + 1; try { f() } catch { return 2 }"));
    let failure = parent.failure(json!(true));
    assert_eq!((failure.kind, failure.error.code.as_str()), (FaultKind::Limit, "PLUGIN_ERROR"));
    assert!(failure.error.message.contains("200 nested calls"), "{}", failure.error.message);
    assert_eq!(parent.data(json!(null)), json!(1));
}

#[test]
fn endless_promise_jobs_are_a_limit() {
    let body = "if (!e.body) return 1; const again = () => Promise.resolve().then(again); again();";
    let mut parent = Parent::of(&handler(body));
    let failure = parent.failure(json!(true));
    assert_eq!(failure.kind, FaultKind::Limit);
    assert!(failure.error.message.contains("promise jobs"));
    assert_eq!(parent.data(json!(null)), json!(1));
}

#[test]
fn host_objects_are_frozen() {
    for body in [
        "$app.now = () => 0",
        "$app.extra = 1",
        "$app.dao().saveRecord = () => 0",
        "$app.realtime().publish = () => 0",
        "$app.config.nested.on = false",
        "$app.plugin.slug = 'gl'",
        "$app.log.info = 0",
        "$app.money.parse = 0",
        "console.log = 0",
        "$app.dao.prototype = 0",
        "AppError.prototype.code = 'x'",
        "AppError.from = 1",
        "Math.random = () => 4",
        "$app = 1",
        "AppError = 1",
        "console = 1",
        "Object.getPrototypeOf(e).json = 0",
        "Object.defineProperty($app, 'now', {value: 1})",
        "Object.setPrototypeOf($app, {})",
        "delete $app.now",
    ] {
        let failure = Parent::of(&handler(body)).failure(json!(null));
        assert!(failure.error.message.starts_with("TypeError"), "{body}: {}", failure.error.message);
    }
}

#[test]
fn polluted_prototypes_do_not_reach_the_host() {
    let body = "Object.prototype.tenant = 'other'; Object.prototype.toJSON = undefined; Array.prototype.map = 0;
        Promise.prototype.then = undefined; JSON.stringify = undefined; Object.defineProperty = undefined;
        Object.prototype.status = 200; Error.prototype.code = 'FORGED';
        $app.realtime().publish('ap.bill.approved', {a: [1]}); return [{}.tenant, e.tenant, Object.keys({})];";
    let mut parent = Parent::of(&handler(body));
    let Ended::Returned { draft, response } = parent.call(verb(json!(null))).ended else { panic!() };
    assert_eq!(draft.events[0].payload, json!({"a": [1]}));
    let body = response.map(|response| response.body);
    assert_eq!(body, Some(daemon_frame::Body::Data(json!(["other", "demo", []]))));
    assert_eq!(draft.events.len(), 1);
}

#[test]
fn proto_in_a_payload_is_a_plain_field() {
    let body = "return [Object.keys(e.body), {}.evil === undefined, Object.getPrototypeOf(e.body) === Object.prototype, e.body];";
    let mut parent = Parent::of(&handler(body));
    let payload: Value = serde_json::from_str(r#"{"__proto__": {"evil": 1}}"#).expect("JSON");
    assert_eq!(parent.data(payload.clone()), json!([["__proto__"], true, true, payload]));
}

#[test]
fn a_panic_of_the_engine_costs_one_call() {
    let body = "if (!e.body) return 1; const a = Array.from({length: 10000}, (_, i) => i);
        for (let i = 0; i < 20; i++) a.sort(() => Math.random() - 0.5); return 2;";
    let mut parent = Parent::of(&handler(body));
    let failure = parent.failure(json!(true));
    assert!(failure.error.message.contains("panicked"), "{}", failure.error.message);
    assert_eq!(parent.data(json!(null)), json!(1));
}

#[test]
fn exceptions_are_cut_to_size() {
    let failure = Parent::of(&handler("throw new Error('x'.repeat(100000));")).failure(json!(null));
    assert!(failure.error.message.len() <= 4 * 1024);
    let failure = Parent::of(&handler("throw 'ü'.repeat(100000);")).failure(json!(null));
    assert!(failure.error.message.len() <= 4 * 1024 && failure.error.message.ends_with('…'));
    assert!(failure.position.is_some());
}

#[test]
fn an_exception_that_lies_about_itself_is_still_read() {
    let body = "const error = new AppError('A', 'm'); Object.defineProperty(error, 'code', {get() { throw 1 }});
        Object.defineProperty(error, 'status', {value: 'high'}); Object.defineProperty(error, 'details', {value: () => 1});
        throw error;";
    let failure = Parent::of(&handler(body)).failure(json!(null));
    assert_eq!((failure.kind, failure.error.status, failure.error.details), (FaultKind::App, 500, Value::Null));
    assert_eq!(failure.error.code, "PLUGIN_ERROR");
}

#[test]
fn buffers_are_small_and_nothing_ambient_is_there() {
    let failure = Parent::of(&handler("new ArrayBuffer(2 ** 30)")).failure(json!(null));
    assert!(failure.error.message.starts_with("RangeError"), "{}", failure.error.message);
    let body =
        "return ['setTimeout', 'require', 'process', 'fetch', 'Deno', 'globalThis'].map((n) => typeof globalThis[n]);";
    let kinds = Parent::of(&handler(body)).data(json!(null));
    assert_eq!(kinds, json!(["undefined", "undefined", "undefined", "undefined", "undefined", "object"]));
}
