//! A verb that asks for an `Idempotency-Key` runs once for each key, whatever happens in between.

use serde_json::{Value, json};
use tests::client::Answer;
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
topics:
  shop.order.check.request:
    kind: request
    version: 1.0.0
    schema: any.json
    timeout: 10s
    replies: {ok: shop.order.checked, error: shop.order.refused}
  shop.order.checked: {kind: reply, version: 1.0.0, schema: any.json}
  shop.order.refused: {kind: reply, version: 1.0.0, schema: any.json}
publishes: [shop.order.check.request, shop.order.checked, shop.order.refused]
consumes: [shop.order.check.request]
roles: [{name: shop.user, billable: false, grants: [shop.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "shop_orders", "fields": [{"name": "item", "type": "string"}]},
  {"name": "shop_switch", "fields": [{"name": "on", "type": "boolean"}]}]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/shop/orders", { idempotent: true }, (e) => {
  const order = $app.dao().saveRecord("shop_orders", { item: e.body.item });
  if (e.body.item === "broken" && $app.dao().countRecords("shop_switch", {}) === 0) throw new Error("not yet");
  if (e.body.item === "text") return e.text(202, order.id);
  return e.json(201, { id: order.id });
});
$app.routerAdd("POST", "/api/shop/checked", { idempotent: true }, (e) => {
  $app.dao().saveRecord("shop_orders", { item: "checked" });
  return e.outcome($app.request("shop.order.check.request", e.body), { ok: 201, error: 422 });
});
$app.routerAdd("GET", "/api/shop/orders", () => $app.dao().findRecordsByFilter("shop_orders", {}).length);
$app.routerAdd("POST", "/api/shop/switch", () => $app.dao().saveRecord("shop_switch", { on: true }));
$app.onEvent("shop.order.check.request", function check(e) {
  if (e.payload.bad) e.reject({ seen: e.id });
  else e.reply({ seen: e.id });
});
"#;

#[test]
fn the_first_answer_is_given_again_and_nothing_runs_twice() {
    let mut daemon = shop();
    let first = order(&daemon.client(), "k1", "pen");
    assert_eq!((first.status, first.replayed), (201, false), "{}", first.text);
    for _ in 0..2 {
        let again = order(&daemon.client(), "k1", "pen");
        assert_eq!((again.status, again.replayed, &again.body), (201, true, &first.body), "{}", again.text);
        daemon.restart().expect("the daemon starts again");
    }
    let plain = order(&daemon.client(), "k2", "text");
    let again = order(&daemon.client(), "k2", "text");
    assert_eq!((again.status, again.replayed, &again.text), (202, true, &plain.text));
    assert_eq!(orders(&daemon.client()), 2);
}

#[test]
fn another_request_under_the_same_key_is_a_conflict_and_runs_nothing() {
    let daemon = shop();
    let client = daemon.client();
    order(&client, "k1", "pen").expect_status(201);
    order(&client, "k1", "ink").expect_error(409, "idempotency_conflict");
    assert_eq!(orders(&client), 1);
    let without = client.send("POST", "/api/shop/orders", &[], Some("{}")).expect("an answer");
    without.expect_error(400, "QUERY_INVALID");
    order(&client, &"k".repeat(256), "pen").expect_error(400, "QUERY_INVALID");
}

#[test]
fn a_key_belongs_to_its_caller() {
    let daemon = shop();
    let token = |user: &str| {
        let body = json!({"roles": ["shop.user"], "ttl": "1h", "user": user});
        let made = daemon.admin().post("/api/_admin/tenants/demo/tokens", &body).expect_status(201);
        daemon.client().with_token(made.body["token"].as_str().expect("a token"))
    };
    assert!(!order(&token("ann"), "k1", "pen").expect_status(201).replayed);
    assert!(!order(&token("bob"), "k1", "ink").expect_status(201).replayed);
    assert_eq!(orders(&daemon.client()), 2);
}

#[test]
fn a_failure_leaves_the_key_free() {
    let daemon = shop();
    let client = daemon.client();
    order(&client, "k1", "broken").expect_error(500, "PLUGIN_ERROR");
    assert_eq!(orders(&client), 0);
    client.post("/api/shop/switch", &json!({})).expect_status(200);
    assert!(!order(&client, "k1", "broken").expect_status(201).replayed);
    assert!(order(&client, "k1", "broken").expect_status(201).replayed);
}

#[test]
fn requests_at_the_same_time_run_once() {
    let daemon = shop();
    let client = daemon.client();
    for round in 0..5 {
        let key = format!("round-{round}");
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..8).map(|_| scope.spawn(|| order(&client, &key, "pen"))).collect();
            running.into_iter().map(|one| one.join().expect("a thread")).collect()
        });
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body), "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1, "{answers:?}");
    }
    assert_eq!(orders(&client), 5);
}

#[test]
fn changes_of_records_at_the_same_time_are_done_once() {
    let daemon = shop();
    let client = daemon.client();
    let items = || client.get("/api/collections/shop_orders/records").expect_status(200).body["items"].clone();
    for round in 1..=5 {
        let key = format!("record-{round}");
        let create = || post(&client, "/api/collections/shop_orders/records", &key, &json!({"item": "pen"}));
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
            running.into_iter().map(|one| one.join().expect("a thread")).collect()
        });
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body), "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1, "{answers:?}");
        assert_eq!(items().as_array().map(Vec::len), Some(round), "{}", items());
    }
}

#[test]
fn an_outcome_is_given_again() {
    let mut daemon = shop();
    let ask = |client: &Client| post(client, "/api/shop/checked", "k1", &json!({"n": 1}));
    let first = ask(&daemon.client()).expect_status(201);
    daemon.restart().expect("the daemon starts again");
    let again = ask(&daemon.client()).expect_status(201);
    assert_eq!((again.replayed, &again.body), (true, &first.body));
    assert_eq!(orders(&daemon.client()), 1);
}

#[test]
fn whatever_a_kill_leaves_a_key_has_run_once() {
    let mut daemon = shop();
    let mut interrupted = 0;
    for round in 0..8_u64 {
        let (client, key) = (daemon.client(), format!("kill-{round}"));
        let sent = std::thread::spawn(move || try_order(&client, &key, "pen").is_none());
        std::thread::sleep(std::time::Duration::from_millis(round * 3));
        daemon.kill();
        interrupted += usize::from(sent.join().expect("a thread"));
        daemon.restart().expect("the daemon starts again");
        let client = daemon.client();
        let key = format!("kill-{round}");
        let answer = order(&client, &key, "pen").expect_status(201);
        assert_eq!(order(&client, &key, "pen").expect_status(201).body, answer.body);
        assert_eq!(orders(&client), round + 1, "a key ran more than once, or not at all");
    }
    assert!(interrupted > 0, "no request was interrupted, so nothing was shown");
}

fn shop() -> Daemon {
    let suite = Suite::new().plugin("shop", MANIFEST, CODE).file("shop/schema.json", SCHEMA);
    Start::suite(suite).run()
}

#[track_caller]
fn order(client: &Client, key: &str, item: &str) -> Answer {
    post(client, "/api/shop/orders", key, &json!({"item": item}))
}

#[track_caller]
fn post(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    client.send("POST", path, &headers, Some(&body.to_string())).expect("the daemon answers")
}

fn try_order(client: &Client, key: &str, item: &str) -> Option<Answer> {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    client.send("POST", "/api/shop/orders", &headers, Some(&json!({"item": item}).to_string())).ok()
}

fn orders(client: &Client) -> u64 {
    client.get("/api/shop/orders").expect_status(200).data().as_u64().expect("a number")
}
