//! A continuation that waits in the log is not passed over, whatever the clock says when it is due at last.

use super::{HOUR_MS, held};
use serde_json::{Value, json};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;
use tests::door::Door;
use tests::{Client, Suite, wait_for_growth, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);
/// `SUBSCRIPTION_WINDOW_MAX`: as many of those that wait for their time are kept in memory, and the latest of more is left
/// in the log.
const WINDOW: u64 = 1_024;
const IN_ONE_CALL: u64 = 256;
/// A cursor is noted a second after what it covers.
const CURSOR_IS_NOTED: Duration = Duration::from_millis(1_500);
const SHOP: &str = "
schema: schema.json
publishes: [vault.gold.request]
permissions: [records:own, events:publish, events:subscribe, \"net:127.0.0.1:PORT\"]
roles: [{name: shop.user, billable: false, grants: [shop.use]}]
";
const SHOP_SCHEMA: &str = r#"{"collections": [{"name": "shop_told", "fields": [
  {"name": "name", "type": "string"}, {"name": "outcome", "type": "string"}]}]}"#;
const SHOP_CODE: &str = r#"
const dao = $app.dao();
$app.onOutcome("given", async ({ outcome, context }) => {
  if (context.name === "first") await $http.fetch("http://127.0.0.1:PORT/door");
  dao.saveRecord("shop_told", { name: context.name, outcome });
});
$app.routerAdd("POST", "/api/shop/ask", (e) => {
  const { name, count, timeout } = e.body;
  for (let n = 0; n < count; n++) $app.request("vault.gold.request", { of: name, n }, { continue: "given", context: { name }, timeout });
});
$app.routerAdd("GET", "/api/shop/told", () => dao.countRecords("shop_told", {}));
$app.routerAdd("GET", "/api/shop/first", () => dao.findRecordsByFilter("shop_told", { name: "first" }).map((one) => one.outcome));
"#;
const VAULT: &str = "
schema: schema.json
topics:
  vault.gold.request:
    kind: request
    version: 1.0.0
    schema: any.json
    replies: {ok: vault.gold.given}
    retry: {attempts: 1000, backoff: 20ms, cap: 100ms}
  vault.gold.given: {kind: reply, version: 1.0.0, schema: any.json}
publishes: [vault.gold.given]
consumes: [vault.gold.request]
roles: [{name: vault.user, billable: false, grants: [vault.use]}]
";
const VAULT_SCHEMA: &str =
    r#"{"collections": [{"name": "vault_switch", "fields": [{"name": "on", "type": "boolean"}]}]}"#;
const VAULT_CODE: &str = r#"
$app.onEvent("vault.gold.request", { when: "of = 'first'" }, function give(e) {
  if ($app.dao().countRecords("vault_switch", {}) === 0) throw new Error("closed");
  e.reply({});
});
$app.routerAdd("POST", "/api/vault/open", () => $app.dao().saveRecord("vault_switch", { on: true }));
"#;

fn suite(port: u16) -> Suite {
    let port = port.to_string();
    let suite = Suite::new().plugin("shop", &SHOP.replace("PORT", &port), &SHOP_CODE.replace("PORT", &port));
    let suite = suite.plugin("vault", VAULT, VAULT_CODE).file("shop/schema.json", SHOP_SCHEMA);
    let suite = suite.file("vault/schema.json", VAULT_SCHEMA);
    suite.settings("rules: {TL401: off, TL402: off, TL204: off, TL202: off, TL404: off}\n")
}

fn ask(client: &Client, name: &str, count: u64, timeout: &str) {
    let body = json!({"name": name, "count": count, "timeout": timeout});
    client.post("/api/shop/ask", &body).expect_status(200);
}

/// The first request waits the longest, so it is the one that is left in the log. It is answered when all others have timed
/// out, and its handler still runs when the log is read on from there.
#[test]
fn a_continuation_that_was_left_in_the_log_is_told_its_outcome_once() {
    let (home, door) = (tempfile::tempdir().expect("a folder"), Door::shut());
    let Some((daemon, clock)) = held(home.path(), suite(door.port()), &["--allow-private-net"], 0) else { return };
    let put = |hours: i64| clock.write_all_at(&(hours * HOUR_MS).to_ne_bytes(), 0).expect("the clock is put");
    let client = daemon.client();
    ask(&client, "first", 1, "4h");
    (0..WINDOW / IN_ONE_CALL).for_each(|_| ask(&client, "others", IN_ONE_CALL, "1h"));
    put(2);
    let told = || client.get("/api/shop/told").expect_status(200).data().as_u64().expect("a count");
    wait_for_growth(PATIENCE, WINDOW, told);

    client.post("/api/vault/open", &json!({})).expect_status(200);
    wait_until(PATIENCE, || door.is_asked().then_some(()));
    put(5);
    ask(&client, "later", 1, "1ms");
    wait_until(PATIENCE, || (told() > WINDOW).then_some(()));
    // No more than a chance for a cursor that has passed it to be noted.
    std::thread::sleep(CURSOR_IS_NOTED);
    door.open();
    let first = wait_until(PATIENCE, || {
        let told: Value = client.get("/api/shop/first").expect_status(200).data().clone();
        (told != json!([])).then_some(told)
    });
    assert_eq!((first, told()), (json!(["ok"]), WINDOW + 2));
}
