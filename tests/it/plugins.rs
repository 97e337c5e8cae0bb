//! Plugins as an operator sees them: settings that gate them, states, enabled and disabled.

use serde_json::{Value, json};
use std::time::Duration;
use tests::example::example_of;
use tests::{Client, Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);
const HEAD: &str = "
schema: schema.json
config: config.schema.json
topics:
  tap.drop.fell: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [tap.drop.fell]
consumes: [tap.drop.fell]
roles: [{name: tap.user, billable: false, grants: [tap.use]}]
";
const CONFIG: &str = r#"{"type": "object", "properties": {"rate": {"type": "integer", "default": 1, "minimum": 1}, "boom": {"type": "boolean"}}}"#;
const CODE: &str = r#"
if ($app.config.boom) throw new Error("no booms");
$app.routerAdd("GET", "/api/tap/rate", () => $app.config.rate);
$app.routerAdd("POST", "/api/tap/drop", (e) => $app.realtime().publish("tap.drop.fell", { n: e.body.n }));
$app.routerAdd("GET", "/api/tap/fell", () => $app.dao().countRecords("tap_fell", {}));
$app.onEvent("tap.drop.fell", function fell(e) { $app.dao().saveRecord("tap_fell", { n: e.payload.n }); });
"#;
const SCHEMA: &str = r#"{"collections": [{"name": "tap_fell", "fields": [{"name": "n", "type": "integer"}]}]}"#;

fn tap() -> Daemon {
    let suite = Suite::new().plugin("tap", HEAD, CODE).file("tap/schema.json", SCHEMA);
    let other = "$app.routerAdd('GET', '/api/other/on', () => 1);";
    let role = "roles: [{name: other.user, billable: false, grants: [other.use]}]\n";
    Start::suite(suite.file("tap/config.schema.json", CONFIG).plugin("other", role, other)).run()
}

fn plugin(daemon: &Daemon, slug: &str) -> Value {
    let all = daemon.admin().get("/api/_admin/plugins").expect_status(200).body;
    all.as_array().into_iter().flatten().find(|one| one["slug"] == slug).cloned().expect("the plugin is listed")
}

fn rate(client: &Client) -> Value {
    client.get("/api/tap/rate").expect_status(200).data().clone()
}

#[test]
fn the_example_of_the_page_waits_for_its_settings_and_runs_with_them() {
    let folder = example_of("operate/plugins.md");
    let mut daemon = Start::dev(folder.path()).run();
    let waiting = plugin(&daemon, "mail");
    assert_eq!(waiting["state"], "pending_config");
    assert!(waiting["reason"].as_str().is_some_and(|why| why.contains("\"sender\"")), "{waiting}");
    daemon.client().get("/api/mail/from").expect_error(503, "PLUGIN_PENDING_CONFIG");
    let set = daemon.command(&["plugin", "config", "mail", "sender=books@example.test", "password=secret", "copies=3"]);
    assert_eq!(set.exit, Some(0), "{}{}", set.out, set.err);
    assert!(set.out.contains("sender = \"books@example.test\"") && !set.out.contains("secret"), "{}", set.out);
    assert_eq!(plugin(&daemon, "mail")["state"], "active");
    let from = json!({"sender": "books@example.test", "copies": 1, "plan": "free"});
    assert_eq!(daemon.client().get("/api/mail/from").expect_status(200).data(), &from);
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    assert_eq!(daemon.client().get("/api/mail/from").expect_status(200).data(), &from, "settings outlive a kill");
    assert_eq!(daemon.command(&["plugin", "config", "mail", "--unset", "sender"]).exit, Some(0));
    assert_eq!(plugin(&daemon, "mail")["state"], "pending_config");
    daemon.client().get("/api/mail/from").expect_error(503, "PLUGIN_PENDING_CONFIG");
}

#[test]
fn settings_that_do_not_fit_are_refused_and_change_nothing() {
    let daemon = tap();
    let (client, admin) = (daemon.client(), daemon.admin());
    let path = "/api/_admin/plugins/tap/config";
    assert_eq!(rate(&client), 1);
    admin.patch(path, &json!({"rate": 5})).expect_status(200);
    assert_eq!(rate(&client), 5);
    for wrong in [json!({"rate": 0}), json!({"rate": "x"}), json!({"pace": 1})] {
        admin.patch(path, &wrong).expect_error(422, "BODY_INVALID");
    }
    // A plugin that cannot start with them goes on with those it had.
    let refused = admin.patch(path, &json!({"boom": true, "rate": 9}));
    assert!(refused.status >= 400 && refused.text.contains("no booms"), "{}", refused.text);
    assert_eq!((rate(&client), plugin(&daemon, "tap")["state"].clone()), (json!(5), json!("active")));
    let settings = admin.get(path).expect_status(200).body;
    assert_eq!((&settings["values"], &settings["set"]), (&json!({"rate": 5}), &json!(["rate"])));
    admin.json("PUT", path, &[], &json!({})).expect_status(200);
    assert_eq!(rate(&client), 1);
    admin.patch("/api/_admin/plugins/none/config", &json!({})).expect_error(404, "NOT_FOUND");
    client.patch(path, &json!({"rate": 2})).expect_status(403);
}

/// The settings of a mailer whose password has at least so many characters.
fn with_secrets(least: u64) -> String {
    let secret = json!({"type": "string", "writeOnly": true});
    let password = json!({"type": "string", "writeOnly": true, "minLength": least});
    let smtp = json!({"type": "object", "properties": {"host": {"type": "string"}, "pass": secret}});
    let properties = json!({"sender": {"type": "string"}, "password": password, "smtp": smtp,
        "by_ref": {"$ref": "#/$defs/secret"}, "all_of": {"allOf": [{"type": "string"}, secret]},
        "any_of": {"anyOf": [{"type": "integer"}, secret]}, "keys": {"type": "array", "items": secret},
        "named": {"type": "object", "additionalProperties": secret},
        "pattern": {"type": "object", "patternProperties": {"^k": secret}}});
    json!({"type": "object", "$defs": {"secret": secret}, "properties": properties, "additionalProperties": false})
        .to_string()
}

#[test]
fn a_secret_among_the_settings_is_told_to_nobody() {
    let role = "config: config.schema.json\nroles: [{name: mail.user, billable: false, grants: [mail.use]}]\n";
    let code = "$app.routerAdd('GET', '/api/mail/names', () => Object.keys($app.config));";
    let suite = Suite::new().plugin("mail", role, code).file("mail/config.schema.json", &with_secrets(20));
    let mut daemon = Start::suite(suite).run();
    let (admin, path) = (daemon.admin(), "/api/_admin/plugins/mail/config");
    let given = json!({"sender": "me@example.test", "password": "SECRET-password-of-30-letters",
        "smtp": {"host": "h", "pass": "SECRET"}, "by_ref": "SECRET", "all_of": "SECRET", "any_of": "SECRET",
        "keys": ["SECRET"], "named": {"a": "SECRET"}, "pattern": {"k": "SECRET"}});
    admin.json("PUT", path, &[], &given).expect_status(200);
    let settings = admin.get(path).expect_status(200).body;
    let shown = settings["values"].as_object().expect("values").iter().filter(|(_, value)| !value.is_null());
    assert_eq!(shown.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["sender"], "{settings}");
    assert_eq!(settings["set"].as_array().map(Vec::len), Some(9), "{settings}");

    let short = admin.patch(path, &json!({"password": "SECRET"}));
    short.expect_error(422, "BODY_INVALID");
    assert!(short.text.contains("`/password` must have at least 20 characters"), "{}", short.text);
    let of_no_form = admin.patch(path, &json!({"any_of": {"is": "SECRET"}, "smtp": "SECRET"}));
    of_no_form.expect_error(422, "BODY_INVALID");
    assert!(of_no_form.text.contains("`/any_of` fits none of the 2 allowed forms"), "{}", of_no_form.text);
    assert!(of_no_form.text.contains("`/smtp` must be an object"), "{}", of_no_form.text);

    // A newer version wants more of what is stored than it has.
    std::fs::write(daemon.suite().join("mail/config.schema.json"), with_secrets(40)).expect("written");
    daemon.restart().expect("the daemon starts again");
    let (admin, why) = (daemon.admin(), "`/password` must have at least 40 characters");
    for caller in [daemon.client().with_token(""), daemon.client().with_token("tl_none"), daemon.client()] {
        let refused = caller.get("/api/mail/names");
        refused.expect_error(503, "PLUGIN_PENDING_CONFIG");
        assert!(refused.text.contains("pending_config") && !refused.text.contains("characters"), "{}", refused.text);
    }
    let told = admin.get("/api/mail/names");
    told.expect_error(503, "PLUGIN_PENDING_CONFIG");
    let listed = daemon.command(&["plugin", "list"]).out;
    let problem = admin.get(path).expect_status(200).text;
    for said in [&told.text, &listed, &problem, &daemon.log()] {
        assert!(said.contains(why), "{said}");
    }
    for said in [short.text, of_no_form.text, told.text, listed, problem, daemon.log()] {
        assert!(!said.contains("SECRET"), "{said}");
    }
}

#[test]
fn a_disabled_plugin_serves_nothing_and_loses_nothing() {
    let mut daemon = tap();
    let client = daemon.client();
    let fell = |client: &Client| client.get("/api/tap/fell").expect_status(200).data().as_u64().unwrap_or(0);
    client.post("/api/tap/drop", &json!({"n": 1})).expect_status(200);
    wait_until(PATIENCE, || (fell(&client) == 1).then_some(()));
    assert!(daemon.command(&["plugin", "disable", "tap"]).out.contains("disabled"));
    assert_eq!(plugin(&daemon, "tap")["state"], "disabled");
    let refused = client.get("/api/tap/rate");
    refused.expect_error(503, "PLUGIN_DISABLED");
    let said = refused.body["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(said, "plugin `tap` does not run (disabled); `trunkline plugin list` tells an administrator why");
    let told = daemon.admin().get("/api/tap/rate");
    told.expect_error(503, "PLUGIN_DISABLED");
    assert!(told.text.contains("plugin `tap` does not run (disabled): an operator has disabled it"), "{}", told.text);
    // So do its records, whoever asks for them and whatever for.
    let records = "/api/collections/tap_fell/records";
    for asked in [client.get(records), client.post(records, &json!({"n": 3})), client.get(&format!("{records}/x"))] {
        asked.expect_error(503, "PLUGIN_DISABLED");
    }
    let batch = json!({"operations": [{"op": "create", "record": {"n": 3}}]});
    client.post(&format!("{records}/batch"), &batch).expect_error(503, "PLUGIN_DISABLED");
    let reserve = json!({"resource": "tap_fell/x/n", "amount": 1, "key": "k", "ttl": "1m"});
    client.post("/api/_tx/reserve", &reserve).expect_error(503, "PLUGIN_DISABLED");
    client.get("/api/collections/tap_nothing/records").expect_error(404, "COLLECTION_UNKNOWN");
    client.get("/api/other/on").expect_status(200);
    // What comes for it waits.
    client.publish(&tests::client::cloud_event("e-2", "tap.drop.fell", &json!({"n": 2}))).expect_status(202);
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    assert_eq!(plugin(&daemon, "tap")["state"], "disabled", "also after a kill");
    assert!(daemon.command(&["plugin", "enable", "tap"]).out.contains("active"));
    let client = daemon.client();
    wait_until(PATIENCE, || (fell(&client) == 2).then_some(()));
}

#[test]
fn a_plugin_that_throws_or_loops_while_loading_is_left_out_alone() {
    let other = "$app.routerAdd('GET', '/api/other/on', () => 1);";
    let role = |slug: &str| format!("roles: [{{name: {slug}.user, billable: false, grants: [{slug}.use]}}]\n");
    let suite = Suite::new().plugin("thrower", &role("thrower"), "\nthrow new Error('at the top');");
    let suite = suite.plugin("looper", &role("looper"), "for (;;) {}").plugin("other", &role("other"), other);
    let daemon = Start::suite(suite).run();
    let reason = |slug: &str| {
        let plugin = plugin(&daemon, slug);
        assert_eq!(plugin["state"], "error", "{plugin}");
        plugin["reason"].as_str().unwrap_or_default().to_owned()
    };
    assert!(reason("thrower").contains("at the top at src/main.js:2"), "{}", reason("thrower"));
    assert!(reason("looper").contains("PLUGIN_DEADLINE"), "{}", reason("looper"));
    daemon.client().get("/api/other/on").expect_status(200);
}
