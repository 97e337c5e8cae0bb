//! Files that are saved while `dev` runs: a changed plugin is loaded within a second, and nothing is lost.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, Suite};

const SHOP: &str = "
schema: schema.json
topics:
  shop.order.placed: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [shop.order.placed]
consumes: [shop.order.placed]
roles: [{name: shop.user, billable: false, grants: [shop.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "shop_seen", "fields": [{"name": "event", "type": "string"},
  {"name": "by", "type": "string"}, {"name": "attempt", "type": "integer"}]}]}"#;
const BELL: &str = "consumes: [shop.order.placed]\nschema: schema.json\nroles: [{name: bell.user, billable: false, grants: [bell.use]}]\n";
const BELL_SCHEMA: &str =
    r#"{"collections": [{"name": "bell_rung", "fields": [{"name": "event", "type": "string"}]}]}"#;
const BELL_CODE: &str = r#"
$app.onEvent("shop.order.placed", function ring(e) { $app.dao().saveRecord("bell_rung", { event: e.id }); });
$app.routerAdd("GET", "/api/bell/rung", { roles: ["bell.user"] }, () => $app.dao().countRecords("bell_rung", {}));
"#;
/// A test is no place to hold a machine to a time: what the promised second is on a quiet one stands in the book.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_saved_plugin_is_loaded_with_its_data_and_a_broken_one_is_not() {
    let daemon = shop();
    let client = daemon.client();
    assert_eq!(version(&client), json!("one"));
    daemon.save("shop/src/main.js", &code("two"));
    wait_until(|| (version(&client) == json!("two")).then_some(()));
    publish(&client, "e1");
    wait_until(|| (seen(&client).len() == 1).then_some(()));
    // What the checker refuses, what cannot be parsed, and what throws while it loads: the daemon goes on as it was.
    for broken in ["$app.realtime().publish(\"shop.order.lost\", {});", "const = ;", "throw new Error('not today');"] {
        let before = told(&daemon);
        daemon.save("shop/src/main.js", &format!("{}\n{broken}", code("broken")));
        wait_until(|| (told(&daemon) > before).then_some(()));
        assert_eq!(version(&client), json!("two"), "{broken}");
    }
    assert!(daemon.log().contains("error: `shop` cannot be started"), "who is taken back is named: {}", daemon.log());
    let log = daemon.log();
    let at =
        log.find("error: `shop` cannot be started and stays as it was: PLUGIN_ERROR: Error: not today at src/main.js:");
    let stack: Vec<&str> = log[at.expect("why, and what becomes of it")..].lines().collect();
    assert!(stack[1].trim_start().starts_with("at <main> (src/main.js:"), "{stack:?}");
    assert!(
        stack.get(2).is_none_or(|line| !line.trim_start().starts_with("at ")),
        "a frame without a place: {stack:?}"
    );
    // Whoever takes back what they saved is told that there is nothing left to mend, and that once.
    daemon.save("shop/src/main.js", &code("two"));
    wait_until(|| daemon.log().contains("the suite is as it runs again").then_some(()));
    daemon.save("shop/src/main.js", &format!("{}// More.\n", code("two")));
    wait_until(|| daemon.log().contains("`shop` is reloaded").then_some(()));
    assert_eq!(daemon.log().matches("as it runs again").count(), 1, "{}", daemon.log());
    daemon.save("shop/src/main.js", &code("three"));
    wait_until(|| (version(&client) == json!("three")).then_some(()));
    assert_eq!(seen(&client).len(), 1, "the data stayed");
}

/// What of two that are saved together cannot be started stays as it was, and the other one is as it is now.
#[test]
fn a_plugin_that_cannot_be_started_is_taken_back_alone() {
    let bell = |rings: &str| BELL_CODE.replace("$app.dao().countRecords(\"bell_rung\", {})", &format!("\"{rings}\""));
    let suite = Suite::new().plugin("shop", SHOP, &code("one")).file("shop/schema.json", SCHEMA);
    let suite = suite.plugin("bell", BELL, &bell("ding")).file("bell/schema.json", BELL_SCHEMA);
    let daemon = Start::suite(suite).watching().run();
    let client = daemon.client();
    let rings = || client.get("/api/bell/rung").expect_status(200).data().clone();
    assert_eq!(rings(), "ding");
    daemon.save("shop/src/main.js", &format!("{}\nthrow new Error('not today');", code("two")));
    daemon.save("bell/src/main.js", &bell("dong"));
    wait_until(|| (rings() == "dong" && told(&daemon) > 0).then_some(()));
    assert_eq!(version(&client), json!("one"));
    let states = daemon.admin().get("/api/_admin/plugins").expect_status(200).body;
    assert!(states.as_array().into_iter().flatten().all(|one| one["state"] == "active"), "{states}");
    let log = daemon.log();
    let named = log.lines().find(|line| line.starts_with("error: `shop` cannot be started")).expect("it is named");
    assert!(named.contains("not today at src/main.js:"), "{named}");
    assert!(!log.contains("`shop` is reloaded") && log.contains("`bell` is reloaded"), "{log}");
    // What comes now finds it at work.
    publish(&client, "e1");
    wait_until(|| (seen(&client).len() == 1).then_some(()));
}

/// A call and an event that are under way when a file is saved end as they began, with the code of before, while the new
/// code serves already; and who saved is told how long it took from the save on.
#[test]
fn what_is_under_way_while_a_plugin_is_replaced_ends_as_it_began() {
    let daemon = shop();
    let client = daemon.client();
    let turns = turns_of_a_while(&client);
    let caller = {
        let client = daemon.client();
        std::thread::spawn(move || (client.get(&format!("/api/shop/slow?turns={turns}")), Instant::now()))
    };
    let event = cloud_event("under-way", "shop.order.placed", &json!({"turns": turns}));
    client.publish(&event).expect_status(202);
    let in_hand = "trunkline_subscription{subscription=\"shop/see\",state=\"in-flight\"}";
    wait_until(|| (daemon.metric(in_hand) == 1).then_some(()));
    let saved = Instant::now();
    daemon.save("shop/src/main.js", &code("two"));
    wait_until(|| (version(&client) == json!("two")).then_some(()));
    let (slow, ended) = caller.join().expect("the call");
    assert_eq!(slow.expect_status(200).data(), "one", "it ends with the code that it began with");
    assert!(ended > saved, "it was not under way when the file was saved");
    let took = wait_until(|| reloaded_in(&daemon.log()));
    assert!(took <= saved.elapsed(), "{took:?} is longer than ago");
    wait_until(|| (seen(&client).len() == 1).then_some(()));
    assert_eq!((&seen(&client)[0]["by"], &seen(&client)[0]["attempt"]), (&json!("one"), &json!(1)));
    publish(&client, "after");
    wait_until(|| (seen(&client).len() == 2).then_some(()));
    assert_eq!(seen(&client).iter().filter(|one| one["by"] == "two").count(), 1);
}

/// How many turns of its loop a call takes a second or more for.
fn turns_of_a_while(client: &Client) -> u64 {
    let mut turns = 100_000;
    loop {
        let begun = Instant::now();
        client.get(&format!("/api/shop/slow?turns={turns}")).expect_status(200);
        if begun.elapsed() > Duration::from_secs(1) {
            return turns;
        }
        turns *= 2;
    }
}

/// What the daemon says of how long the plugin's reload took, from the save on.
fn reloaded_in(log: &str) -> Option<Duration> {
    let told = log.lines().find_map(|line| line.strip_prefix("`shop` is reloaded, "))?;
    let ms = told.strip_suffix(" ms after it was saved").expect("what the daemon says has a form");
    Some(Duration::from_millis(ms.parse().expect("a number")))
}

#[test]
fn nothing_in_flight_is_lost_while_a_plugin_is_replaced_again_and_again() {
    let daemon = shop();
    let client = daemon.client();
    let rounds = 3;
    for round in 0..rounds {
        let slow = {
            let client = daemon.client();
            std::thread::spawn(move || client.get("/api/shop/slow"))
        };
        (0..40).for_each(|at| publish(&client, &format!("r{round}-{at}")));
        let name = format!("v{round}");
        daemon.save("shop/src/main.js", &code(&name));
        (40..80).for_each(|at| publish(&client, &format!("r{round}-{at}")));
        wait_until(|| (version(&client) == json!(name)).then_some(()));
        slow.join().expect("the call").expect_status(200);
    }
    let all = rounds * 80;
    wait_until(|| (seen(&client).len() == all).then_some(()));
    let mut events: Vec<String> =
        seen(&client).iter().map(|one| one["event"].as_str().expect("an id").to_owned()).collect();
    events.sort();
    events.dedup();
    assert_eq!(events.len(), all, "each was handled once");
}

#[test]
fn plugins_come_and_go_while_the_daemon_runs() {
    let daemon = shop();
    let client = daemon.client();
    client.get("/api/bell/rung").expect_status(404);
    for (path, text) in [("bell/schema.json", BELL_SCHEMA), ("bell/src/main.js", BELL_CODE)] {
        daemon.save(path, text);
    }
    let head = "manifest: 1\nslug: bell\nname: Bell\nversion: 1.0.0\nmin_core: 0.1.0\nentry: src/main.js\n";
    daemon.save("bell/plugin.yaml", &format!("{head}{BELL}"));
    // The demo token holds the new role as well.
    wait_until(|| (client.get("/api/bell/rung").status == 200).then_some(()));
    publish(&client, "e1");
    let rung = |count: u64| wait_until(|| (client.get("/api/bell/rung").data() == &json!(count)).then_some(()));
    rung(1);
    std::fs::remove_dir_all(daemon.suite().join("bell")).expect("the folder goes");
    wait_until(|| (client.get("/api/bell/rung").status == 404).then_some(()));
    publish(&client, "e2");
    wait_until(|| (seen(&client).len() == 2).then_some(()));
    for (path, text) in [("bell/schema.json", BELL_SCHEMA), ("bell/src/main.js", BELL_CODE)] {
        daemon.save(path, text);
    }
    daemon.save("bell/plugin.yaml", &format!("{head}{BELL}"));
    wait_until(|| (client.get("/api/bell/rung").status == 200).then_some(()));
    // What was published while it was away is heard now.
    rung(2);
}

#[test]
fn a_run_of_a_schedule_that_is_on_its_way_is_not_taken_for_missed() {
    let daemon = shop();
    let client = daemon.client();
    let night = "permissions: [records:own, jobs]\nschema: schema.json\nroles: [{name: night.user, billable: false, grants: [night.use]}]\n";
    let head = "manifest: 1\nslug: night\nname: Night\nversion: 1.0.0\nmin_core: 0.1.0\nentry: src/main.js\n";
    daemon.save("night/schema.json", &BELL_SCHEMA.replace("bell_rung", "night_ran"));
    daemon.save(
        "night/src/main.js",
        r#"
$jobs.cron("tick", "* * * * *", { catchUp: "none", attempts: 1 }, (job) => {
  let sum = 0;
  for (let i = 0; i < 1500000; i++) sum += i;
  $app.dao().saveRecord("night_ran", { event: job.id });
});
$app.routerAdd("GET", "/api/night/ran", () => $app.dao().countRecords("night_ran", {}));
"#,
    );
    daemon.save("night/plugin.yaml", &format!("{head}{night}"));
    wait_until(|| (client.get("/api/night/ran").status == 200).then_some(()));
    let start = Instant::now();
    while !daemon.command(&["jobs", "list", "--state", "running"]).out.contains("night.tick") {
        assert!(start.elapsed() < Duration::from_secs(75), "no run within a minute");
    }
    daemon.save("shop/src/main.js", &code("two"));
    wait_until(|| (version(&client) == json!("two")).then_some(()));
    wait_until(|| (client.get("/api/night/ran").data() == &json!(1)).then_some(()));
}

const TILL: &str = "
schema: schema.json
roles: [{name: till.clerk, billable: false, grants: [till.sell]}]
";
const SALES: &str = r#"{"collections": [{"name": "till_sales", "fields": [{"name": "sum", "type": "integer"},
  {"name": "memo", "type": "string"}]}]}"#;
const TILL_CODE: &str = r#"
$app.routerAdd("POST", "/api/till/sales", { roles: ["till.clerk"] }, () => $app.dao().saveRecord("till_sales", { sum: 1 }));
$app.routerAdd("POST", "/api/till/set/{id}", (e) => $app.dao().saveRecord("till_sales", { id: e.params.id, sum: 3 }));
$app.routerAdd("POST", "/api/till/read/{id}", (e) => {
  const sale = $app.dao().findRecordById("till_sales", e.params.id);
  sale.sum = 4;
  return $app.dao().saveRecord("till_sales", sale);
});
$app.routerAdd("POST", "/api/till/add/{id}", (e) => $app.dao().addToRecords("till_sales", [{ id: e.params.id, sum: 1 }], ["sum"]));
"#;

fn till() -> Daemon {
    let suite = Suite::new().plugin("till", TILL, TILL_CODE).file("till/schema.json", SALES);
    Start::suite(suite).watching().run()
}

/// Collections and roles are those of the code that runs, until other code runs.
#[test]
fn what_is_refused_leaves_neither_its_collections_nor_its_roles() {
    let daemon = till();
    let client = daemon.client();
    let read = |path: &str| std::fs::read_to_string(daemon.suite().join(path)).expect("a file of the suite");
    let (manifest, sell) = (read("till/plugin.yaml"), || client.post("/api/till/sales", &json!({})));
    sell().expect_status(200);
    let boss = |text: &str| text.replace("till.clerk", "till.boss").replace("{ sum: 1 }", "{ total: 1 }");
    let totals = SALES.replace(r#""sum", "type": "integer""#, r#""total", "type": "integer", "required": true"#);
    // It throws from the first save to the last one, which says that all of them have been read.
    daemon.save("till/src/main.js", &format!("{}\nthrow new Error('begun');", boss(TILL_CODE)));
    daemon.save("till/schema.json", &totals);
    daemon.save("till/plugin.yaml", &boss(&manifest));
    daemon.save("till/src/main.js", &format!("{}\nthrow new Error('not yet');", boss(TILL_CODE)));
    let refused = "`till` cannot be started and stays as it was: PLUGIN_ERROR: Error: not yet";
    wait_until(|| daemon.log().contains(refused).then_some(()));
    sell().expect_status(200);
    client.post("/api/collections/till_sales/records", &json!({"sum": 2})).expect_status(201);
    let token = json!({"roles": ["till.clerk"], "ttl": "1h"});
    daemon.admin().post("/api/_admin/tenants/demo/tokens", &token).expect_status(201);
    // The same files without the fault.
    daemon.save("till/src/main.js", &boss(TILL_CODE));
    wait_until(|| daemon.log().contains("`till` is reloaded").then_some(()));
    assert_eq!(sell().expect_status(200).data()["total"], 1);
    client.post("/api/collections/till_sales/records", &json!({"sum": 2})).expect_error(422, "RECORD_INVALID");
    daemon.admin().post("/api/_admin/tenants/demo/tokens", &token).expect_status(422);
}

/// Records are older than the schema: what they have of a field that is gone is in nobody's way, and goes with the next
/// save, whoever saves. Who gives such a field is told.
#[test]
fn a_field_that_is_declared_no_more_goes_with_the_next_save() {
    let daemon = till();
    let client = daemon.client();
    let sales = "/api/collections/till_sales/records";
    let ids: Vec<String> = (0..6)
        .map(|_| client.post(sales, &json!({"sum": 1, "memo": "a"})).expect_status(201).body["id"].clone())
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect();
    daemon.save("till/schema.json", &SALES.replace(",\n  {\"name\": \"memo\", \"type\": \"string\"}", ""));
    wait_until(|| daemon.log().contains("`till` is reloaded").then_some(()));
    let place = |id: &str| format!("{sales}/{id}");
    let refused = client.patch(&place(&ids[0]), &json!({"sum": 2, "memo": "b"})).expect_status(422);
    assert!(refused.code() == "RECORD_INVALID" && refused.text.contains("`memo`"), "{}", refused.text);
    client.patch(&place(&ids[0]), &json!({"sum": 2})).expect_status(200);
    let mut read = client.get(&place(&ids[1])).expect_status(200).body;
    assert_eq!(read["memo"], "a", "nobody has saved it yet");
    read["sum"] = json!(2);
    client.patch(&place(&ids[1]), &read).expect_status(200);
    for (verb, id) in ["set", "read", "add"].iter().zip(&ids[2..5]) {
        client.post(&format!("/api/till/{verb}/{id}"), &json!({})).expect_status(200);
    }
    let taken = json!({"resource": format!("till_sales/{}/sum", ids[5]), "amount": 1, "ttl": "1h", "key": "k"});
    let taken = client.post("/api/_tx/reserve", &taken).expect_status(201).body;
    client.post("/api/_tx/release", &json!({"id": taken["id"]})).expect_status(200);
    for (id, sum) in ids.iter().zip([2, 2, 3, 4, 2, 1]) {
        let now = client.get(&place(id)).expect_status(200).body;
        assert_eq!((&now["sum"], now.get("memo")), (&json!(sum), None), "{now}");
    }
}

fn code(version: &str) -> String {
    format!(
        r#"
const spin = (turns) => {{ let sum = 0; for (let i = 0; i < turns; i++) sum += i; return sum; }};
$app.onEvent("shop.order.placed", {{ deadline: "60s" }}, function see(e) {{
  spin(e.payload.turns ?? 0);
  $app.dao().saveRecord("shop_seen", {{ event: e.id, by: "{version}", attempt: e.attempt }});
}});
$app.routerAdd("GET", "/api/shop/version", () => "{version}");
$app.routerAdd("GET", "/api/shop/seen", () => $app.dao().findRecordsByFilter("shop_seen", {{}}));
$app.routerAdd("POST", "/api/shop/place", () => $app.realtime().publish("shop.order.placed", {{}}));
$app.routerAdd("GET", "/api/shop/slow", {{ timeout: "60s" }}, (e) => {{
  spin(Number(e.query.turns ?? 300000));
  return "{version}";
}});
"#
    )
}

/// Without a suite.yaml, every folder with a plugin.yaml is a plugin.
fn shop() -> Daemon {
    let suite = Suite::new().plugin("shop", SHOP, &code("one")).file("shop/schema.json", SCHEMA);
    std::fs::remove_file(suite.path().join("suite.yaml")).expect("the suite's folder is writable");
    Start::suite(suite).watching().run()
}

/// How many changes were said not to be loaded.
fn told(daemon: &Daemon) -> usize {
    let log = daemon.log();
    log.matches("the change is not loaded").count() + log.matches(" and stays as it was: ").count()
}

fn version(client: &Client) -> Value {
    client.get("/api/shop/version").expect_status(200).data().clone()
}

fn publish(client: &Client, id: &str) {
    client.publish(&cloud_event(id, "shop.order.placed", &json!({}))).expect_status(202);
}

fn seen(client: &Client) -> Vec<Value> {
    client.get("/api/shop/seen").expect_status(200).data().as_array().cloned().unwrap_or_default()
}

fn wait_until<T>(look: impl Fn() -> Option<T>) -> T {
    tests::wait_until(SOON, look)
}
