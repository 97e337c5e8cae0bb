//! Nothing that is still owed is compacted, however short its topic's `retain` is: outcomes that somebody waits for.

use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);
const SHOP: &str = "
schema: schema.json
publishes: [bank.pay.request]
roles: [{name: shop.user, billable: false, grants: [shop.use]}]
";
const SHOP_SCHEMA: &str = r#"{"collections": [{"name": "shop_outcomes", "fields": [{"name": "outcome", "type": "string"},
  {"name": "payload", "type": "json"}, {"name": "context", "type": "json"}]},
  {"name": "shop_switch", "fields": [{"name": "on", "type": "boolean"}]}]}"#;
const SHOP_CODE: &str = r#"
$app.onOutcome("paid", (e) => {
  if ($app.dao().countRecords("shop_switch", {}) === 0) throw new Error("not yet");
  $app.dao().saveRecord("shop_outcomes", { outcome: e.outcome, payload: e.payload, context: e.context });
});
$app.routerAdd("POST", "/api/shop/pay", (e) => $app.request("bank.pay.request", e.body, {
  continue: "paid", context: { order: "A" }, timeout: "1h" }));
$app.routerAdd("POST", "/api/shop/buy", { idempotent: true }, (e) =>
  e.outcome($app.request("bank.pay.request", e.body), { ok: 201, error: 422 }));
$app.routerAdd("POST", "/api/shop/open", () => $app.dao().saveRecord("shop_switch", { on: true }));
$app.routerAdd("GET", "/api/shop/outcomes", () => $app.dao().findRecordsByFilter("shop_outcomes", {}));
"#;
const BANK: &str = "
topics:
  bank.pay.request:
    kind: request
    version: 1.0.0
    schema: any.json
    retain: 1ms
    timeout: 6s
    replies: {ok: bank.pay.done}
  bank.pay.done: {kind: reply, version: 1.0.0, schema: any.json, retain: 1ms}
publishes: [bank.pay.done]
consumes: [bank.pay.request]
roles: [{name: bank.user, billable: false, grants: [bank.use]}]
";
const BANK_CODE: &str = r#"
$app.onEvent("bank.pay.request", function pay(e) { e.reply({ paid: e.payload.amount }); });
"#;

fn suite() -> Suite {
    let suite = Suite::new().plugin("shop", SHOP, SHOP_CODE).plugin("bank", BANK, BANK_CODE);
    let suite = suite.file("shop/schema.json", SHOP_SCHEMA);
    suite.settings("rules: {TL401: off, TL402: off, TL204: off, TL404: off}\n")
}

/// Compacts until this and nothing else is owed, and gives how many events went in the last pass.
fn compact_until_owed(daemon: &Daemon, owed: &Value) -> u64 {
    wait_until(PATIENCE, || {
        let done = daemon.admin().post("/api/_admin/store/compact", &json!({})).expect_status(200).body;
        (done["owed"] == *owed).then(|| done["compacted"].as_u64().expect("a count"))
    })
}

fn buy(client: &Client) -> Value {
    let body = json!({ "amount": 9 });
    client.json("POST", "/api/shop/buy", &[("idempotency-key", "once")], &body).expect_status(201).body
}

#[test]
fn an_outcome_that_is_awaited_is_kept_with_its_request() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut daemon = Start::suite(suite()).data(&folder.path().join("data")).run();
    let client = daemon.client();
    let bought = buy(&client);
    assert_eq!(bought["data"], json!({ "paid": 9 }), "{bought}");
    // It is answered, but the one who asked cannot go on yet.
    client.post("/api/shop/pay", &json!({ "amount": 7 })).expect_status(200);
    // Everybody has handled the events, and the time of the requests is up.
    let both = json!({ "answer": 2, "continuation": 2 });
    compact_until_owed(&daemon, &both);
    daemon.kill();
    daemon.restart().expect("it starts again");
    compact_until_owed(&daemon, &both);

    let client = daemon.client();
    client.post("/api/shop/open", &json!({})).expect_status(200);
    let told = wait_until(PATIENCE, || {
        let told = client.get("/api/shop/outcomes").expect_status(200).data().clone();
        told.as_array().and_then(|told| told.first().cloned())
    });
    assert_eq!((&told["outcome"], &told["payload"]), (&json!("ok"), &json!({ "paid": 7 })), "{told}");
    assert_eq!(told["context"], json!({ "order": "A" }));
    assert_eq!(buy(&client)["data"], bought["data"], "what was answered is answered again");
    compact_until_owed(&daemon, &json!({ "answer": 2 }));
    let metrics = daemon.admin().get("/metrics").text;
    for series in [r#"trunkline_retention_owed_events_total{claim="continuation"}"#, "trunkline_retention_looked_at"] {
        assert!(metrics.contains(series), "{series} in {metrics}");
    }
    assert!(daemon.stop().expect("it stops").success());
}
