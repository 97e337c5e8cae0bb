//! Capabilities: one plugin calls another within its own unit of work, and hears of who comes and goes.

use serde_json::{Value, json};
use std::time::Duration;
use tests::example::example_of;
use tests::process::{kill, workers};
use tests::{Client, Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);
const LIB: &str = r#"
$app.provide("lib.store", {
  echo: (input, e) => ({ input, caller: e.caller, tenant: e.tenant, who: typeof e.actor }),
  find: async ({ no }) => $app.dao().findFirstRecordByFilter("lib_things", { no }),
  count: () => $app.dao().countRecords("lib_things", {}),
  refuse: () => { throw new AppError("NOT_NOW", "later", { status: 418, details: { at: 7 } }); },
  bug: () => null.x,
  save: () => $app.dao().saveRecord("lib_things", { no: 1 }),
  told: () => { try { $app.realtime().publish("lib.thing.made", {}); } catch (error) { return error.code; } },
  hang: () => { for (;;); },
  huge: () => "x".repeat(1100000),
  eat: () => { const all = []; for (;;) all.push("x".repeat(1 << 20) + all.length); },
  mirror: (input) => $app.capability("user.mirror").call("back", input),
});
$app.routerAdd("POST", "/api/lib/things", (e) => $app.dao().saveRecord("lib_things", e.body));
$app.routerAdd("PUT", "/api/lib/things/{id}", (e) => $app.dao().saveRecord("lib_things", { id: e.params.id, no: e.body.no }));
"#;
const LIB_MORE: &str = "
schema: schema.json
topics:
  lib.thing.made: {kind: event, version: 1.0.0, visibility: public}
publishes: [lib.thing.made]
permissions: [records:own, events:publish]
capabilities: {provides: [{name: lib.store, version: 1.4.0}], consumes: [{name: user.mirror, optional: true}]}
roles: [{name: lib.user, billable: false, grants: [lib.use]}]
";
const THINGS: &str = r#"{"collections": [{"name": "lib_things", "fields": [{"name": "no", "type": "integer"}]}]}"#;
const USER: &str = r#"
$app.provide("user.mirror", { back: (input) => $app.capability("lib.store").call("echo", input) });
$app.routerAdd("POST", "/api/user/call", { timeout: "20s" }, (e) => $app.capability("lib.store").call(e.body.method, e.body.input));
const caught = (e) => {
  try { return $app.capability("lib.store").call(e.body.method, e.body.input); }
  catch (error) { return { code: error.code, message: error.message, status: error.status, details: error.details }; }
};
$app.routerAdd("POST", "/api/user/caught", { timeout: "50s" }, caught);
$app.routerAdd("POST", "/api/user/hasty", { timeout: "3s" }, caught);
$app.routerAdd("GET", "/api/user/providers", (e) => $app.capability(e.query.name ?? "lib.store").providers());
$app.routerAdd("POST", "/api/user/of", (e) => $app.capability("lib.store", { provider: e.body.provider }).call("echo", 1));
$app.routerAdd("POST", "/api/user/missing", (e) => $app.capability("no.where").call("x"));
$app.routerAdd("POST", "/api/user/undeclared", (e) => $app.capability(e.body.name).call("x"));
$app.routerAdd("POST", "/api/user/copies", { timeout: "20s" }, (e) => {
  const found = $app.capability("lib.store").call("find", { no: e.body.no });
  return $app.dao().saveRecord("user_copies", { no: e.body.no, found: found !== null });
});
"#;
const USER_MORE: &str = "
schema: schema.json
permissions: [records:own]
capabilities:
  provides: [{name: user.mirror, version: 1.0.0}]
  consumes: [{name: lib.store, range: ^1}, {name: no.where, optional: true}]
roles: [{name: user.user, billable: false, grants: [user.use]}]
";
const COPIES: &str = r#"{"collections": [{"name": "user_copies", "fields": [{"name": "no", "type": "integer"}, {"name": "found", "type": "boolean"}]}]}"#;

fn suite() -> Suite {
    let suite = Suite::new().plugin("lib", LIB_MORE, LIB).file("lib/schema.json", THINGS);
    suite.plugin("user", USER_MORE, USER).file("user/schema.json", COPIES)
}

fn call(client: &Client, method: &str, input: &Value) -> Value {
    client.post("/api/user/call", &json!({"method": method, "input": input})).expect_status(200).data().clone()
}

fn caught(client: &Client, method: &str) -> Value {
    client.post("/api/user/caught", &json!({"method": method})).expect_status(200).data().clone()
}

#[test]
fn the_example_of_the_page_does_as_the_page_says() {
    let folder = example_of("capabilities.md");
    let daemon = Start::dev(folder.path()).run();
    let client = daemon.client();
    let notes = || client.get("/api/collections/shop_notes/records").expect_status(200).body["items"].clone();
    let note = wait_until(PATIENCE, || Some(notes()[0]["text"].clone()).filter(Value::is_string));
    assert_eq!(note, "fx provides fx.rate 1.2.0");
    let order = |currency: &str| client.post("/api/shop/orders", &json!({"total": 1000, "currency": currency}));
    order("USD").expect_error(422, "RATE_UNKNOWN");
    client.post("/api/collections/fx_rates/records", &json!({"pair": "USD/EUR", "rate": "0.92"})).expect_status(201);
    assert_eq!(order("USD").expect_status(200).data()["euros"], 920);
    assert_eq!(daemon.command(&["plugin", "disable", "fx"]).exit, Some(0));
    assert_eq!(order("USD").expect_status(200).data()["euros"], Value::Null);
    assert_eq!(daemon.command(&["plugin", "enable", "fx"]).exit, Some(0));
    wait_until(PATIENCE, || (notes().as_array().map(Vec::len) == Some(2)).then_some(()));
    // An order waits for a rate now, so the provider has to stay, until somebody insists.
    let ran = daemon.command(&["plugin", "disable", "fx"]);
    assert_ne!(ran.exit, Some(0));
    for part in ["DETACH_VETOED", "RATES_NEEDED", "1 orders wait for a rate", "`shop`", "--force"] {
        assert!(ran.err.contains(part), "no {part:?} in {}", ran.err);
    }
    assert_eq!(order("USD").expect_status(200).data()["euros"], 920);
    assert_eq!(daemon.command(&["plugin", "disable", "fx", "--force"]).exit, Some(0));
    assert_eq!(order("USD").expect_status(200).data()["euros"], Value::Null);
}

#[test]
fn a_method_answers_with_what_it_reads_and_knows_its_caller() {
    let daemon = Start::suite(suite()).run();
    let client = daemon.client();
    let echo = call(&client, "echo", &json!({"a": [1, "x", null]}));
    assert_eq!(echo, json!({"input": {"a": [1, "x", null]}, "caller": "user", "tenant": "demo", "who": "string"}));
    assert_eq!(call(&client, "find", &json!({"no": 5})), Value::Null);
    client.post("/api/lib/things", &json!({"no": 5})).expect_status(200);
    assert_eq!(call(&client, "find", &json!({"no": 5}))["no"], 5);
    let listed = client.get("/api/user/providers").expect_status(200).data().clone();
    assert_eq!(listed, json!([{"plugin": "lib", "version": "1.4.0"}]));
    let figures = daemon.admin().get("/metrics").text;
    assert!(figures.contains(r#"kind="capability""#), "{figures}");
}

#[test]
fn what_goes_wrong_in_a_method_is_named_and_the_caller_goes_on() {
    let daemon = Start::suite(suite()).run();
    let client = daemon.client();
    let thrown = caught(&client, "refuse");
    assert_eq!(thrown, json!({"code": "NOT_NOW", "message": "later", "status": 418, "details": {"at": 7}}));
    client.post("/api/user/call", &json!({"method": "refuse"})).expect_error(418, "NOT_NOW");
    for (method, code) in [
        ("bug", "PLUGIN_ERROR"),
        ("save", "CAPABILITY_READ_ONLY"),
        ("eat", "PLUGIN_MEMORY"),
        ("huge", "PAYLOAD_TOO_LARGE"),
        ("nothing", "CAPABILITY_METHOD_UNKNOWN"),
    ] {
        let caught = caught(&client, method);
        assert_eq!(caught["code"], code, "{method}: {caught}");
    }
    let hangs = client.post("/api/user/hasty", &json!({"method": "hang"})).expect_status(200).data().clone();
    assert_eq!(hangs["code"], "PLUGIN_DEADLINE", "{hangs}");
    assert_eq!(call(&client, "told", &Value::Null), "CAPABILITY_READ_ONLY");
    assert_eq!(call(&client, "count", &Value::Null), 0, "nothing was stored");
    let bug = caught(&client, "bug")["message"].as_str().expect("a message").to_owned();
    assert!(bug.starts_with("plugin `lib` at src/main.js:7:"), "{bug}");
    let unknown = caught(&client, "nothing")["message"].as_str().expect("a message").to_owned();
    assert!(unknown.contains("echo, find, count"), "{unknown}");
}

#[test]
fn who_is_not_there_or_not_declared_is_told_by_name() {
    let daemon = Start::suite(suite()).run();
    let client = daemon.client();
    client.post("/api/user/missing", &json!({})).expect_error(503, "CAPABILITY_MISSING");
    client.post("/api/user/of", &json!({"provider": "other"})).expect_error(503, "CAPABILITY_MISSING");
    let denied = client.post("/api/user/undeclared", &json!({"name": "se.cret"}));
    denied.expect_error(500, "CAPABILITY_UNDECLARED");
    assert!(denied.text.contains("src/main.js"), "the place is named: {}", denied.text);
    let plugins = daemon.admin().get("/api/_admin/plugins").body;
    let user = plugins.as_array().into_iter().flatten().find(|one| one["slug"] == "user").expect("the plugin");
    assert_eq!(user["permission_denied"], 1, "{user}");
}

#[test]
fn calls_that_come_back_are_refused_with_their_way() {
    let daemon = Start::suite(suite()).run();
    let circle = caught(&daemon.client(), "mirror");
    assert_eq!(circle["code"], "CAPABILITY_CYCLE", "{circle}");
    assert!(circle["message"].as_str().is_some_and(|text| text.contains("user -> lib -> user")), "{circle}");
}

/// A reads what B decides on: were what a method reads not part of its caller's unit, a copy could say that a thing is
/// missing that was there when the copy was stored.
#[test]
fn what_a_method_reads_is_checked_with_its_callers_unit() {
    let daemon = Start::suite(suite()).run();
    let client = daemon.client();
    let thing = client.post("/api/lib/things", &json!({"no": -1})).expect_status(200).data()["id"].clone();
    let path = format!("/api/lib/things/{}", thing.as_str().expect("an id"));
    // The thing wanders over the numbers while copies are made of where it seems to be.
    std::thread::scope(|scope| {
        let maker = scope.spawn(|| {
            for no in 0..40 {
                client.post("/api/user/copies", &json!({"no": no})).expect_status(200);
            }
        });
        let mut no = 0;
        while !maker.is_finished() {
            client.json("PUT", &path, &[], &json!({"no": no % 40})).expect_status(200);
            no += 1;
        }
    });
    let reruns = client.get("/api/collections/user_copies/records?limit=100").expect_status(200).body["items"].clone();
    assert_eq!(reruns.as_array().map(Vec::len), Some(40));
    let metrics = daemon.admin().get("/metrics").text;
    let rerun = metrics
        .lines()
        .find(|line| line.contains("_count") && line.contains(r#"plugin="user""#) && line.contains(r#"end="rerun""#));
    assert!(rerun.is_some(), "no unit of `user` ran again: {metrics}");
}

#[test]
fn plugins_that_call_each_other_all_at_once_do_not_wait_for_ever() {
    let one = r#"$app.provide("one.it", { it: () => 1 });
      $app.routerAdd("GET", "/api/one/call", { timeout: "50s" }, () => $app.capability("two.it").call("it"));"#;
    let two = r#"$app.provide("two.it", { it: () => 2 });
      $app.routerAdd("GET", "/api/two/call", { timeout: "50s" }, () => $app.capability("one.it").call("it"));"#;
    let more = |own: &str, other: &str| {
        format!(
            "capabilities: {{provides: [{{name: {own}.it, version: 1.0.0}}], consumes: [{{name: {other}.it}}]}}\nroles: [{{name: {own}.user, billable: false, grants: [{own}.use]}}]\n"
        )
    };
    let suite = Suite::new().plugin("one", &more("one", "two"), one).plugin("two", &more("two", "one"), two);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(client.get("/api/one/call").expect_status(200).data(), &json!(2)));
            scope.spawn(|| assert_eq!(client.get("/api/two/call").expect_status(200).data(), &json!(1)));
        }
    });
}

#[test]
fn a_providers_worker_that_is_killed_from_outside_is_replaced_unseen() {
    let daemon = Start::suite(suite()).run();
    let client = daemon.client();
    call(&client, "count", &Value::Null);
    for pid in workers(daemon.pid(), "lib") {
        kill(pid);
    }
    assert_eq!(call(&client, "count", &Value::Null), 0);
}

#[test]
fn the_newest_provider_in_the_range_is_chosen() {
    let code = |slug: &str| format!("$app.provide('x.y', {{ who: () => '{slug}' }});");
    let more = |version: &str| format!("capabilities: {{provides: [{{name: x.y, version: {version}}}]}}\n");
    let user = r#"$app.routerAdd("GET", "/api/user/who", (e) => [$app.capability("x.y").call("who"), $app.capability("x.y", { provider: "old" }).call("who"), $app.capability("x.y").providers()]);"#;
    let consumes = "capabilities: {consumes: [{name: x.y, range: '>=1 <3'}]}\nroles: [{name: user.user, billable: false, grants: [user.use]}]\n";
    let suite = Suite::new().plugin("user", consumes, user).plugin("old", &more("1.9.0"), &code("old"));
    let suite = suite.plugin("zeta", &more("2.3.0"), &code("zeta")).plugin("beta", &more("2.3.0"), &code("beta"));
    let daemon = Start::suite(suite.plugin("next", &more("3.0.0"), &code("next"))).run();
    let who = daemon.client().get("/api/user/who").expect_status(200).data().clone();
    let providers = json!([{"plugin": "beta", "version": "2.3.0"}, {"plugin": "zeta", "version": "2.3.0"}, {"plugin": "old", "version": "1.9.0"}]);
    assert_eq!(who, json!(["beta", "old", providers]));
}

const HEAR: &str = r#"
$app.onAttach((e) => {
  const last = $app.dao().countRecords("ear_news", {});
  $app.dao().saveRecord("ear_news", { text: `+ ${e.provider} ${e.capability} ${e.version} ${e.reason}`, turn: last });
});
$app.onDetach((e) => {
  if ($app.dao().countRecords("ear_vetoes", {}) > 0) throw new AppError("STILL_NEEDED", "not yet");
  const last = $app.dao().countRecords("ear_news", {});
  $app.dao().saveRecord("ear_news", { text: `- ${e.provider} ${e.capability} ${e.version} ${e.reason} ${$app.capability("x.y").call("it")}`, turn: last });
});
"#;
const EAR: &str = "
schema: schema.json
permissions: [records:own]
capabilities: {consumes: [{name: x.y, optional: true}]}
roles: [{name: ear.user, billable: false, grants: [ear.use]}]
";
const NEWS: &str = r#"{"collections": [
  {"name": "ear_news", "fields": [{"name": "text", "type": "string"}, {"name": "turn", "type": "integer"}]},
  {"name": "ear_vetoes", "fields": [{"name": "text", "type": "string"}]}]}"#;

fn offer(version: &str) -> String {
    format!("capabilities: {{provides: [{{name: x.y, version: {version}}}]}}\n")
}

fn news(daemon: &Daemon, count: usize) -> Vec<String> {
    let client = daemon.client();
    wait_until(PATIENCE, || {
        let all = client.get("/api/collections/ear_news/records?sort=turn").expect_status(200).body["items"].clone();
        let all: Vec<String> =
            all.as_array()?.iter().map(|one| one["text"].as_str().unwrap_or_default().to_owned()).collect();
        (all.len() == count).then_some(all)
    })
}

#[test]
fn a_plugin_hears_of_each_provider_once_and_may_keep_it() {
    let suite = Suite::new().plugin("ear", EAR, HEAR).file("ear/schema.json", NEWS);
    let suite = suite.plugin("src", &offer("1.0.0"), "$app.provide('x.y', { it: () => 'still there' });");
    let mut daemon = Start::suite(suite).watching().run();
    assert_eq!(news(&daemon, 1), ["+ src x.y 1.0.0 null"]);
    daemon.restart().expect("starts again");
    // Another version of the capability: the old one leaves, the new one comes. A restart was no reason to tell.
    let manifest = daemon.suite().join("src/plugin.yaml");
    let text = std::fs::read_to_string(&manifest).expect("the manifest").replace("version: 1.0.0}", "version: 1.1.0}");
    std::fs::write(&manifest, text).expect("is written");
    let told = news(&daemon, 3);
    assert_eq!(told[1..], ["- src x.y 1.0.0 replaced still there", "+ src x.y 1.1.0 null"]);
    // Who throws, keeps it.
    let client = daemon.client();
    let veto = client.post("/api/collections/ear_vetoes/records", &json!({"text": "no"})).expect_status(201).body;
    daemon.admin().post("/api/_admin/plugins/src/disable", &json!({})).expect_error(409, "DETACH_VETOED");
    let listed = daemon.admin().get("/api/_admin/plugins/src").body;
    assert_eq!(listed["state"], "active", "{listed}");
    client
        .delete(&format!("/api/collections/ear_vetoes/records/{}", veto["id"].as_str().expect("an id")))
        .expect_status(204);
    // A folder that goes away takes the plugin along.
    std::fs::remove_dir_all(daemon.suite().join("src")).expect("removed");
    assert_eq!(news(&daemon, 4)[3], "- src x.y 1.1.0 removed still there");
}

/// Who is kept goes on as it was, its collections too.
#[test]
fn a_provider_that_may_not_leave_keeps_its_collections() {
    let code = "$app.provide('x.y', { it: () => 'still there' });\n\
                $app.routerAdd('POST', '/api/src/rates', () => $app.dao().saveRecord('src_rates', { rate: 1 }));";
    let rates = r#"{"collections": [{"name": "src_rates", "fields": [{"name": "rate", "type": "integer"}]}]}"#;
    let manifest = format!("schema: schema.json\n{}", offer("1.0.0"));
    let suite = Suite::new().plugin("ear", EAR, HEAR).file("ear/schema.json", NEWS);
    let daemon = Start::suite(suite.plugin("src", &manifest, code).file("src/schema.json", rates)).watching().run();
    let client = daemon.client();
    assert_eq!(news(&daemon, 1), ["+ src x.y 1.0.0 null"]);
    client.post("/api/collections/ear_vetoes/records", &json!({"text": "no"})).expect_status(201);
    let save = |path: &str, from: &str, to: &str, vetoes: usize| {
        let text = std::fs::read_to_string(daemon.suite().join(path)).expect("a file of the suite");
        daemon.save(path, &text.replace(from, to));
        wait_until(PATIENCE, || (daemon.log().matches("DETACH_VETOED").count() == vetoes).then_some(()));
    };
    save("src/plugin.yaml", "version: 1.0.0}", "version: 1.1.0}", 1);
    save("src/schema.json", "]}]}", r#", {"name": "source", "type": "string", "required": true}]}]}"#, 2);
    client.post("/api/src/rates", &json!({})).expect_status(200);
}

/// One provider that a plugin stumbles over hides none of those after it, and is tried again.
#[test]
fn a_provider_that_cannot_be_attached_stands_in_no_others_way() {
    let begin = "$app.onAttach((e) => {";
    let stumbles =
        "if (e.provider === 'fst' && $app.dao().countRecords('ear_vetoes', {}) === 0) throw new Error('not it');";
    assert!(HEAR.contains(begin), "the code that is to stumble");
    let code = HEAR.replace(begin, &format!("{begin}\n  {stumbles}"));
    let suite = Suite::new().plugin("ear", EAR, &code).file("ear/schema.json", NEWS);
    let suite = suite.plugin("fst", &offer("1.0.0"), "$app.provide('x.y', { it: () => 1 });");
    let suite = suite.plugin("snd", &offer("1.0.0"), "$app.provide('x.y', { it: () => 2 });");
    let daemon = Start::suite(suite).run();
    assert_eq!(news(&daemon, 1), ["+ snd x.y 1.0.0 null"]);
    wait_until(PATIENCE, || daemon.log().contains("could not be told of a provider").then_some(()));
    daemon.client().post("/api/collections/ear_vetoes/records", &json!({"text": "now"})).expect_status(201);
    assert_eq!(news(&daemon, 2), ["+ snd x.y 1.0.0 null", "+ fst x.y 1.0.0 null"]);
}
