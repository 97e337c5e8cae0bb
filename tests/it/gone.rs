//! What is begun for a client comes to its end, also when the client has gone away.

use serde_json::{Value, json};
use std::time::Duration;
use tests::client::cloud_event;
use tests::door::Door;
use tests::leaving::Leaving;
use tests::{Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);
const MANIFEST: &str = "
schema: schema.json
topics:
  lodge.guest.came: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
consumes: [lodge.guest.came]
permissions: [records:own, events:publish, events:subscribe, \"net:127.0.0.1:PORT\"]
roles: [{name: lodge.user, billable: false, grants: [lodge.use]}]
";
const SCHEMA: &str = r#"{"collections": [
  {"name": "lodge_greeted", "fields": [{"name": "guest", "type": "string"}]},
  {"name": "lodge_rooms", "fields": [{"name": "name", "type": "string"}]}]}"#;
const CODE: &str = r#"
$app.onEvent("lodge.guest.came", function greet(e) { $app.dao().saveRecord("lodge_greeted", { guest: e.id }); });
$app.onRecord("before", "create", "lodge_rooms", () => { let sum = 0; for (let i = 0; i < 3000000; i++) sum += i % 7; });
$app.routerAdd("GET", "/api/lodge/wait", { timeout: "60s" }, async () => (await $http.fetch("http://127.0.0.1:PORT/door")).status);
$app.routerAdd("GET", "/api/lodge/greeted", () => $app.dao().countRecords("lodge_greeted", {}));
"#;
const ROOMS: &str = "/api/collections/lodge_rooms/records";

fn lodge(door: &Door) -> Daemon {
    let port = door.port().to_string();
    let suite = Suite::new().plugin("lodge", &MANIFEST.replace("PORT", &port), &CODE.replace("PORT", &port));
    Start::suite(suite.file("lodge/schema.json", SCHEMA)).arg("--allow-private-net").run()
}

/// The old code ends what it has begun before the new takes over, and the one who asked for it leaves in between.
#[test]
fn a_plugin_whose_limits_change_hears_its_events_though_nobody_waits_for_the_change() {
    let door = Door::shut();
    let daemon = lodge(&door);
    let (client, admin, limits) = (daemon.client(), daemon.admin(), "/api/_admin/plugins/lodge/limits");
    std::thread::scope(|scope| {
        scope.spawn(|| client.get("/api/lodge/wait"));
        wait_until(PATIENCE, || door.is_asked().then_some(()));
        let change = Leaving::send(&admin, "PATCH", limits, "", &json!({"events": 900}));
        let hears = || daemon.admin().get("/metrics").text.contains("subscription=\"lodge/greet\"");
        wait_until(PATIENCE, || (!hears()).then_some(()));
        change.leave();
        door.open();
    });
    client.publish(&cloud_event("late", "lodge.guest.came", &json!({}))).expect_status(202);
    wait_until(PATIENCE, || (client.get("/api/lodge/greeted").expect_status(200).data() == 1).then_some(()));
    let told = admin.get(limits).expect_status(200).body;
    let set = told["limits"].as_array().expect("a list").iter().find(|one| one["name"] == "events").expect("the limit");
    assert_eq!((&set["value"], &set["set"]), (&json!(900), &json!(true)), "{set}");
}

/// Whoever repeats it comes after the hook of the first, and not into it.
#[test]
fn a_record_under_a_key_is_made_once_though_who_asked_first_has_gone() {
    let daemon = lodge(&Door::shut());
    let client = daemon.client();
    let rooms = || client.get(ROOMS).expect_status(200).body["items"].as_array().map_or(0, Vec::len);
    for (made, key) in ["one", "two", "three"].into_iter().enumerate() {
        let room: Value = json!({"name": key});
        let first = Leaving::send(&client, "POST", ROOMS, &format!("idempotency-key: {key}\r\n"), &room);
        // It is under way, or on a quick machine through.
        wait_until(PATIENCE, || (daemon.metric("trunkline_http_bodies_bytes") > 0 || rooms() > made).then_some(()));
        first.leave();
        let again = || client.json("POST", ROOMS, &[("idempotency-key", key)], &room).expect_status(201);
        let (second, third) = (again(), again());
        assert_eq!((third.replayed, &third.body), (true, &second.body), "{key}");
    }
    assert_eq!(rooms(), 3);
}
