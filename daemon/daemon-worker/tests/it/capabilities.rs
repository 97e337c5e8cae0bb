//! Capabilities as a worker sees them: what may be provided and used, and that a method changes nothing.

use crate::harness::{Parent, handler, load};
use daemon_frame::{Body, Call, Draft, Ended, ProvidedCall};
use serde_json::{Value, json};

fn provided(method: u32, input: Value) -> Call {
    Call::Provided(ProvidedCall { capability: 0, method, input, caller: "ar".to_owned() })
}

#[test]
fn a_method_gets_a_copy_and_its_caller_and_gives_a_copy() {
    let source = "$app.provide('ap.open-items', {
        sum: async (input, e) => ({ input, e }),
        none() {},
        big: () => 9007199254740993n,
    });";
    let (mut parent, registered) = Parent::start(load(source)).expect("loads");
    assert_eq!(registered.provides[0].methods, ["sum", "none", "big"]);
    let mut given = |method, input| match parent.call(provided(method, input)).ended {
        Ended::Returned { draft, response: Some(response) } => {
            assert_eq!(draft, Draft::default());
            match response.body {
                Body::Data(data) => data,
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    };
    let about = json!({"caller": "ar", "actor": "user-1", "tenant": "demo", "correlationId": "story-1"});
    assert_eq!(given(0, json!([1, {"a": null}])), json!({"input": [1, {"a": null}], "e": about}));
    assert_eq!(given(1, json!(null)), json!(null));
    assert_eq!(given(2, json!(null)), json!(9_007_199_254_740_993_i64));
}

/// Whatever changes something is refused, and the next call of the worker may do it again.
#[test]
fn whatever_a_method_would_change_is_refused_at_the_call() {
    for call in [
        "$app.dao().saveRecord('ap_bills', {no: '1'})",
        "$app.dao().saveRecords('ap_bills', [{no: '1'}])",
        "$app.dao().addToRecords('ap_bills', [], [])",
        "$app.dao().deleteRecord('ap_bills', 'b')",
        "$app.realtime().publish('ap.bill.approved', {})",
        "$app.request('ap.bill.approved', {})",
        "$jobs.enqueue('work')",
        "$app.reserve('ap_bills/b/total', 1)",
        "$app.release('r')",
        "$app.confirm('r')",
        "$http.fetch('https://api.example.test/')",
    ] {
        let source = format!("$jobs.register('work', () => 0); $app.provide('ap.open-items', {{ go: () => {call} }});");
        let mut parent = Parent::of(&format!("{source} {}", handler("$app.dao().saveRecord('ap_bills', {no: '1'})")));
        let Ended::Threw(failure) = parent.call(provided(0, Value::Null)).ended else { panic!("{call}") };
        assert_eq!(failure.error.code, "CAPABILITY_READ_ONLY", "{call}: {}", failure.error.message);
        assert!(failure.position.is_some(), "{call} has a place");
        assert_eq!(parent.draft(json!(null)).writes.len(), 1);
    }
}

#[test]
fn a_user_asks_by_name_method_and_input() {
    let mut parent = Parent::of(&format!(
        "const fx = $app.capability('fx.rate'); {}",
        handler(
            "return [fx.call('rate', {a: 1}), $app.capability('fx.rate', {provider: 'ecb'}).call('x'), fx.providers(), Object.isFrozen(fx)];"
        )
    ));
    let rate = json!({"capability": "fx.rate", "method": "rate", "input": {"a": 1}, "provider": null});
    let x = json!({"capability": "fx.rate", "method": "x", "input": null, "provider": "ecb"});
    assert_eq!(parent.data(json!(null)), json!([rate, x, [{"plugin": "fx", "version": "1.0.0"}], true]));
}

#[test]
fn what_the_manifest_does_not_list_is_neither_provided_nor_used() {
    for source in ["$app.provide('ap.other', { a() {} })", "$app.capability('fx.other')"] {
        let failure = Parent::start(load(source)).err().expect("refused");
        assert_eq!(failure.error.code, "CAPABILITY_UNDECLARED", "{source}");
        assert_eq!(failure.position.as_ref().map(|at| at.line), Some(1), "{source}");
    }
    // A forged one is looked at again, and each refusal is counted.
    let forged = "return $app.capability('fx.rate').call.call({name: 'gl.secret'}, 'x')";
    let mut parent = Parent::of(&handler(forged));
    let done = parent.call(crate::harness::verb(json!(null)));
    assert!(matches!(&done.ended, Ended::Threw(failure) if failure.error.code == "CAPABILITY_UNDECLARED"), "{done:?}");
    assert_eq!((done.usage.denied, done.usage.asks), (1, 0));
}

#[test]
fn misuse_at_load_is_told_with_its_place() {
    for (source, part) in [
        ("$app.provide()", "the name of a capability"),
        ("$app.provide('ap.open-items')", "the methods must be an object of functions"),
        ("$app.provide('ap.open-items', () => 0)", "the methods must be an object of functions"),
        ("$app.provide('ap.open-items', [])", "the methods must be an object of functions"),
        ("$app.provide('ap.open-items', {})", "at least one method"),
        ("$app.provide('ap.open-items', { a: 1 })", "the method a must be a function"),
        ("$app.provide('ap.open-items', { get a() { throw new Error('trap') } })", "trap"),
        ("for (const n of [1, 2]) $app.provide('ap.open-items', { a() {} })", "called twice"),
        ("$app.capability(1)", "the name of a capability"),
        ("$app.capability('fx.rate', {from: 'x'})", "no `from`"),
        ("$app.onAttach(1)", "the handler must be a function"),
        ("$app.onDetach()", "the handler must be a function"),
        ("$app.capability('fx.rate').call('rate')", "inside a handler"),
    ] {
        let failure = Parent::start(load(&format!("\n{source};"))).err().expect(source);
        assert!(failure.error.message.contains(part), "{source}: {}", failure.error.message);
        let place = failure.position.as_ref().map(|at| (at.file.as_str(), at.line));
        assert_eq!(place, Some(("src/main.js", 2)), "{source}: {failure:?}");
    }
}
