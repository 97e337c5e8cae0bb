//! Reservations: never more than there is, nothing lost, back when their time goes by; from plugins and over HTTP.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::example::example_of;
use tests::{Answer, Client, Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);
const HEAD: &str = "
schema: schema.json
roles: [{name: silo.user, billable: false, grants: [silo.use]}]
";
const SCHEMA: &str = r#"{"collections": [
  {"name": "silo_bins", "fields": [{"name": "left", "type": "integer"}, {"name": "floor", "type": "integer", "min": 2}, {"name": "name", "type": "string"}]},
  {"name": "silo_open", "fields": [{"name": "left", "type": "integer"}]},
  {"name": "silo_told", "fields": [{"name": "left", "type": "integer"}]}]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/silo/reserve", (e) => {
  const held = $app.reserve(e.body.resource, e.body.amount, e.body.options);
  if (e.body.fail) throw new AppError("NOT_SO", "changed its mind", { status: 422 });
  return { held, left: $app.dao().findRecordById("silo_open", e.body.resource.split("/")[1]).left };
});
$app.routerAdd("POST", "/api/silo/release", (e) => $app.release(e.body.id));
$app.routerAdd("POST", "/api/silo/confirm", (e) => $app.confirm(e.body));
$app.routerAdd("POST", "/api/silo/both", (e) => {
  const held = $app.reserve(e.body.resource, 2, { key: "both" });
  const again = $app.reserve(e.body.resource, 2, { key: "both" });
  $app.release(held);
  return [held.id === again.id, again.duplicate, $app.dao().findRecordById("silo_open", e.body.resource.split("/")[1]).left];
});
$app.routerAdd("POST", "/api/silo/many", (e) => {
  let made = 0;
  try {
    for (; made < e.body.many; made++) $app.reserve(e.body.resource, 1);
  } catch (error) {
    return { made, code: error.code, message: error.message, left: $app.dao().findRecordById("silo_open", e.body.resource.split("/")[1]).left };
  }
  return { made };
});
$app.routerAdd("POST", "/api/silo/wrong", (e) => $app.reserve(...e.body));
$app.onRecord("after", "update", "silo_open", (e) => { $app.dao().saveRecord("silo_told", { left: e.record.left }); });
"#;

fn silo() -> Daemon {
    Start::suite(Suite::new().plugin("silo", HEAD, CODE).file("silo/schema.json", SCHEMA)).run()
}

fn bin(client: &Client, of: &str, record: &Value) -> String {
    let made = client.post(&format!("/api/collections/{of}/records"), record).expect_status(201);
    made.body["id"].as_str().expect("an id").to_owned()
}

fn left(client: &Client, of: &str, id: &str) -> i64 {
    let record = client.get(&format!("/api/collections/{of}/records/{id}")).expect_status(200).body;
    record["left"].as_i64().expect("a number")
}

fn reserve(client: &Client, resource: &str, amount: i64, more: &Value) -> Answer {
    let mut body = json!({"resource": resource, "amount": amount});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    client.post("/api/_tx/reserve", &body)
}

fn end(client: &Client, how: &str, id: &Value) -> Answer {
    client.post(&format!("/api/_tx/{how}"), &json!({"id": id}))
}

#[test]
fn the_example_of_the_page_does_as_the_page_says() {
    let folder = example_of("reservations.md");
    let daemon = Start::dev(folder.path()).run();
    let client = daemon.client();
    let show = bin(&client, "box_shows", &json!({"title": "Hamlet", "seats": 3}));
    let seats = || client.get(&format!("/api/collections/box_shows/records/{show}")).body["seats"].clone();
    let cart = |seats: u64| client.post("/api/box/carts", &json!({"show": show, "seats": seats}));
    let first = cart(2).expect_status(200).data()["id"].clone();
    cart(2).expect_error(409, "NOT_ENOUGH");
    let second = cart(1).expect_status(200).data()["id"].clone();
    assert_eq!(seats(), 0);
    let path = |cart: &Value, what: &str| format!("/api/box/carts/{}/{what}", cart.as_str().expect("an id"));
    client.post(&path(&first, "pay"), &json!({})).expect_status(200);
    client.post(&path(&second, "drop"), &json!({})).expect_status(200);
    assert_eq!(seats(), 1);
}

#[test]
fn a_key_is_the_users_own_and_tells_nothing_of_anothers() {
    let daemon = silo();
    let user = |name: &str| {
        let body = json!({"roles": ["silo.user"], "ttl": "1h", "user": name});
        let made = daemon.admin().post("/api/_admin/tenants/demo/tokens", &body).expect_status(201).body;
        daemon.client().with_token(made["token"].as_str().expect("a token"))
    };
    let (al, bo) = (user("al"), user("bo"));
    let (one, other) = (bin(&al, "silo_open", &json!({"left": 10})), bin(&al, "silo_open", &json!({"left": 10})));
    let (resource, of_other) = (format!("silo_open/{one}/left"), format!("silo_open/{other}/left"));
    let key = json!({"key": "cart-1"});
    let held = reserve(&al, &resource, 3, &key).expect_status(201).body;
    let of_bo = reserve(&bo, &resource, 3, &key).expect_status(201).body;
    assert!(of_bo["duplicate"] == json!(false) && of_bo["id"] != held["id"], "{of_bo}");
    // Nor is anybody told what another has reserved under it.
    reserve(&al, &of_other, 3, &json!({"key": "cart-2"})).expect_status(201);
    reserve(&bo, &resource, 1, &json!({"key": "cart-2"})).expect_status(201);
    let again = reserve(&al, &resource, 3, &key).expect_status(201).body;
    assert_eq!((&again["id"], &again["duplicate"]), (&held["id"], &json!(true)));
    // A plugin's key is none of them.
    let by_plugin = json!({"resource": resource, "amount": 1, "options": key});
    let by_plugin = al.post("/api/silo/reserve", &by_plugin).expect_status(200).data()["held"].clone();
    assert!(by_plugin["duplicate"] == json!(false) && by_plugin["id"] != held["id"], "{by_plugin}");
    assert_eq!((left(&al, "silo_open", &one), left(&al, "silo_open", &other)), (2, 7));
    end(&bo, "confirm", &of_bo["id"]).expect_status(200);
    end(&al, "release", &held["id"]).expect_status(200);
    assert_eq!(left(&al, "silo_open", &one), 5);
}

#[test]
fn fifty_at_once_never_take_more_than_there_is_and_lose_nothing() {
    let daemon = silo();
    let client = daemon.client();
    let id = bin(&client, "silo_open", &json!({"left": 60}));
    let resource = format!("silo_open/{id}/left");
    // Half over HTTP, half by the plugin; each asks for 2, so 30 of them are served.
    let one = |n: usize| {
        let (client, resource) = (client.clone(), resource.clone());
        std::thread::spawn(move || {
            if n.is_multiple_of(2) {
                let answer = reserve(&client, &resource, 2, &json!({"key": format!("k{n}")}));
                (answer.status, answer.body["id"].clone())
            } else {
                let answer = client.post("/api/silo/reserve", &json!({"resource": resource, "amount": 2}));
                (answer.status, answer.data()["held"]["id"].clone())
            }
        })
    };
    let threads: Vec<_> = (0..50).map(one).collect();
    let answers: Vec<(u16, Value)> = threads.into_iter().map(|thread| thread.join().expect("it answers")).collect();
    let held: Vec<&Value> =
        answers.iter().filter(|(status, _)| matches!(status, 200 | 201)).map(|(_, id)| id).collect();
    let refused = answers.iter().filter(|(status, _)| *status == 409).count();
    assert_eq!((held.len(), refused, left(&client, "silo_open", &id)), (30, 20, 0));
    assert_eq!(held.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len(), 30);
    // All back, fifty threads again, two of them for each: what was held comes back once.
    let twice = held.iter().chain(&held).map(|id| {
        let (client, id) = (client.clone(), (*id).clone());
        std::thread::spawn(move || end(&client, "release", &id).expect_status(200))
    });
    twice.collect::<Vec<_>>().into_iter().for_each(|thread| drop(thread.join().expect("it answers")));
    assert_eq!(left(&client, "silo_open", &id), 60);
    let metrics = daemon.admin().get("/metrics").text;
    assert!(metrics.contains(r#"trunkline_reservations_total{plugin="silo",state="held"} 30"#), "{metrics}");
    assert!(metrics.contains(r#"trunkline_reservations_total{plugin="silo",state="released"} 30"#), "{metrics}");
}

#[test]
fn the_same_key_is_the_same_reservation() {
    let daemon = silo();
    let client = daemon.client();
    let id = bin(&client, "silo_open", &json!({"left": 10}));
    let resource = format!("silo_open/{id}/left");
    let key = json!({"key": "order-7"});
    let first = reserve(&client, &resource, 4, &key).expect_status(201).body;
    let again = reserve(&client, &resource, 4, &key).expect_status(201).body;
    assert_eq!((&again["id"], &again["duplicate"], &first["duplicate"]), (&first["id"], &json!(true), &json!(false)));
    reserve(&client, &resource, 5, &key).expect_error(409, "idempotency_conflict");
    // The plugin's keys are its own, over many units of work and within one.
    let asked = json!({"resource": resource, "amount": 4, "options": key});
    let by_plugin = client.post("/api/silo/reserve", &asked).expect_status(200).data().clone();
    assert_eq!((&by_plugin["held"]["duplicate"], &by_plugin["left"]), (&json!(false), &json!(2)));
    let again = client.post("/api/silo/reserve", &asked).expect_status(200).data().clone();
    assert_eq!((&again["held"]["id"], &again["left"]), (&by_plugin["held"]["id"], &json!(2)));
    let both = client.post("/api/silo/both", &json!({"resource": resource})).expect_status(200);
    assert_eq!(both.data(), &json!([true, true, 2]));
    assert_eq!(left(&client, "silo_open", &id), 2);
}

#[test]
fn a_reservation_ends_once() {
    let daemon = silo();
    let client = daemon.client();
    let id = bin(&client, "silo_open", &json!({"left": 10}));
    let resource = format!("silo_open/{id}/left");
    let kept = reserve(&client, &resource, 3, &json!({})).expect_status(201).body["id"].clone();
    let back = reserve(&client, &resource, 4, &json!({})).expect_status(201).body["id"].clone();
    assert_eq!(end(&client, "confirm", &kept).expect_status(200).body["state"], "confirmed");
    assert_eq!(
        client.post("/api/silo/confirm", &json!({"id": kept})).expect_status(200).data()["duplicate"],
        json!(true)
    );
    end(&client, "release", &kept).expect_error(409, "RESERVATION_ENDED");
    assert_eq!(client.post("/api/silo/release", &json!({"id": back})).expect_status(200).data()["state"], "released");
    end(&client, "confirm", &back).expect_error(409, "RESERVATION_ENDED");
    client.post("/api/silo/confirm", &json!({"id": back})).expect_error(409, "RESERVATION_ENDED");
    end(&client, "release", &json!("nothing")).expect_error(404, "NOT_FOUND");
    assert_eq!(left(&client, "silo_open", &id), 7);
}

#[test]
fn what_is_held_comes_back_when_its_time_goes_by_also_over_a_kill() {
    let mut daemon = silo();
    let client = daemon.client();
    let id = bin(&client, "silo_open", &json!({"left": 10}));
    let resource = format!("silo_open/{id}/left");
    let short = reserve(&client, &resource, 3, &json!({"ttl": "1500ms"})).expect_status(201).body["id"].clone();
    let sold = reserve(&client, &resource, 2, &json!({"ttl": "1500ms"})).expect_status(201).body["id"].clone();
    reserve(&client, &resource, 1, &json!({"ttl": "1h"})).expect_status(201);
    end(&client, "confirm", &sold).expect_status(200);
    let jobs: Value = serde_json::from_str(&daemon.command(&["jobs", "list", "--json"]).out).expect("JSON");
    assert!(
        jobs.as_array().is_some_and(|all| all.iter().filter(|job| job["kind"] == "reservation:end").count() == 3),
        "{jobs}"
    );
    // A unit of work that fails has reserved nothing.
    let fails = json!({"resource": resource, "amount": 1, "fail": true});
    client.post("/api/silo/reserve", &fails).expect_error(422, "NOT_SO");
    assert_eq!(left(&client, "silo_open", &id), 4);
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    let client = daemon.client();
    wait_until(PATIENCE, || (left(&client, "silo_open", &id) == 7).then_some(()));
    end(&client, "confirm", &short).expect_error(409, "RESERVATION_ENDED");
    assert_eq!(end(&client, "release", &short).expect_status(200).body["state"], "expired");
    assert_eq!(left(&client, "silo_open", &id), 7);
    // Each change of the field was told to the hook after it: three taken, one back.
    let told = || client.get("/api/collections/silo_told/records?count=true").body["items"].as_array().map(Vec::len);
    wait_until(PATIENCE, || told().filter(|count| *count == 4));
}

#[test]
fn what_cannot_be_reserved_is_refused_by_name() {
    let daemon = silo();
    let client = daemon.client();
    let id = bin(&client, "silo_bins", &json!({"left": 5, "floor": 6, "name": "a"}));
    let of = |field: &str| format!("silo_bins/{id}/{field}");
    assert_eq!(reserve(&client, &of("floor"), 5, &json!({})).status, 409, "2 must be left");
    reserve(&client, &of("floor"), 4, &json!({})).expect_status(201);
    reserve(&client, &of("name"), 1, &json!({})).expect_error(422, "BODY_INVALID");
    reserve(&client, "silo_bins/none/left", 1, &json!({})).expect_error(404, "RECORD_NOT_FOUND");
    reserve(&client, "none/none/left", 1, &json!({})).expect_error(404, "COLLECTION_UNKNOWN");
    reserve(&client, "_reservations/x/amount", 1, &json!({})).expect_error(404, "COLLECTION_UNKNOWN");
    reserve(&client, "nonsense", 1, &json!({})).expect_error(422, "BODY_INVALID");
    for wrong in [0, -1] {
        reserve(&client, &of("left"), wrong, &json!({})).expect_error(422, "BODY_INVALID");
    }
    reserve(&client, &of("left"), 1, &json!({"ttl": "400d"})).expect_error(422, "BODY_INVALID");
    reserve(&client, &of("left"), 1, &json!({"ttl": "1h", "for": "me"})).expect_error(422, "BODY_INVALID");
    let wrong = |args: Value, why: &str| {
        let answer = client.post("/api/silo/wrong", &args);
        assert!(answer.status >= 400 && answer.text.contains(why), "{args}: {}", answer.text);
    };
    wrong(json!(["silo_bins", 1]), "<collection>/<record id>/<integer field>");
    wrong(json!([of("left"), 1.5]), "argument 2, the amount, must be a whole number from 1");
    wrong(json!([of("left"), 1, {"until": 7}]), "no `until`");
    wrong(json!([of("left"), 1, {"ttl": "400d"}]), "RESERVATION_MS_MAX");
    wrong(json!([of("left"), 6]), "NOT_ENOUGH");
    wrong(json!(["ear_things/a/left", 1]), "PERMISSION_DENIED");
}

#[test]
fn whoever_may_not_change_a_record_may_not_reserve_of_it_and_tenants_do_not_meet() {
    let daemon = silo();
    let client = daemon.client();
    let id = bin(&client, "silo_open", &json!({"left": 5}));
    let resource = format!("silo_open/{id}/left");
    let held = reserve(&client, &resource, 2, &json!({"key": "k"})).expect_status(201).body["id"].clone();
    let admin = daemon.admin();
    let other = admin.post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201).body;
    let other = client.with_token(other["token"].as_str().expect("a token"));
    reserve(&other, &resource, 1, &json!({})).expect_error(404, "RECORD_NOT_FOUND");
    end(&other, "release", &held).expect_error(404, "NOT_FOUND");
    let nobody = json!({"roles": [], "ttl": "1h"});
    let nobody = admin.post("/api/_admin/tenants/demo/tokens", &nobody).expect_status(201).body;
    let nobody = client.with_token(nobody["token"].as_str().expect("a token"));
    reserve(&nobody, &resource, 1, &json!({})).expect_error(403, "FORBIDDEN");
    end(&nobody, "release", &held).expect_error(403, "FORBIDDEN");
    assert_eq!(left(&client, "silo_open", &id), 3);
}

#[test]
fn each_reservation_of_a_call_counts_as_an_event_and_what_is_refused_takes_nothing() {
    let daemon = silo();
    let client = daemon.client();
    let id = bin(&client, "silo_open", &json!({"left": 5_000}));
    let many = json!({"resource": format!("silo_open/{id}/left"), "many": 1_001});
    let told = client.post("/api/silo/many", &many).expect_status(200).data().clone();
    assert_eq!((&told["made"], &told["code"], &told["left"]), (&json!(1_000), &json!("OVERLOADED"), &json!(4_000)));
    let message = told["message"].as_str().expect("a message");
    assert!(message.contains("at most 1000 events, and each reservation counts as one"), "{message}");
    assert_eq!(left(&client, "silo_open", &id), 4_000, "what was reserved before stays, and nothing else is gone");
}
