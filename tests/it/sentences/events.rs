//! Events, requests and replies: docs/src/plugin-guide.md and docs/src/reference/functions.md.

use super::hold;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tests::client::cloud_event;
use tests::outside::{Outside, answer};
use tests::{Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);

const HEAD: &str = "
schema: schema.json
topics:
  mail.letter.sent: {kind: event, version: 1.0.0, schema: sent.json, visibility: public, key: /to, idempotency: [/no]}
  mail.long.went: {kind: event, version: 1.0.0, schema: any.json, visibility: public, retry: {attempts: 1}}
  mail.chain.went: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
  mail.ask.request: {kind: request, version: 1.0.0, schema: any.json, timeout: 10s, replies: {ok: mail.ask.done, error: mail.ask.failed}}
  mail.ask.done: {kind: reply, version: 1.0.0, schema: done.json}
  mail.ask.failed: {kind: reply, version: 1.0.0, schema: any.json}
  mail.plain.request: {kind: request, version: 1.0.0, schema: any.json, replies: {ok: mail.plain.done}}
  mail.plain.done: {kind: reply, version: 1.0.0, schema: any.json}
  mail.none.request: {kind: request, version: 1.0.0, schema: any.json, replies: {ok: mail.none.done}}
  mail.none.done: {kind: reply, version: 1.0.0, schema: any.json}
publishes: [mail.letter.sent, mail.long.went, mail.chain.went, mail.ask.request, mail.ask.done, mail.ask.failed, mail.plain.request, mail.plain.done, mail.none.request]
consumes: [mail.letter.sent, mail.long.went, mail.chain.went, mail.ask.request, mail.plain.request, 'mail.*.request']
roles: [{name: mail.user, billable: false, grants: [mail.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "mail_seen", "fields": [
  {"name": "what", "type": "string"}, {"name": "turn", "type": "integer"}, {"name": "e", "type": "json"}]}]}"#;
const SENT: &str = r#"{"type": "object", "required": ["no"], "properties": {"no": {"type": "integer"}, "to": {"type": "string"}, "fails": {"type": "boolean"}, "lost": {"type": "boolean"}}}"#;
const DONE: &str = r#"{"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}"#;
const CODE: &str = r#"
const saw = (what, e) => $app.dao().saveRecord("mail_seen", { what, e, turn: $app.dao().countRecords("mail_seen", {}) });
const caught = (run) => { try { return { gave: run() }; } catch (error) { return { code: error.code, message: error.message }; } };
$app.onEvent("mail.letter.sent", { name: "reader" }, function ignored(e) {
  if (e.payload.fails && e.attempt === 1) throw new Error("not yet");
  if (e.payload.lost) throw new Error("never");
  e.payload.no = -1;
  e.payload.no = undefined;
  saw("letter", { ...e, payload: undefined });
});
$app.onEvent("mail.letter.sent", function other(e) { saw("other", { no: e.payload.no, to: e.payload.to }); });
for (const [name, options] of [["a", { priority: -1 }], ["b", {}], ["c", { priority: 5 }], ["d", { priority: 0 }]]) {
  $app.onEvent("mail.letter.sent", { ...options, name }, (e) => { saw("turn", name); });
}
$app.onEvent("mail.long.went", { deadline: "20ms" }, function long() { for (;;); });
$app.onEvent("mail.chain.went", function link(e) {
  saw("chain", { reply: caught(() => e.reply({})).code, reject: caught(() => e.reject({})).code });
  if (e.payload.left > 0) $app.realtime().publish("mail.chain.went", { left: e.payload.left - 1 });
});
$app.onEvent("mail.ask.request", function answer(e) {
  const said = e.payload.say.map(([how, payload]) => caught(() => e[how](payload)));
  saw("asked", { said });
});
$app.onEvent("mail.plain.request", function plain(e) { saw("plain", caught(() => e.reject({}))); e.reply({}); });
$app.routerAdd("POST", "/api/mail/publish", (e) => {
  const [topic, payload, options] = e.body;
  return $app.realtime().publish(topic, payload, options);
});
$app.routerAdd("POST", "/api/mail/pair", () => {
  const first = $app.realtime().publish("mail.letter.sent", { no: 1 });
  const again = $app.realtime().publish("mail.letter.sent", { no: 1 });
  return [first.id === again.id, first.duplicate, again.duplicate, caught(() => $app.realtime().publish("mail.letter.sent", { no: 1, to: "b" })).code];
});
$app.routerAdd("POST", "/api/mail/request", (e) => $app.request(...e.body));
$app.routerAdd("POST", "/api/mail/outcome", (e) => {
  const [topic, payload, options, statuses] = e.body;
  return e.outcome($app.request(topic, payload, options), statuses);
});
$app.onOutcome("told", (e) => { saw("outcome", e); });
"#;
const TESTS: &str = r#"
const seen = (app, what) => app.records("mail_seen", { what }, { sort: "turn" }).map((it) => it.e);
const publish = (app, topic, payload, options) => app.call("POST", "/api/mail/publish", { body: [topic, payload, options], as: { user: "bob", roles: ["mail.user"] } });
const send = (app, payload, options) => publish(app, "mail.letter.sent", payload, options);
const request = (app, ...body) => app.call("POST", "/api/mail/request", { body });
const outcome = (app, ...body) => app.call("POST", "/api/mail/outcome", { body });

test("a handler goes by its option's name, else its function's", (app) => {
  send(app, { no: 1, lost: true });
  app.advance("24h");
  expect(app.deadLetters()).toMatchObject([{ subscription: "mail/reader", attempts: 12 }]);
  expect(seen(app, "other")).toHaveLength(1);
});
test("a handler is given these fields, which are copies", (app) => {
  const { data } = send(app, { no: 1, to: "a", fails: true }, { headers: { lang: "de" } });
  expect(data).toEqual({ id: data.id, duplicate: false });
  app.advance("1m");
  const [e] = seen(app, "letter");
  const fields = ["topic", "id", "tenant", "attempt", "correlationId", "replay", "publisher", "roles", "sequence", "time", "headers"];
  expect(Object.keys(e).sort()).toEqual(fields.sort());
  expect(e).toMatchObject({ topic: "mail.letter.sent", id: data.id, tenant: "test", attempt: 2, replay: false, publisher: "plugin:mail", roles: [], headers: { lang: "de" }, time: "2026-01-05T08:00:00.000Z" });
  expect([typeof e.sequence, typeof e.correlationId]).toEqual(["number", "string"]);
  expect(seen(app, "other")).toEqual([{ no: 1, to: "a" }]);
});
test("the contract's fields make two events the same one", (app) => {
  expect(app.call("POST", "/api/mail/pair").data).toEqual([true, false, true, "idempotency_conflict"]);
  expect(send(app, { no: 1 }).data.duplicate).toBe(true);
  expect(send(app, { no: 1, to: "c" }).error).toMatchObject({ code: "idempotency_conflict", details: { topic: "mail.letter.sent", key: "1" } });
  expect(send(app, { no: 1, to: "c" }, { idempotencyKey: 5 }).data.duplicate).toBe(false);
  expect(app.events("mail.letter.sent")).toHaveLength(2);
});
test("a payload is held against its schema at the very call", (app) => {
  const wrong = send(app, { no: "one" });
  expect(wrong.error.code).toBe("PAYLOAD_INVALID");
  expect(wrong.error.details.position ?? wrong.error.details).toMatchObject({ file: "src/main.js" });
  expect(app.events("mail.letter.sent")).toEqual([]);
});
test("the order's key is the contract's, or that of the call", (app) => {
  send(app, { no: 1, to: "a" });
  send(app, { no: 2, to: "a" }, { key: "b" });
  send(app, { no: 3, to: "a" }, { key: 7 });
  expect(app.events("mail.letter.sent").map((it) => it.key)).toEqual(["a", "b", "7"]);
});
test("a delayed event is handled when it is due", (app) => {
  send(app, { no: 1 }, { delay: "90s" });
  send(app, { no: 2 }, { delay: 90_000 });
  app.advance("89999ms");
  expect(seen(app, "other")).toEqual([]);
  app.advance("1ms");
  expect(seen(app, "other").map((it) => it.no).sort()).toEqual([1, 2]);
});
test("options that are not known, or not what they should be, are refused by name", (app) => {
  expect(send(app, { no: 1 }, { dleay: "1s" }).error.message).toMatch("publish options has no `dleay`; known are key, delay, idempotencyKey, headers");
  expect(send(app, { no: 1 }, { delay: "soon" }).error.message).toMatch("delay");
  expect(send(app, { no: 1 }, { headers: [1] }).error.message).toMatch("headers must be an object");
  expect(send(app, { no: 1 }, { key: {} }).error.message).toMatch("key must be a text");
  expect(request(app, "mail.ask.request", {}, { delay: "1s" }).error.message).toMatch("request options has no `delay`");
  expect(publish(app, "mail.letter.lost", {}).error.code).toBe("TOPIC_UNDECLARED");
});
test("the highest priority is offered an event first", (app) => {
  send(app, { no: 1 });
  expect(seen(app, "turn")).toEqual(["c", "b", "d", "a"]);
});
test("a deadline is that of one event", (app) => {
  publish(app, "mail.long.went", {});
  expect(app.deadLetters()).toMatchObject([{ subscription: "mail/long", code: "PLUGIN_DEADLINE" }]);
  expect(app.deadLetters()[0].reason).toMatch("mail.long.went ran longer than its deadline of 20 ms");
});
test("a chain of events ends after sixteen", (app) => {
  publish(app, "mail.chain.went", { left: 40 });
  app.advance("24h");
  expect(seen(app, "chain").length).toBe(16);
  expect(app.deadLetters()).toMatchObject([{ topic: "mail.chain.went", code: "HOP_LIMIT" }]);
});
test("only a request is replied to, and rejected only where it names an error reply", (app) => {
  publish(app, "mail.chain.went", { left: 0 });
  expect(seen(app, "chain")).toEqual([{ reply: "TOPIC_UNDECLARED", reject: "TOPIC_UNDECLARED" }]);
  request(app, "mail.plain.request", {});
  expect(seen(app, "plain")[0].code).toBe("TOPIC_UNDECLARED");
  expect(seen(app, "plain")[0].message).toMatch("declares no error reply");
});
test("a reply is held against its schema, and correlates", (app) => {
  const asked = request(app, "mail.ask.request", { say: [["reply", { ok: 1 }], ["reply", { ok: true }]] }).data;
  const [{ said }] = seen(app, "asked");
  expect([said[0].code, Object.keys(said[1].gave).sort()]).toEqual(["PAYLOAD_INVALID", ["duplicate", "id"]]);
  const [[reply], [question]] = [app.events("mail.ask.done"), app.events("mail.ask.request")];
  expect([reply.causationId, reply.correlationId, reply.id]).toEqual([asked.id, question.correlationId, said[1].gave.id]);
});
test("a request is answered once", (app) => {
  request(app, "mail.ask.request", { say: [["reply", { ok: true }], ["reject", {}], ["reply", { ok: true }]] });
  const [{ said }] = seen(app, "asked");
  expect(said[0].gave.duplicate).toBe(false);
  expect(said[1].message).toMatch("e.reject: this request is answered; a handler calls e.reply or e.reject, once");
  expect(said[2].message).toMatch("e.reply: this request is answered");
  expect([app.events("mail.ask.done").length, app.events("mail.ask.failed").length]).toEqual([1, 0]);
});
test("the handle says its timeout where it was given one", (app) => {
  const say = { say: [["reply", { ok: true }]] };
  expect(Object.keys(request(app, "mail.ask.request", say).data).sort()).toEqual(["duplicate", "id"]);
  expect(request(app, "mail.ask.request", say, { timeout: "2s" }).data.timeout).toBe(2000);
});
test("an outcome has these fields, and comes after the request's time, the contract's, or a day", (app) => {
  const goes = { continue: "told", context: { x: 1 } };
  const asked = request(app, "mail.ask.request", { say: [["reject", { why: 1 }]] }, goes).data;
  const [e] = seen(app, "outcome");
  expect(Object.keys(e).sort()).toEqual(["attempt", "context", "correlationId", "id", "outcome", "payload", "tenant"]);
  expect(e).toMatchObject({ attempt: 1, context: { x: 1 }, id: asked.id, outcome: "error", payload: { why: 1 }, tenant: "test" });
  request(app, "mail.none.request", {}, goes);
  expect(seen(app, "outcome")[1]).toMatchObject({ outcome: "no_responder", payload: null });
  const due = (options, topic = "mail.ask.request") => {
    const before = app.jobs().length;
    app.hold("mail.**");
    request(app, topic, { say: [] }, { ...goes, ...options });
    return (app.jobs().find((job) => job.kind === "onOutcome:told").dueAt - app.now()) / 1000;
  };
  expect(due({ timeout: "3s" })).toBe(3);
  app.advance("4s");
  expect(due({})).toBe(10);
  app.advance("11s");
  expect(due({}, "mail.plain.request")).toBe(86400);
  expect(seen(app, "outcome").slice(2).map((it) => it.outcome)).toEqual(["timeout", "timeout"]);
});
test("a verb's client is answered with the outcome, 200 and 422 where nothing else is said", (app) => {
  const ok = { say: [["reply", { ok: true }]] };
  const bad = { say: [["reject", { why: 1 }]] };
  expect(outcome(app, "mail.ask.request", ok)).toMatchObject({ status: 200, data: { ok: true }, error: null });
  const refused = outcome(app, "mail.ask.request", bad);
  expect([refused.status, refused.data, refused.error]).toEqual([422, null, { code: null, message: null, details: { why: 1 } }]);
  const coded = { code: "TOO_LATE", message: "come tomorrow", at: 8 };
  expect(outcome(app, "mail.ask.request", { say: [["reject", coded]] }).error).toEqual({ code: "TOO_LATE", message: "come tomorrow", details: coded });
  expect(outcome(app, "mail.ask.request", ok, {}, { ok: 202 }).status).toBe(202);
  expect(outcome(app, "mail.ask.request", bad, {}, { error: 409 }).status).toBe(409);
  const nobody = outcome(app, "mail.none.request", {}, {}, { error: 503 });
  expect([nobody.status, nobody.error.code, nobody.error.message]).toEqual([503, "no_responder", "no plugin answers `mail.none.request`"]);
  const late = outcome(app, "mail.ask.request", { say: [] });
  expect([late.status, late.data.id]).toEqual([202, app.events("mail.ask.request").at(-1).id]);
});
"#;

#[test]
fn what_the_pages_say_of_events_and_requests_holds() {
    let suite = Suite::new().plugin("mail", HEAD, CODE).file("mail/schema.json", SCHEMA);
    let suite = suite.file("mail/sent.json", SENT).file("mail/done.json", DONE);
    let off =
        ["TL202", "TL204", "TL301", "TL302", "TL303", "TL304", "TL401", "TL402", "TL403", "TL404", "TL405", "TL407"];
    let suite = suite.settings(&format!("rules: {{{}}}\n", off.map(|rule| format!("{rule}: off")).join(", ")));
    hold(&suite.file("mail/tests/events.test.js", TESTS));
}

const TOLL: &str = "
schema: schema.json
topics: {toll.car.came: {kind: event, version: 1.0.0, schema: any.json, visibility: public, key: /car}}
consumes: [toll.car.came]
permissions: [records:own, events:subscribe, 'net:127.0.0.1:PORT']
roles: [{name: toll.user, billable: false, grants: [toll.use]}]
";
const GATES: &str = r#"
for (const [name, options] of [["one", { concurrency: 1 }], ["three", { concurrency: 3 }], ["all", {}]]) {
  $app.onEvent("toll.car.came", { ...options, name, deadline: "50s" }, async (e) => {
    await $http.fetch(`http://127.0.0.1:PORT/${name}`, { timeout: "45s", attempts: 1 });
    $app.dao().saveRecord("toll_passed", { name });
  });
}
"#;
const PASSED: &str = r#"{"collections": [{"name": "toll_passed", "fields": [{"name": "name", "type": "string"}]}]}"#;

/// A gate that is shut at first, and who stands at it.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opens: Condvar,
    /// By the path that is asked for: how many stand here, and how many at most.
    here: Mutex<BTreeMap<String, (usize, usize)>>,
}

impl Gate {
    fn pass(&self, who: &str) {
        let change = |by: isize| {
            let mut here = self.here.lock().expect("no test panicked in it");
            let (now, most) = here.entry(who.to_owned()).or_default();
            *now = now.saturating_add_signed(by);
            *most = (*most).max(*now);
        };
        change(1);
        let shut = self.open.lock().expect("no test panicked in it");
        drop(self.opens.wait_while(shut, |open| !*open).expect("no test panicked in it"));
        change(-1);
    }

    fn open(&self) {
        *self.open.lock().expect("no test panicked in it") = true;
        self.opens.notify_all();
    }

    fn most(&self, who: &str) -> usize {
        self.here.lock().expect("no test panicked in it").get(who).map_or(0, |(_, most)| *most)
    }
}

#[test]
fn a_handler_is_given_so_many_keys_at_the_same_time() {
    const CARS: usize = 6;
    let gate = Arc::<Gate>::default();
    let outside = Outside::of({
        let gate = gate.clone();
        move |seen, _| {
            gate.pass(&seen.line);
            answer("200 OK", "", "")
        }
    });
    let port = outside.port.to_string();
    let suite = Suite::new().plugin("toll", &TOLL.replace("PORT", &port), &GATES.replace("PORT", &port));
    let daemon = Start::suite(suite.file("toll/schema.json", PASSED)).arg("--allow-private-net").run();
    let client = daemon.client();
    for car in 0..CARS {
        client
            .publish(&cloud_event(&format!("c{car}"), "toll.car.came", &json!({"car": format!("{car}")})))
            .expect_status(202);
    }
    let given = |name: &str| {
        daemon.metric(&format!("trunkline_subscription{{subscription=\"toll/{name}\",state=\"in-flight\"}}"))
    };
    // While nobody passes, whoever was given a key keeps it.
    wait_until(PATIENCE, || (given("all") == CARS as u64).then_some(()));
    wait_until(PATIENCE, || (gate.most("GET /one") == 1 || gate.most("GET /all") > 0).then_some(()));
    assert_eq!(["one", "three", "all"].map(given), [1, 3, CARS as u64]);
    gate.open();
    let passed = |name: &str| {
        client.get(&format!("/api/collections/toll_passed/records?filter=name='{name}'")).body["items"]
            .as_array()
            .map_or(0, Vec::len)
    };
    for name in ["one", "three", "all"] {
        wait_until(PATIENCE, || (passed(name) == CARS).then_some(()));
    }
    assert_eq!(gate.most("GET /one"), 1);
}

#[test]
fn what_a_handler_cannot_be_given_is_refused_when_it_loads() {
    for (options, why) in [
        ("{ concurrency: 0 }", "concurrency of the subscription to toll.car.came must be at least 1"),
        ("{ concurrency: 1.5 }", "subscription options: concurrency: expected a whole number from 0, found 1.5"),
        ("{ priority: 'high' }", "subscription options: priority: expected a whole number, found \"high\""),
        ("{ broadcast: 1 }", "subscription options: broadcast: expected true or false, found 1"),
    ] {
        let code = format!("\n$app.onEvent('toll.car.came', {options}, (e) => {{}});");
        let suite = Suite::new().plugin("toll", &TOLL.replace(", 'net:127.0.0.1:PORT'", ""), &code);
        let failed = Start::suite(suite.file("toll/schema.json", PASSED)).try_run().err();
        let failed = failed.unwrap_or_else(|| panic!("{options} is taken")).to_string();
        for part in ["PLUGIN_INVALID", why, "src/main.js:2"] {
            assert!(failed.contains(part), "{options}: no {part}: {failed}");
        }
    }
}
