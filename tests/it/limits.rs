//! What one call of a plugin may use: set by an operator, met by name, counted, and shown.

use serde_json::{Value, json};
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
topics:
  big.thing.made: {kind: event, version: 1.0.0, schema: any.json}
publishes: [big.thing.made]
roles: [{name: big.user, billable: false, grants: [big.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "big_things", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const CODE: &str = r#"
const times = (e, work) => { for (let n = 0; n < e.body.n; n++) work(n); return e.body.n; };
$app.routerAdd("POST", "/api/big/events", (e) => times(e, (n) => $app.realtime().publish("big.thing.made", { n })));
$app.routerAdd("POST", "/api/big/records", { timeout: "60s" }, (e) => times(e, (n) => $app.dao().saveRecord("big_things", { n })));
$app.routerAdd("POST", "/api/big/reads", (e) => times(e, () => $app.dao().findRecordsByFilter("big_things", {})));
$app.routerAdd("POST", "/api/big/bytes", (e) => "x".repeat(e.body.n));
$app.routerAdd("POST", "/api/big/lines", (e) => times(e, (n) => $app.log(e.body.level ?? "info", `line ${n}`)));
$app.routerAdd("POST", "/api/big/memory", { timeout: "30s" }, (e) => {
  const all = [];
  for (let n = 0; n < e.body.n; n++) all.push(new Uint8Array(1000000));
  return all.length;
});
$app.routerAdd("POST", "/api/big/loop", { timeout: "30s" }, () => { for (;;); });
"#;

#[test]
fn what_calls_used_is_told_when_the_daemon_ends() {
    let (mut daemon, client) = big();
    client.post("/api/big/records", &json!({"n": 3})).expect_status(200);
    client.post("/api/big/records", &json!({"n": 2})).expect_status(200);
    assert!(!daemon.log().contains("/api/big/records"), "nothing is told while it runs: {}", daemon.log());
    assert!(daemon.stop().expect("it stops").success());
    let log = daemon.log();
    let lines: Vec<&str> = log.lines().collect();
    let at =
        lines.iter().position(|line| line.starts_with("What a call of each handler used at most")).expect("a table");
    let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(columns(lines[at + 2]).join(" "), "calls ms cpu ms memory read changed events out log lines");
    let row = columns(lines[at + 3]);
    assert_eq!(row[..4], ["big", "POST", "/api/big/records", "2"], "calls: {row:?}");
    // Memory and bytes out are a number and a unit.
    assert_eq!((row[8].as_str(), row[9].as_str(), row[10].as_str()), ("0", "3", "0"), "read, changed, events: {row:?}");
    assert_eq!(lines.len(), at + 4, "only what was called is told: {log}");
}

/// A body of two megabytes can be a quarter of a million objects, for which no worker has room: it is refused before it
/// reaches one. As many as are let through take nobody's worker away.
#[test]
fn a_body_of_many_small_values_ends_no_worker() {
    let (daemon, client) = big();
    client.post("/api/big/bytes", &json!({"n": 1})).expect_status(200);
    let before = workers(&daemon);
    let objects = |count: usize, key: fn(usize) -> String| -> Value {
        json!({"n": 1, "rest": (0..count).map(|at| json!({key(at): 0})).collect::<Vec<_>>()})
    };
    for key in [|_| "a".to_owned(), |at: usize| format!("k{at}")] as [fn(usize) -> String; 2] {
        for _ in 0..3 {
            client.post("/api/big/bytes", &objects(200_000, key)).expect_error(413, "BODY_TOO_LARGE");
            client.post("/api/big/bytes", &objects(58_000, key)).expect_status(200);
        }
    }
    let numbers = json!({"n": 1, "rest": vec![0; 1_000_000]});
    client.post("/api/big/bytes", &numbers).expect_status(200);
    let event = json!({"specversion": "1.0", "type": "big.thing.made", "source": "/t", "data": objects(200_000, |_| "a".to_owned())});
    client.post("/api/events", &event).expect_error(413, "BODY_TOO_LARGE");
    assert_eq!(workers(&daemon), before, "a worker had to be started again");
}

fn workers(daemon: &Daemon) -> Vec<u32> {
    tests::process::workers(daemon.pid(), "big").into_iter().collect()
}

/// Limit, value, call, how much it may still do, how much it may not, and what it is told then.
type Case = (&'static str, u64, &'static str, u64, u64, (u16, &'static str));

#[test]
fn each_limit_is_set_met_by_name_and_counted() {
    let (daemon, client) = big();
    for n in 0..3 {
        client.post("/api/big/records", &json!({"n": 1})).expect_status(200);
        assert_eq!(stored(&client), n + 1);
    }
    let cases: [Case; 6] = [
        ("events", 5, "events", 5, 6, (503, "OVERLOADED")),
        ("records", 4, "records", 4, 5, (503, "OVERLOADED")),
        ("records_read", 30, "reads", 2, 40, (503, "OVERLOADED")),
        ("bytes_out", 10_000, "bytes", 5_000, 10_001, (503, "OVERLOADED")),
        ("memory_bytes", 40_000_000, "memory", 1, 100, (503, "PLUGIN_MEMORY")),
        ("wall_ms", 700, "bytes", 1, 1, (200, "")),
    ];
    for (limit, value, call, fits, over, (status, code)) in cases {
        set(&daemon, limit, &json!(value));
        client.post(&format!("/api/big/{call}"), &json!({"n": fits})).expect_status(200);
        let before = stored(&client);
        let answer = client.post(&format!("/api/big/{call}"), &json!({"n": over}));
        assert_eq!((answer.status, answer.code()), (status, code), "{limit}: {}", answer.text);
        if code == "OVERLOADED" {
            let details = &answer.body["error"]["details"];
            assert_eq!(
                (&details["limit"], &details["file"]),
                (&json!(limit), &json!("src/main.js")),
                "{}",
                answer.text
            );
            let line = CODE.lines().position(|line| line.contains(&format!("/api/big/{call}\""))).expect("the route");
            assert_eq!(details["line"], line + 1, "{}", answer.text);
        }
        assert_eq!(stored(&client), before, "{limit}: nothing of the refused call is stored");
        if status != 200 {
            assert_eq!(met(&daemon, limit), 1, "{limit}");
            let line = format!("trunkline_plugin_limits_met_total{{plugin=\"big\",limit=\"{limit}\"}} 1");
            let metrics = daemon.admin().get("/metrics").text;
            assert!(metrics.contains(&line), "no {line} in {metrics}");
        }
        set(&daemon, limit, &Value::Null);
        // A fault of the worker is not its last word.
        client.post("/api/big/events", &json!({"n": 1})).expect_status(200);
    }
    // Upwards, too: what the default refuses is let through.
    for (limit, value, call, n) in [
        ("events", 1_200, "events", 1_100),
        ("records", 20_100, "records", 20_050),
        ("memory_bytes", 400_000_000, "memory", 200),
    ] {
        assert_eq!(client.post(&format!("/api/big/{call}"), &json!({"n": n})).status, 503, "{limit}");
        set(&daemon, limit, &json!(value));
        client.post(&format!("/api/big/{call}"), &json!({"n": n})).expect_status(200);
        set(&daemon, limit, &Value::Null);
    }
}

#[test]
fn time_is_limited_twice_by_the_clock_and_by_the_processor() {
    let (daemon, client) = big();
    for (limit, word) in
        [("wall_ms", "ran longer than its deadline of 600 ms"), ("cpu_ms", "computed longer than the 600 ms")]
    {
        set(&daemon, limit, &json!(600));
        let answer = client.post("/api/big/loop", &json!({}));
        answer.expect_error(504, "PLUGIN_DEADLINE");
        assert!(answer.text.contains(word), "{}", answer.text);
        assert_eq!(met(&daemon, limit), 1, "{limit}");
        set(&daemon, limit, &Value::Null);
    }
}

/// Lines over the limit are dropped, counted and told of; the call goes on.
#[test]
fn as_many_log_lines_are_kept_as_the_limit_says() {
    let (daemon, client) = big();
    let kept = || daemon.log().lines().filter(|line| line.contains("line ")).count();
    for (limit, lines, more) in [(Some(20), 20, 20), (Some(20), 30, 20), (Some(150), 150, 150), (None, 150, 100)] {
        set(&daemon, "log_lines", &json!(limit));
        let (before, met_before) = (kept(), met(&daemon, "log_lines"));
        client.post("/api/big/lines", &json!({"n": lines, "level": "warn"})).expect_status(200);
        tests::wait_until(std::time::Duration::from_secs(30), || (kept() >= before + more).then_some(()));
        assert_eq!(kept(), before + more, "{limit:?}");
        assert_eq!(met(&daemon, "log_lines") - met_before, u64::from(lines > more), "{limit:?}");
    }
    assert_eq!(daemon.metric("trunkline_plugin_limits_met_total{plugin=\"big\",limit=\"log_lines\"}"), 1);
}

/// Modules that log while they load are heard, also those that cannot be loaded.
#[test]
fn what_modules_log_while_they_load_is_in_the_daemons_log() {
    let code = r#"
console.warn("the module", "begins");
for (let n = 0; n < 200; n++) $app.log("warn", "step", { n });
$app.routerAdd("GET", "/api/talk/x", () => "x");
"#;
    let broken = "$app.log('error', 'before it fails'); nothing.there;";
    let daemon = Start::suite(Suite::new().plugin("talk", "", code).plugin("mute", "", broken)).run();
    let log = daemon.log();
    assert!(log.lines().any(|line| line.contains("the module begins") && line.contains("talk")), "{log}");
    assert_eq!(log.lines().filter(|line| line.contains("step")).count(), 99, "{log}");
    assert!(log.contains("more than 100 lines while they load"), "{log}");
    assert!(log.lines().any(|line| line.contains("before it fails") && line.contains("mute")), "{log}");
}

#[test]
fn what_calls_used_is_shown_and_metered_by_tenant() {
    let (daemon, client) = big();
    client.post("/api/big/lines", &json!({"n": 150})).expect_status(200);
    client.post("/api/big/events", &json!({"n": 7})).expect_status(200);
    client.post("/api/big/events", &json!({"n": 3})).expect_status(200);
    assert_eq!(met(&daemon, "log_lines"), 1, "lines over the limit are dropped and counted");
    let shown = daemon.admin().get("/api/_admin/plugins/big/limits").expect_status(200).body;
    let handler = |name: &str| {
        let all = shown["handlers"].as_array().into_iter().flatten();
        all.clone().find(|one| one["handler"] == name).cloned().unwrap_or_else(|| panic!("no {name} in {shown}"))
    };
    let events = handler("POST /api/big/events");
    assert_eq!((&events["calls"], &events["events"]), (&json!(2), &json!(7)), "{events}");
    assert_eq!(handler("POST /api/big/lines")["log_lines"], 150);
    let metrics = daemon.admin().get("/metrics").text;
    for line in [
        "trunkline_plugin_calls_total{plugin=\"big\",tenant=\"demo\"} 3",
        "trunkline_plugin_events_total{plugin=\"big\",tenant=\"demo\"} 10",
        "trunkline_plugin_log_lines_total{plugin=\"big\",tenant=\"demo\"} 150",
    ] {
        assert!(metrics.contains(line), "no {line} in {metrics}");
    }
    let told = daemon.command(&["plugin", "limits", "big", "events=2000"]);
    assert_eq!(told.exit, Some(0), "{}", told.err);
    assert!(told.out.contains("events") && told.out.contains("2000 events   operator"), "{}", told.out);
    let odd = daemon.command(&["plugin", "limits", "big", "events=20000"]);
    assert_ne!(odd.exit, Some(0));
    assert!(odd.err.contains("`events` is a number from 1 to 10000 events, not 20000"), "{}", odd.err);
}

/// The families that meter what a limit is about, each by plugin and tenant.
const METERS: [(&str, &str); 8] = [
    ("wall_ms", "trunkline_plugin_wall_seconds_total"),
    ("cpu_ms", "trunkline_plugin_cpu_seconds_total"),
    ("memory_bytes", "trunkline_plugin_heap_bytes"),
    ("events", "trunkline_plugin_events_total"),
    ("records", "trunkline_plugin_records_total"),
    ("records_read", "trunkline_plugin_records_read_total"),
    ("bytes_out", "trunkline_plugin_bytes_out_total"),
    ("log_lines", "trunkline_plugin_log_lines_total"),
];

#[test]
fn each_limit_has_a_default_that_is_printed_and_a_meter_for_each_tenant() {
    let (daemon, client) = big();
    let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201);
    let other = client.with_token(made.body["token"].as_str().expect("a token"));
    for (client, times) in [(&client, 3), (&other, 1)] {
        for call in ["events", "records", "reads", "bytes", "lines", "memory"] {
            client.post(&format!("/api/big/{call}"), &json!({"n": times})).expect_status(200);
        }
    }
    let shown = daemon.admin().get("/api/_admin/plugins/big/limits").expect_status(200).body;
    let names: Vec<&str> =
        shown["limits"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, METERS.map(|(name, _)| name), "each limit is in the table, and no other");
    let printed = daemon.command(&["plugin", "limits", "big"]).out;
    let metrics = daemon.admin().get("/metrics").text;
    for (one, (name, family)) in shown["limits"].as_array().into_iter().flatten().zip(METERS) {
        let value = one["default"].as_u64().expect("a default");
        let line = printed.lines().find(|line| line.split_whitespace().next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not printed: {printed}"));
        assert!(line.contains(&value.to_string()) && line.contains("default"), "{line}");
        let meter = |tenant: &str| -> f64 {
            let sample = format!("{family}{{plugin=\"big\",tenant=\"{tenant}\"}} ");
            let found = metrics.lines().find_map(|line| line.strip_prefix(&sample)?.parse().ok());
            found.unwrap_or_else(|| panic!("no {sample}in {metrics}"))
        };
        let (more, less) = (meter("demo"), meter("other"));
        assert!(less > 0.0, "{name}: {less}");
        // Times are not in proportion to the work, and the heap is the worker's.
        if !matches!(name, "wall_ms" | "cpu_ms" | "memory_bytes" | "records_read") {
            assert!(more > less, "{name}: {more} and {less}");
        }
    }
}

/// The suite says how much; an operator's word counts more, and a change of suite.yaml is in force when it is saved.
#[test]
fn a_suite_sets_limits_of_its_plugins() {
    let suite = Suite::new().plugin("big", MANIFEST, CODE).file("big/schema.json", SCHEMA);
    let yaml = |events: u64| format!("rules: {{TL202: off}}\nlimits:\n  big: {{events: {events}}}\n");
    let daemon = Start::suite(suite.settings(&yaml(5))).watching().run();
    let client = daemon.client();
    let fits = |n: u64| client.post("/api/big/events", &json!({"n": n})).status == 200;
    assert!(fits(5) && !fits(6));
    let shown = daemon.command(&["plugin", "limits", "big"]).out;
    assert!(shown.contains("5 events   suite"), "{shown}");
    set(&daemon, "events", &json!(7));
    assert!(fits(7) && !fits(8));
    assert_eq!(daemon.command(&["plugin", "limits", "big", "--unset", "events"]).exit, Some(0));
    assert!(fits(5) && !fits(6));
    let manifest = format!("name: probe\nplugins: [big]\n{}", yaml(9));
    std::fs::write(daemon.suite().join("suite.yaml"), manifest).expect("the suite's folder is writable");
    tests::wait_until(std::time::Duration::from_secs(30), || fits(9).then_some(()));
    assert!(!fits(10));
}

#[test]
fn limits_of_a_suite_that_cannot_be_are_refused_with_their_place() {
    for (limits, said) in [
        ("big: {evnets: 5}", "there is no limit `evnets`; there are wall_ms"),
        ("big: {events: 20000}", "`limits.big.events` is a number from 1 to 10000 events"),
        ("bigger: {events: 5}", "`limits` names the plugin `bigger`, which the suite does not have"),
    ] {
        let suite = Suite::new().plugin("big", MANIFEST, CODE).file("big/schema.json", SCHEMA);
        let suite = suite.settings(&format!("rules: {{TL202: off}}\nlimits:\n  {limits}\n"));
        let trunkline = tests::binary::trunkline();
        let ran = tests::daemon::run(std::process::Command::new(trunkline).arg("check").arg(suite.path()));
        assert_eq!(ran.exit, Some(1), "{limits}: {}", ran.out);
        assert!(ran.out.contains(said) && ran.out.contains("--> suite.yaml:5:"), "{limits}: {}", ran.out);
    }
}

fn big() -> (Daemon, Client) {
    let suite = Suite::new().plugin("big", MANIFEST, CODE).file("big/schema.json", SCHEMA);
    let daemon = Start::suite(suite.settings("rules: {TL202: off}\n")).run();
    let client = daemon.client();
    (daemon, client)
}

fn stored(client: &Client) -> usize {
    let page = client.get("/api/collections/big_things/records?limit=1000").expect_status(200).body;
    page["items"].as_array().map_or(0, Vec::len)
}

#[track_caller]
fn set(daemon: &Daemon, limit: &str, value: &Value) {
    let shown = daemon.admin().patch("/api/_admin/plugins/big/limits", &json!({limit: value})).expect_status(200).body;
    let wanted = value.as_u64();
    let one =
        shown["limits"].as_array().into_iter().flatten().find(|one| one["name"] == limit).cloned().unwrap_or_default();
    assert_eq!(one["value"].as_u64(), wanted.or(one["default"].as_u64()), "{one}");
}

#[track_caller]
fn met(daemon: &Daemon, limit: &str) -> u64 {
    let shown = daemon.admin().get("/api/_admin/plugins/big/limits").expect_status(200).body;
    let one = shown["limits"].as_array().into_iter().flatten().find(|one| one["name"] == limit).cloned();
    one.and_then(|one| one["met"].as_u64()).unwrap_or_else(|| panic!("no {limit} in {shown}"))
}
