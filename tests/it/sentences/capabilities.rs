//! Capabilities, docs/src/capabilities.md.

use super::hold;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;
use tests::{Client, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);

fn provides(name: &str, version: &str) -> String {
    format!("capabilities: {{provides: [{{name: {name}, version: {version}}}]}}\n")
}

fn consumes(slug: &str, name: &str) -> String {
    format!(
        "schema: schema.json\npermissions: [records:own]\ncapabilities: {{consumes: [{{name: {name}, optional: true}}]}}\nroles: [{{name: {slug}.user, billable: false, grants: [{slug}.use]}}]\n"
    )
}

const LIB: &str = r#"
$app.provide("lib.it", {
  who: (input, e) => { input.list.push("changed"); return [e, input]; },
  count: () => $app.dao().countRecords("lib_things", {}),
  theirs: () => $app.dao().countRecords("user_things", {}),
  others: () => $app.dao().countRecords("user_secrets", {}),
  nothing: () => {},
  long: (bytes) => "x".repeat(bytes),
  change: ({ how }) => ({
    save: () => $app.dao().saveRecord("lib_things", { n: 1 }),
    remove: () => $app.dao().deleteRecord("lib_things", "a"),
    add: () => $app.dao().addToRecords("lib_things", [{ id: "a", n: 1 }], ["n"]),
    reserve: () => $app.reserve("lib_things/a/n", 1),
    release: () => $app.release("x"),
    enqueue: () => $jobs.enqueue("work", {}),
  })[how](),
});
$jobs.register("work", () => 0);
"#;
const LIB_HEAD: &str = "
schema: schema.json
permissions: [records:own, 'records:read:user_things', jobs]
capabilities: {provides: [{name: lib.it, version: 1.0.0}]}
roles: [{name: lib.user, billable: false, grants: [lib.use]}]
";
const LIB_SCHEMA: &str = r#"{"collections": [{"name": "lib_things", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const USER: &str = r#"
const lib = $app.capability("lib.it");
const own = $app.capability("user.it", { provider: "user" });
const dao = () => $app.dao();
$app.provide("user.it", { x: () => 1 });
const caught = (run) => { try { return { gave: run() }; } catch (error) { return { code: error.code, message: error.message }; } };
$app.routerAdd("GET", "/api/user/members", () => [[lib.name, lib.provider], [own.name, own.provider], own.providers(), caught(() => own.call("x")).code]);
$app.routerAdd("POST", "/api/user/who", (e) => {
  const input = { list: [1] };
  const [who, seen] = lib.call("who", input);
  return { who, seen, input, caller: e.auth.id };
});
$app.routerAdd("POST", "/api/user/call", (e) => caught(() => lib.call(e.body.method, e.body.input)));
$app.routerAdd("POST", "/api/user/unseen", () => { dao().saveRecord("user_things", { n: 1 }); return [dao().countRecords("user_things", {}), lib.call("theirs")]; });
$app.routerAdd("POST", "/api/user/secret", () => {
  dao().saveRecord("user_things", { n: 1 });
  dao().saveRecord("user_secrets", { n: 2 });
  return [dao().countRecords("user_things", {}), dao().findFirstRecordByFilter("user_things", { n: 0 }).n];
});
$app.routerAdd("POST", "/api/user/long", (e) => caught(() => lib.call("nothing", "x".repeat(e.body))).code ?? "fits");
$app.routerAdd("POST", "/api/user/answer", (e) => lib.call("long", e.body).length);
$app.onRecord("before", "create", "user_secrets", () => { dao().saveRecord("user_things", { n: lib.call("theirs") }); });
$app.onAttach((e) => { dao().saveRecord("user_news", { e, turn: dao().countRecords("user_news", {}) }); });
$app.onDetach((e) => {
  if (dao().countRecords("user_secrets", { n: 1 }) > 0) for (;;);
  dao().saveRecord("user_news", { e, turn: dao().countRecords("user_news", {}) });
});
"#;
const USER_HEAD: &str = "
schema: schema.json
permissions: [records:own]
config: config.schema.json
capabilities:
  provides: [{name: user.it, version: 1.0.0}]
  consumes: [{name: lib.it, range: ^1, optional: true}, {name: user.it, optional: true}]
roles: [{name: user.user, billable: false, grants: [user.use]}]
";
const USER_SCHEMA: &str = r#"{"collections": [
  {"name": "user_things", "fields": [{"name": "n", "type": "integer"}]},
  {"name": "user_secrets", "fields": [{"name": "n", "type": "integer"}]},
  {"name": "user_news", "fields": [{"name": "e", "type": "json"}, {"name": "turn", "type": "integer"}]}]}"#;
const CONFIG: &str = r#"{"type": "object", "properties": {"x": {"type": "integer", "default": 1}}}"#;
const TESTS: &str = r#"
const call = (app, method, input) => app.call("POST", "/api/user/call", { body: { method, input } }).data;
const both = { with: ["lib"] };

test("a method is given a copy and who calls", both, (app) => {
  const { who, seen, input, caller } = app.call("POST", "/api/user/who", { as: { user: "bob", roles: ["user.user"] } }).data;
  expect([seen.list, input.list, caller]).toEqual([[1, "changed"], [1], "bob"]);
  expect(Object.keys(who).sort()).toEqual(["actor", "caller", "correlationId", "tenant"]);
  expect(who).toMatchObject({ actor: "bob", caller: "user", tenant: "test" });
  expect(call(app, "nothing").gave).toBeNull();
});
test("a method sees nothing that its caller has not committed, and reads what its own plugin may", both, (app) => {
  expect(app.call("POST", "/api/user/unseen").data).toEqual([1, 0]);
  expect(call(app, "theirs").gave).toBe(1);
  expect(call(app, "others").code).toBe("PERMISSION_DENIED");
});
test("a method that a hook calls sees nothing of the change that the hook is for", both, (app) => {
  expect(app.call("POST", "/api/user/secret").data).toEqual([2, 0]);
  expect(app.records("user_things", {}, { sort: "n" }).map((it) => it.n)).toEqual([0, 1]);
});
test("whatever changes something is refused in a method", both, (app) => {
  app.save("lib_things", { id: "a", n: 5 });
  for (const how of ["save", "remove", "add", "reserve", "release", "enqueue"]) {
    expect([how, call(app, "change", { how }).code]).toEqual([how, "CAPABILITY_READ_ONLY"]);
  }
  expect([app.record("lib_things", "a").n, call(app, "count").gave, app.jobs()]).toEqual([5, 1, []]);
});
test("a capability says what was asked for, and nobody provides to itself", both, (app) => {
  const members = app.call("GET", "/api/user/members").data;
  expect(members).toEqual([["lib.it", null], ["user.it", "user"], [], "CAPABILITY_MISSING"]);
});
test("an input is at most CAPABILITY_BYTES_MAX long, and so is an answer", both, (app) => {
  const long = (body) => app.call("POST", "/api/user/long", { body }).data;
  expect([long(1048574), long(1048575)]).toEqual(["fits", "PAYLOAD_TOO_LARGE"]);
  expect(app.call("POST", "/api/user/answer", { body: 1048574 }).data).toBe(1048574);
  const much = app.call("POST", "/api/user/answer", { body: 1048575 });
  expect([much.error.code, much.error.message]).toEqual(["PAYLOAD_TOO_LARGE", "the answer of plugin `lib` has 1048577 bytes, more than 1048576 (CAPABILITY_BYTES_MAX)"]);
});
test("who uses a capability hears of its provider, but not of a restart with the same version", both, (app) => {
  const news = () => app.records("user_news", {}, { sort: "turn" }).map((it) => it.e);
  expect(news()).toEqual([{ capability: "lib.it", provider: "lib", version: "1.0.0", reason: null, tenant: "test" }]);
  app.config({ x: 2 }, { plugin: "lib" });
  app.crash();
  expect(news()).toHaveLength(1);
  app.disable("lib");
  expect(news()[1]).toEqual({ capability: "lib.it", provider: "lib", version: "1.0.0", reason: "disabled", tenant: "test" });
  expect(call(app, "count").code).toBe("CAPABILITY_MISSING");
  app.enable("lib");
  expect([news().length, call(app, "count").gave]).toEqual([3, 0]);
});
test("who finds no time to answer does not keep a provider", both, (app) => {
  app.save("user_secrets", { n: 1 });
  app.disable("lib");
  expect(call(app, "count").code).toBe("CAPABILITY_MISSING");
});
"#;

#[test]
fn what_the_page_says_of_capabilities_holds() {
    let suite = Suite::new().plugin("user", USER_HEAD, USER).file("user/schema.json", USER_SCHEMA);
    let suite = suite.file("user/config.schema.json", CONFIG).file("lib/config.schema.json", CONFIG);
    let lib = format!("{LIB_HEAD}config: config.schema.json\n");
    let suite = suite.plugin("lib", &lib, LIB).file("lib/schema.json", LIB_SCHEMA);
    hold(&suite.file("user/tests/capabilities.test.js", TESTS));
}

#[test]
fn calls_within_one_another_are_as_many_as_the_limit_says() {
    let mut suite = Suite::new();
    for at in 0..6 {
        let mut head = String::from("capabilities:\n");
        let mut code = String::new();
        if at > 0 {
            let _ = writeln!(head, "  provides: [{{name: p{at}.it, version: 1.0.0}}]");
            let next = if at == 5 {
                "[]".to_owned()
            } else {
                format!("left > 0 ? [...$app.capability('p{}.it').call('it', left - 1), 0] : []", at + 1)
            };
            let _ = writeln!(code, "$app.provide('p{at}.it', {{ it: (left) => {next} }});");
        } else {
            code += "$app.routerAdd('POST', '/api/p0/call', (e) => $app.capability('p1.it').call('it', e.body));\n";
        }
        if at < 5 {
            let _ = writeln!(head, "  consumes: [{{name: p{}.it}}]", at + 1);
        }
        suite = suite.plugin(&format!("p{at}"), &head, &code);
    }
    let daemon = Start::suite(suite).run();
    let call = |left: u64| daemon.client().post("/api/p0/call", &json!(left));
    assert_eq!(call(3).expect_status(200).data(), &json!([0, 0, 0]), "four calls within one another");
    let deep = call(4);
    assert_eq!(deep.code(), "CAPABILITY_CYCLE");
    assert!(deep.text.contains("CAPABILITY_DEPTH_MAX") && deep.text.contains("p0 -> p1"), "{}", deep.text);
}

/// The better provider is passed over as long as it is paused; alone it is said to be.
#[test]
fn a_provider_that_is_paused_after_faults_is_passed_over() {
    let bad = "$app.provide('x.y', { it: (input) => { if (input === 'eat') { const all = []; for (;;) all.push('x'.repeat(1 << 20) + all.length); } return 'bad'; } });";
    let good = "$app.provide('x.y', { it: () => 'good' });";
    let user = "
const caught = (run) => { try { return run(); } catch (error) { return error.code; } };
$app.routerAdd('POST', '/api/user/any', { timeout: '50s' }, (e) => caught(() => $app.capability('x.y').call('it', e.body)));
$app.routerAdd('POST', '/api/user/bad', { timeout: '50s' }, (e) => caught(() => $app.capability('x.y', { provider: 'bad' }).call('it', e.body)));";
    let suite =
        Suite::new().plugin("bad", &provides("x.y", "2.0.0"), bad).plugin("good", &provides("x.y", "1.0.0"), good);
    let suite = suite.plugin("user", &consumes("user", "x.y").replace("schema: schema.json\n", ""), user);
    let daemon = Start::suite(suite.settings("limits: {bad: {memory_bytes: 33554432}}\n")).run();
    let client = daemon.client();
    let call = |path: &str, input: &str| client.post(path, &json!(input)).expect_status(200).data().clone();
    assert_eq!(call("/api/user/any", ""), "bad", "the newest is chosen");
    let ends: Vec<Value> = (0..6).map(|_| call("/api/user/bad", "eat")).collect();
    assert!(ends.contains(&json!("PLUGIN_UNAVAILABLE")) && ends[0] == "PLUGIN_MEMORY", "{ends:?}");
    assert_eq!(call("/api/user/any", ""), "good");
    let all = daemon.admin().get("/api/_admin/plugins").expect_status(200).body;
    let paused = |slug: &str| {
        all.as_array().into_iter().flatten().find(|one| one["slug"] == slug).cloned().expect("it is listed")
    };
    assert!(paused("user")["state"] == "active", "what a provider does wrong is not its caller's: {all}");
    assert_eq!(
        wait_until(PATIENCE, || Some(call("/api/user/any", "")).filter(|it| it == "bad")),
        "bad",
        "it is well again"
    );
}

const HEAR: &str = r#"
$app.onAttach((e) => {
  $app.log.warn("asked");
  if ($app.dao().countRecords("SLUG_switch", {}) === 0 && "SLUG" === "early") throw new Error("not yet");
  $app.dao().saveRecord("SLUG_news", { text: `+ ${e.provider}` });
});
$app.onDetach((e) => {
  if ("SLUG" === "veto" && $app.dao().countRecords("SLUG_switch", {}) === 0) throw new AppError("NO", "no");
  $app.dao().saveRecord("SLUG_news", { text: `- ${e.provider} ${e.reason}` });
  if ("SLUG" === "veto" && e.reason === "removed") throw new AppError("NO", "too late");
});
"#;
const NEWS: &str = r#"{"collections": [
  {"name": "SLUG_news", "fields": [{"name": "text", "type": "string"}]},
  {"name": "SLUG_switch", "fields": [{"name": "on", "type": "boolean"}]}]}"#;

fn news(client: &Client, slug: &str, count: usize) -> Vec<String> {
    wait_until(PATIENCE, || {
        let path = format!("/api/collections/{slug}_news/records?sort=created");
        let all = client.get(&path).expect_status(200).body["items"].clone();
        let all: Vec<String> =
            all.as_array()?.iter().filter_map(|one| one["text"].as_str().map(str::to_owned)).collect();
        (all.len() == count).then_some(all)
    })
}

/// `early` throws on hearing of the provider and is told again; it hears before `veto` that the provider leaves, and, as
/// `veto` keeps it, that it has come. Nobody keeps one that has gone while the daemon did not run.
#[test]
fn users_of_a_provider_hear_of_it_until_they_have_heard() {
    let mut suite = Suite::new().plugin("src", &provides("x.y", "1.0.0"), "$app.provide('x.y', { it: () => 1 });");
    for slug in ["early", "veto"] {
        let code = HEAR.replace("SLUG", slug)
            + "$app.routerAdd('GET', '/api/SLUG/it', () => $app.capability('x.y').call('it'));"
                .replace("SLUG", slug)
                .as_str();
        suite = suite
            .plugin(slug, &consumes(slug, "x.y"), &code)
            .file(&format!("{slug}/schema.json"), &NEWS.replace("SLUG", slug));
    }
    let mut daemon = Start::suite(suite).run();
    let client = daemon.client();
    assert_eq!(news(&client, "veto", 1), ["+ src"]);
    assert!(news(&client, "early", 0).is_empty());
    client.post("/api/collections/early_switch/records", &json!({"on": true})).expect_status(201);
    assert_eq!(news(&client, "early", 1), ["+ src"], "what was not heard is told again");
    let refused = daemon.admin().post("/api/_admin/plugins/src/disable", &json!({}));
    refused.expect_error(409, "DETACH_VETOED");
    assert_eq!(news(&client, "early", 3), ["+ src", "- src disabled", "+ src"]);
    assert_eq!(client.get("/api/early/it").expect_status(200).data(), 1);
    assert_eq!(news(&client, "veto", 1), ["+ src"], "a veto leaves nothing behind");
    assert!(daemon.stop().is_ok_and(|status| status.success()));
    let manifest = daemon.suite().join("suite.yaml");
    let text = std::fs::read_to_string(&manifest).expect("suite.yaml").replace("src, ", "");
    std::fs::write(&manifest, text).expect("is written");
    std::fs::remove_dir_all(daemon.suite().join("src")).expect("is removed");
    daemon.restart().expect("starts again");
    let client = daemon.client();
    assert_eq!(news(&client, "early", 4)[3], "- src removed");
    client.get("/api/veto/it").expect_error(503, "CAPABILITY_MISSING");
}
