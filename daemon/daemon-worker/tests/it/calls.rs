//! Verbs: what a handler is given and what comes of what it gives.

use crate::harness::{NOW_MS, Parent, handler, verb};
use daemon_frame::{Body, Call, Ended, FaultKind, Response, VerbCall};
use serde_json::{Value, json};

fn response(parent: &mut Parent, body: Value) -> Response {
    match parent.call(verb(body)).ended {
        Ended::Returned { response: Some(response), .. } => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_handler_gets_its_request() {
    let mut parent = Parent::of(&handler(
        "return {auth: e.auth, body: e.body, header: e.header('X-Test'), none: e.header('y'), request: e.requestId,
            tenant: e.tenant, now: $app.now(), date: new Date().getTime(), plugin: $app.plugin, config: $app.config};",
    ));
    let data = parent.data(json!({"a": [1, null]}));
    let auth = json!({"id": "user-1", "email": "a@b.test", "roles": ["ap.clerk"], "tenant": "demo"});
    let expected = json!({"auth": auth, "body": {"a": [1, null]}, "header": "yes", "none": null, "request": "req-1",
        "tenant": "demo", "now": NOW_MS, "date": NOW_MS, "plugin": {"slug": "ap", "version": "1.2.3"},
        "config": {"limit": 5, "nested": {"on": true}}});
    assert_eq!(data, expected);
}

#[test]
fn answers_have_four_forms() {
    let source = "switch (e.body) {
        case 'json': return e.json(201, {ok: true});
        case 'text': e.text(404, 'gone'); return 'unused';
        case 'status': e.setStatus(202); return {later: true};
        case 'outcome': return e.outcome($app.request('ap.bill.approved', {}), {ok: 201, error: 409, timeout: '3s'});
        default: return undefined; }";
    let mut parent = Parent::of(&handler(source));
    let mut of = |form: &str| response(&mut parent, json!(form));
    assert_eq!(of("json"), Response { status: 201, body: Body::Json(json!({"ok": true})) });
    assert_eq!(of("text"), Response { status: 404, body: Body::Text("gone".to_owned()) });
    assert_eq!(of("status"), Response { status: 202, body: Body::Data(json!({"later": true})) });
    assert_eq!(of("none"), Response { status: 0, body: Body::Data(Value::Null) });
    let Response { body: Body::Outcome { event, ok, error, timeout_ms }, .. } = of("outcome") else { panic!() };
    assert_eq!((event.len(), ok, error, timeout_ms), (26, 201, 409, 3_000));
}

#[test]
fn an_app_error_is_an_answer_and_other_exceptions_are_faults() {
    let source = "const cases = {
        app: () => { throw new AppError('NO_FUNDS', 'not enough', {status: 402, details: {left: 3}}) },
        odd: () => { throw new AppError('X', 'm', {status: 200}) },
        sub: () => { class Mine extends AppError {}; throw new Mine('MINE', 'm', {status: 418}) },
        type: () => null.x,
        text: () => { throw 'just text' },
        object: () => { throw {a: 1} },
        nothing: () => { throw undefined },
        custom: () => { class Odd extends Error { get name() { return 'Odd' } }; throw new Odd('hm') } };
        cases[e.body]();";
    let mut parent = Parent::of(&handler(source));
    let mut of = |case: &str| {
        let failure = parent.failure(json!(case));
        let place = failure.position.map(|at| at.file);
        assert_eq!(place.as_deref(), Some("src/main.js"), "{case}: {:?}", failure.stack);
        (failure.kind, failure.error.code, failure.error.message, failure.error.status, failure.error.details)
    };
    let app = |code: &str, message: &str, status, details| {
        (FaultKind::App, code.to_owned(), message.to_owned(), status, details)
    };
    let fault = |message: &str| (FaultKind::Exception, "PLUGIN_ERROR".to_owned(), message.to_owned(), 500, Value::Null);
    assert_eq!(of("app"), app("NO_FUNDS", "not enough", 402, json!({"left": 3})));
    assert_eq!(of("odd"), app("X", "m", 500, Value::Null));
    assert_eq!(of("sub"), app("MINE", "m", 418, Value::Null));
    assert!(of("type").2.starts_with("TypeError: "));
    assert_eq!(of("text"), fault("thrown: just text"));
    assert_eq!(of("object"), fault(r#"thrown: {"a":1}"#));
    assert_eq!(of("nothing"), fault("thrown: undefined"));
    assert_eq!(of("custom"), fault("Odd: hm"));
}

#[test]
fn a_failure_has_line_column_and_stack() {
    let source = "function inner() {\n  throw new Error('deep');\n}\nfunction outer() { inner(); }\n\
        $app.routerAdd('POST', '/api/ap/run', function run() {\n  outer();\n});";
    let failure = Parent::of(source).failure(json!(null));
    let position = failure.position.expect("position");
    assert_eq!((position.file.as_str(), position.line), ("src/main.js", 2));
    assert!(position.column > 1);
    assert!(failure.stack[0].starts_with("at inner (src/main.js:2:"), "{:?}", failure.stack);
    assert!(failure.stack[1].starts_with("at outer (src/main.js:4:"), "{:?}", failure.stack);
    assert!(failure.stack[2].starts_with("at run (src/main.js:6:"), "{:?}", failure.stack);
}

#[test]
fn a_host_exception_points_at_the_authors_line_and_can_be_caught() {
    let source = "if (e.body) try { $app.dao().findRecordById('ap_bills', 'x') } catch (error) {
        return [error instanceof AppError, error instanceof Error, error.name, error.code, error.status] }
        $app.dao()\n.findRecordById('ap_bills', 'x');";
    let mut parent = Parent::of(&handler(source));
    assert_eq!(parent.data(json!(1)), json!([true, true, "AppError", "RECORD_NOT_FOUND", 404]));
    let failure = parent.failure(json!(null));
    assert_eq!((failure.kind, failure.error.status), (FaultKind::App, 404));
    let position = failure.position.expect("position");
    assert_eq!((position.file.as_str(), position.line), ("src/main.js", 4));
}

#[test]
fn async_handlers_run_to_their_end() {
    let source = "const later = (value) => Promise.resolve(value).then((v) => v + 1);
        $app.routerAdd('POST', '/api/ap/run', async (e) => {
            if (e.body === 'hang') await new Promise(() => {});
            if (e.body === 'throw') { await null; throw new AppError('LATE', 'late', {status: 409}); }
            if (e.body === 'forgotten') { (async () => { await null; throw new Error('nobody waits') })(); return 1; }
            let n = 0; for (let i = 0; i < 3; i++) n = await later(n); return n; });";
    let mut parent = Parent::of(source);
    assert_eq!(parent.data(json!(null)), json!(3));
    assert!(parent.failure(json!("hang")).error.message.contains("the handler's promise never settled"));
    assert_eq!(parent.failure(json!("throw")).error.code, "LATE");
    assert_eq!(parent.failure(json!("forgotten")).error.message, "Error: nobody waits");
    assert_eq!(parent.data(json!(null)), json!(3));
}

#[test]
fn nothing_of_a_call_lingers_into_the_next() {
    let source = "if (!e.body) return 1; Promise.reject(new Error('left behind'));
        Promise.resolve().then(() => $app.log.info('late')); throw new Error('now');";
    let mut parent = Parent::of(&handler(source));
    assert_eq!(parent.failure(json!(true)).error.message, "Error: now");
    let done = parent.call(verb(json!(null)));
    assert!(matches!(done.ended, Ended::Returned { .. }) && done.logs.is_empty(), "{done:?}");
}

/// Whatever a call keeps, none of its work is done in the unit of work of another.
#[test]
fn what_a_call_waited_for_goes_on_in_no_other() {
    let source = "let settle; const kept = {};
        const save = () => $app.dao().saveRecord('ap_bills', {no: 'of the first'});
        $app.routerAdd('POST', '/api/ap/run', async (e) => {
            if (e.body === 'keep') { new Promise((resolve) => { settle = resolve; }).then(save);
                return 1; }
            if (e.body === 'wait') { (async () => { await new Promise((resolve) => { settle = resolve; });
                save(); })(); return 1; }
            if (e.body === 'fail') { new Promise((_, reject) => { settle = reject; }).catch(save);
                return 1; }
            if (e.body === 'memo') { kept.sum ??= Promise.resolve(7); return await kept.sum; }
            if (e.body === 'settle') settle(1);
            return 2; });";
    let mut parent = Parent::of(source);
    for (how, line) in [("keep", 4), ("wait", 6), ("fail", 8)] {
        assert_eq!(parent.data(json!(how)), json!(1));
        let failure = parent.failure(json!("settle"));
        assert_eq!(failure.error.code, "PLUGIN_ERROR");
        assert!(failure.error.message.contains("a promise was settled that an earlier call waited for"), "{failure:?}");
        let place = failure.position.as_ref().map(|at| (at.file.as_str(), at.line));
        assert_eq!(place, Some(("src/main.js", line)), "where {how} began to wait: {failure:?}");
        // It is over then, and the next one is as good as any.
        let Ended::Returned { draft, .. } = parent.call(verb(json!("settle"))).ended else {
            panic!("{how}: it is blamed twice")
        };
        assert!(draft.writes.is_empty(), "{how}: {draft:?}");
    }
    // A promise that has settled may be kept and waited for again.
    assert_eq!([parent.data(json!("memo")), parent.data(json!("memo"))], [json!(7), json!(7)]);
}

/// Nor does what it was given speak for another.
#[test]
fn what_a_call_was_given_answers_for_no_other() {
    let source = "let kept;
        $app.routerAdd('POST', '/api/ap/run', (e) => {
            if (e.body === 'keep') { kept = e; return 1; }
            if (e.body) kept[e.body](200, 'of the first');
            const { setStatus } = e; setStatus(202);
            return 2; });";
    let mut parent = Parent::of(source);
    assert_eq!(parent.data(json!("keep")), json!(1));
    for function in ["header", "json", "text", "setStatus", "outcome"] {
        let failure = parent.failure(json!(function));
        let message = &failure.error.message;
        assert!(message.contains(&format!("e.{function}: its `e` belongs to a call that has ended")), "{message}");
        assert!(failure.position.is_some(), "{failure:?}");
    }
    // What is taken out of its own `e` is its own.
    assert_eq!(parent.data(json!(null)), json!(2));
}

/// What a handler waits for in vain has its line, and so has what a verb that only reads would change.
#[test]
fn who_waits_in_vain_or_may_only_read_is_told_where() {
    let source = "
        $app.routerAdd('POST', '/api/ap/run', async () => {
            await new Promise(() => {});
            return 2; });
        const calls = [
            () => $app.dao().saveRecord('ap_bills', {no: '1'}),
            () => $app.dao().deleteRecord('ap_bills', 'b'),
            () => $app.realtime().publish('ap.bill.approved', {}),
            () => $jobs.enqueue('work', {}),
            () => $app.reserve('ap_bills/b/total', 1),
        ];
        $jobs.register('work', () => 0);
        $app.routerAdd('POST', '/api/ap/read', {readOnly: true}, (e) => calls[e.body]?.() ?? $app.dao().countRecords('ap_bills', {}));";
    let mut parent = Parent::of(source);
    parent.put("ap_bills", "b", json!({"no": "1", "total": 5}));
    let failure = parent.failure(json!(null));
    assert_eq!(failure.error.message, "the handler's promise never settled");
    // The engine has no place for `await` itself: it tells that of the function.
    assert_eq!(failure.position.as_ref().map(|at| at.line), Some(2), "{failure:?}");
    let read = |parent: &mut Parent, body: Value| {
        let Call::Verb(call) = verb(body) else { unreachable!("a verb") };
        parent.call(Call::Verb(VerbCall { route: 1, ..call })).ended
    };
    for at in 0..5 {
        let Ended::Threw(failure) = read(&mut parent, json!(at)) else { panic!("{at} is taken") };
        assert_eq!(failure.error.code, "PERMISSION_DENIED", "{failure:?}");
        let said = "POST /api/ap/read is declared `readOnly` and may not ";
        assert!(failure.error.message.contains(said), "{failure:?}");
        assert_eq!(failure.position.as_ref().map(|place| place.line), Some(6 + at), "{failure:?}");
    }
    assert!(matches!(read(&mut parent, json!("looks")), Ended::Returned { .. }));
}

#[test]
fn the_same_entropy_gives_the_same_ids_and_numbers() {
    let mut parent = Parent::of(&handler(
        "return [$app.uuid(), Math.random(), $app.dao().saveRecord('ap_bills', {no: '1'}).id,
            $app.realtime().publish('ap.bill.approved', {}).id];",
    ));
    let first = parent.data(json!(null));
    assert_eq!(parent.data(json!(null)), first);
    parent.entropy = 2;
    let other = parent.data(json!(null));
    for at in 0..4 {
        assert_ne!(first[at], other[at]);
    }
}

#[test]
fn logs_travel_with_the_call_and_are_bounded() {
    let source = "$app.log('warn', 'one', {n: 1}); $app.log.info('two', {f: () => 1}); console.log('three', {a: 1}, 4);
        $app.log('error', 'four'); $app.log('error', 'five');";
    let done = Parent::of(&handler(source)).call(verb(json!(null)));
    let lines: Vec<(&str, &str)> = done.logs.iter().map(|line| (line.level.as_str(), line.message.as_str())).collect();
    assert_eq!(lines, [("warn", "one"), ("info", "two"), ("info", r#"three {"a":1} 4"#)]);
    assert_eq!(done.logs[0].fields, json!({"n": 1}));
    assert_eq!(done.logs_dropped, 2);
}

#[test]
fn a_run_ends_at_the_first_item_that_throws() {
    let source = handler("if (e.body === 2) throw new Error('no'); return e.body;");
    let dones = Parent::of(&source).run(vec![verb(json!(1)), verb(json!(2)), verb(json!(3))]);
    assert_eq!(dones.len(), 2);
    assert_eq!(dones.iter().map(|done| done.item).collect::<Vec<_>>(), [0, 1]);
    assert!(matches!(dones[0].ended, Ended::Returned { .. }));
    assert!(matches!(dones[1].ended, Ended::Threw(_)));
}

#[test]
fn hash_is_that_of_canonical_json() {
    let mut parent = Parent::of(&handler("return [$app.hash({b: 1, a: 2}), $app.hash({a: 2, b: 1})];"));
    let data = parent.data(json!(null));
    assert_eq!(data[0], contract_model::canonical::canonical_sha256(&json!({"a": 2, "b": 1})));
    assert_eq!(data[0], data[1]);
}

#[test]
fn money_is_exact() {
    let mut parent = Parent::of(&handler(
        "const m = $app.money; return [m.parse('12.34', 2), m.format(-5, 2), m.add(1, 2n, 3), m.sub(10, 4),
            m.mul(25, '0.1', 'half-even'), m.mul(25, '0.1'), m.allocate(100, [1, 1, 1]),
            m.parse('90071992547409.93', 2) === 9007199254740993n, $app.sha256('abc').slice(0, 8)];",
    ));
    let expected = json!([1_234, "-0.05", 6, 6, 2, 3, [34, 33, 33], true, "ba7816bf"]);
    assert_eq!(parent.data(json!(null)), expected);
    for body in
        ["$app.money.parse('1.234', 2)", "$app.money.add(0.5, 1)", "$app.money.mul(1, 0.5)", "$app.money.format(1, 99)"]
    {
        assert!(Parent::of(&handler(body)).failure(json!(null)).error.message.starts_with("TypeError"), "{body}");
    }
}

/// The engine says that something is no function, and not what.
#[test]
fn a_function_that_is_not_there_is_named_as_the_author_wrote_it() {
    for (code, says) in [
        ("e.jsn(200, {});", "TypeError: e.jsn is not a function"),
        ("$app.dao().findRecordbyId('ap_bills', 'b');", "TypeError: findRecordbyId is not a function"),
        ("const ä = '😀'; $app.nowhere(ä);", "TypeError: $app.nowhere is not a function"),
        ("(() => 7)()();", "TypeError: not a callable function"),
        ("[1].map(7);", ""),
        ("for (const one of 5) one();", ""),
    ] {
        let mut parent = Parent::of(&handler(code));
        let Ended::Threw(failure) = parent.call(verb(json!(null))).ended else { panic!("{code} is taken") };
        let message = &failure.error.message;
        let holds = if says.is_empty() { !message.contains("is not a function") } else { message == says };
        assert!(holds, "{code}: {failure:?}");
    }
}
