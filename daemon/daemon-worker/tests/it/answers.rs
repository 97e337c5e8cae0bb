//! A verb is answered once, and what is not there is told with what is.

use crate::harness::{Parent, event, handler, load};
use contract_model::absent::{ABSENT, instead};
use daemon_frame::{Body, Ended};
use serde_json::json;

#[test]
fn a_second_answer_is_refused_and_told_where_the_first_was_given() {
    for (second, name) in [
        ("e.json(201, {b: 2});", "e.json"),
        ("e.text(201, 'b');", "e.text"),
        ("e.outcome($app.request('ap.bill.approved', {}), {});", "e.outcome"),
    ] {
        let source = format!(
            "$app.routerAdd('POST', '/api/ap/run', (e) => {{\n  if (e.body)\n    e.json(404, {{a: 1}});\n  {second}\n}});"
        );
        let mut parent = Parent::of(&source);
        let failure = parent.failure(json!(true));
        let told = format!(
            "TypeError: {name}: the answer was given already, by e.json at src/main.js:3:11; `return` where the handler answers"
        );
        assert_eq!(failure.error.message, told);
        assert_eq!(failure.position.map(|at| at.line), Some(4));
        // The next call has an answer of its own to give.
        let Ended::Returned { .. } = parent.call(crate::harness::verb(json!(false))).ended else { panic!("{name}") };
    }
}

#[test]
fn the_first_answer_stays_where_the_second_is_caught() {
    let body = "e.json(201, {a: 1}); try { e.text(202, 'b'); } catch { /* too late */ } return 'c';";
    let ended = Parent::of(&handler(body)).call(crate::harness::verb(json!(null))).ended;
    let Ended::Returned { response: Some(response), .. } = ended else { panic!("{ended:?}") };
    assert_eq!((response.status, response.body), (201, Body::Json(json!({"a": 1}))));
}

#[test]
fn a_second_reply_is_told_where_the_first_was_given() {
    let source = "$app.onEvent('ap.bill.check', (e) => {\n  e.reply({ok: true});\n  e.reject({});\n});";
    let ended = Parent::start(load(source)).expect("loads").0.call(event("ap.bill.check", json!({}))).ended;
    let Ended::Threw(failure) = ended else { panic!("{ended:?}") };
    let told =
        "this request is answered; a handler calls e.reply or e.reject, once, and did by e.reply at src/main.js:2:10";
    assert!(failure.error.message.ends_with(told), "{}", failure.error.message);
}

#[test]
fn a_global_that_is_absent_is_told_with_what_there_is_instead() {
    assert!(ABSENT.is_sorted());
    for name in ABSENT {
        let instead = instead(name).expect(name);
        for body in [format!("{name}(1);"), format!("return ({name}).env;")] {
            let message = Parent::of(&handler(&body)).failure(json!(null)).error.message;
            assert_eq!(message, format!("ReferenceError: {name} is not defined; {instead}"));
        }
        let rejected = format!("$app.routerAdd('POST', '/api/ap/run', async () => {{ await null; {name}(1); }});");
        let message = Parent::of(&rejected).failure(json!(null)).error.message;
        assert!(message.ends_with(instead), "{message}");
    }
    let other = Parent::of(&handler("return bill;")).failure(json!(null)).error.message;
    assert_eq!(other, "ReferenceError: bill is not defined");
}
