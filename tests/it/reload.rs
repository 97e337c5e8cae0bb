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
  {"name": "by", "type": "string"}]}]}"#;
const BELL: &str = "consumes: [shop.order.placed]\nschema: schema.json\nroles: [{name: bell.user, billable: false, grants: [bell.use]}]\n";
const BELL_SCHEMA: &str =
    r#"{"collections": [{"name": "bell_rung", "fields": [{"name": "event", "type": "string"}]}]}"#;
const BELL_CODE: &str = r#"
$app.onEvent("shop.order.placed", function ring(e) { $app.dao().saveRecord("bell_rung", { event: e.id }); });
$app.routerAdd("GET", "/api/bell/rung", { roles: ["bell.user"] }, () => $app.dao().countRecords("bell_rung", {}));
"#;
/// The promise is a second; a loaded machine is given more.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_saved_plugin_is_loaded_with_its_data_and_a_broken_one_is_not() {
    let daemon = shop();
    let client = daemon.client();
    assert_eq!(version(&client), json!("one"));
    save(&daemon, "shop/src/main.js", &code("two"));
    wait_until(|| (version(&client) == json!("two")).then_some(()));
    publish(&client, "e1");
    wait_until(|| (seen(&client).len() == 1).then_some(()));
    // What the checker refuses, what cannot be parsed, and what throws while it loads: the daemon goes on as it was.
    for broken in ["$app.realtime().publish(\"shop.order.lost\", {});", "const = ;", "throw new Error('not today');"] {
        let before = told(&daemon);
        save(&daemon, "shop/src/main.js", &format!("{}\n{broken}", code("broken")));
        wait_until(|| (told(&daemon) > before).then_some(()));
        assert_eq!(version(&client), json!("two"), "{broken}");
    }
    assert!(daemon.log().contains("not today"), "{}", daemon.log());
    save(&daemon, "shop/src/main.js", &code("three"));
    wait_until(|| (version(&client) == json!("three")).then_some(()));
    assert_eq!(seen(&client).len(), 1, "the data stayed");
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
        save(&daemon, "shop/src/main.js", &code(&name));
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
        save(&daemon, path, text);
    }
    let head = "manifest: 1\nslug: bell\nname: Bell\nversion: 1.0.0\nmin_core: 0.1.0\nentry: src/main.js\n";
    save(&daemon, "bell/plugin.yaml", &format!("{head}{BELL}"));
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
        save(&daemon, path, text);
    }
    save(&daemon, "bell/plugin.yaml", &format!("{head}{BELL}"));
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
    save(&daemon, "night/schema.json", &BELL_SCHEMA.replace("bell_rung", "night_ran"));
    save(
        &daemon,
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
    save(&daemon, "night/plugin.yaml", &format!("{head}{night}"));
    wait_until(|| (client.get("/api/night/ran").status == 200).then_some(()));
    let start = Instant::now();
    while !daemon.command(&["jobs", "list", "--state", "running"]).out.contains("night.tick") {
        assert!(start.elapsed() < Duration::from_secs(75), "no run within a minute");
    }
    save(&daemon, "shop/src/main.js", &code("two"));
    wait_until(|| (version(&client) == json!("two")).then_some(()));
    wait_until(|| (client.get("/api/night/ran").data() == &json!(1)).then_some(()));
}

fn code(version: &str) -> String {
    format!(
        r#"
$app.onEvent("shop.order.placed", function see(e) {{
  $app.dao().saveRecord("shop_seen", {{ event: e.id, by: "{version}" }});
}});
$app.routerAdd("GET", "/api/shop/version", () => "{version}");
$app.routerAdd("GET", "/api/shop/seen", () => $app.dao().findRecordsByFilter("shop_seen", {{}}));
$app.routerAdd("POST", "/api/shop/place", () => $app.realtime().publish("shop.order.placed", {{}}));
$app.routerAdd("GET", "/api/shop/slow", () => {{
  let sum = 0;
  for (let i = 0; i < 300000; i++) sum += i;
  return sum;
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

fn save(daemon: &Daemon, path: &str, text: &str) {
    let path = daemon.suite().join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("the suite's folder is writable");
    std::fs::write(path, text).expect("the suite's folder is writable");
}

/// How many changes were said not to be loaded.
fn told(daemon: &Daemon) -> usize {
    let log = daemon.log();
    log.matches("the change is not loaded").count() + log.matches("it stays as it was").count()
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
