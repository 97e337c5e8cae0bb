//! `/metrics`: what happened is what is counted, and the page of the book lists what is served.

use contract_model::limits;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};
use tests::{Client, Daemon, Start, Suite, binary};

const MANIFEST: &str = "
schema: schema.json
topics:
  meter.thing.made: {kind: event, version: 1.0.0, schema: thing.json, visibility: public, retry: {attempts: 2, backoff: 1ms, cap: 1ms}}
publishes: [meter.thing.made]
consumes: [meter.thing.made]
roles: [{name: meter.user, billable: false, grants: [meter.use]}]
";
const THING: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
  "required": ["good"], "properties": {"good": {"type": "boolean"}}}"#;
const SCHEMA: &str = r#"{"collections": [{"name": "meter_things", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/meter/things/{id}", (e) => $app.realtime().publish("meter.thing.made", { good: e.body.good }));
$app.routerAdd("GET", "/api/meter/broken", () => { throw new AppError("OUT_OF_THINGS", "none left", { status: 409 }); });
$app.onEvent("meter.thing.made", function count(e) {
  if (!e.payload.good) throw new Error("a bad thing");
  $app.dao().saveRecord("meter_things", { n: 1 });
});
"#;

/// Samples by name and labels, as they stand on the line.
type Samples = BTreeMap<String, f64>;

fn meter() -> (Daemon, Client) {
    let suite = Suite::new().plugin("meter", MANIFEST, CODE);
    let suite = suite.file("meter/thing.json", THING).file("meter/schema.json", SCHEMA);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    (daemon, client)
}

fn scrape(client: &Client) -> Samples {
    let page = client.with_token("").get("/metrics").expect_status(200);
    assert!(page.content_type.starts_with("text/plain; version=0.0.4"), "{}", page.content_type);
    assert!(page.text.ends_with('\n'), "{}", page.text);
    let lines = page.text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
    };
    lines.map(sample).collect()
}

fn value(samples: &Samples, name: &str) -> f64 {
    let family = name.split('{').next().unwrap_or(name);
    let alike = || samples.keys().filter(|other| other.starts_with(family)).collect::<Vec<_>>();
    samples.get(name).copied().unwrap_or_else(|| panic!("no series {name} among {:#?}", alike()))
}

#[track_caller]
fn check(samples: &Samples, name: &str, wanted: f64) {
    let got = value(samples, name);
    assert!((got - wanted).abs() < 1e-9, "{name} is {got}, not {wanted}");
}

#[test]
fn what_happened_is_counted() {
    let (daemon, client) = meter();
    for n in 0..5 {
        client.post(&format!("/api/meter/things/{n}"), &json!({"good": true})).expect_status(200);
        client.post("/api/collections/meter_things/records", &json!({"n": n})).expect_status(201);
        client.get(&format!("/api/made/up/{n}")).expect_status(404);
    }
    client.post("/api/meter/things/9", &json!({"good": false})).expect_status(200);
    client.get("/api/meter/broken").expect_error(409, "OUT_OF_THINGS");
    client.get(&format!("/api/events?{}", "x".repeat(9_000))).expect_error(414, "BODY_TOO_LARGE");
    let deadline = Instant::now() + Duration::from_secs(20);
    let dead = "trunkline_events_dead_total{plugin=\"meter\"}";
    let settled = "trunkline_unit_seconds_count{plugin=\"meter\",kind=\"event\",end=\"settled\"}";
    let is_over = |samples: &Samples| samples.get(dead) == Some(&1.0) && samples.get(settled) == Some(&5.0);
    let mut samples = scrape(&client);
    while !is_over(&samples) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        samples = scrape(&client);
    }
    for (name, wanted) in [
        (dead, 1.0),
        (settled, 5.0),
        ("trunkline_http_requests_total{route=\"/api/meter/things/{id}\",method=\"POST\",status=\"200\"}", 6.0),
        ("trunkline_http_requests_total{route=\"/api/meter/broken\",method=\"GET\",status=\"409\"}", 1.0),
        (
            "trunkline_http_requests_total{route=\"/api/collections/{name}/records\",method=\"POST\",status=\"201\"}",
            5.0,
        ),
        ("trunkline_http_requests_total{route=\"(none)\",method=\"GET\",status=\"404\"}", 5.0),
        ("trunkline_http_request_seconds_count{route=\"/api/meter/things/{id}\"}", 6.0),
        ("trunkline_refused_total{code=\"(plugin)\",limit=\"\"}", 1.0),
        ("trunkline_refused_total{code=\"NOT_FOUND\",limit=\"\"}", 5.0),
        ("trunkline_refused_total{code=\"BODY_TOO_LARGE\",limit=\"HTTP_URI_BYTES_MAX\"}", 1.0),
        ("trunkline_unit_seconds_count{plugin=\"meter\",kind=\"verb\",end=\"settled\"}", 6.0),
        ("trunkline_unit_seconds_count{plugin=\"meter\",kind=\"verb\",end=\"failed\"}", 1.0),
        ("trunkline_unit_seconds_count{plugin=\"meter\",kind=\"event\",end=\"failed\"}", 2.0),
        ("trunkline_events_published_total{plugin=\"meter\",topic=\"meter.thing.made\"}", 6.0),
        ("trunkline_events_handled_total{plugin=\"meter\",topic=\"meter.thing.made\"}", 5.0),
        ("trunkline_record_change_seconds_count", 5.0),
        ("trunkline_store_events", 6.0),
        ("trunkline_plugin_paused{plugin=\"meter\"}", 0.0),
        ("trunkline_plugin_queue{plugin=\"meter\"}", 0.0),
    ] {
        check(&samples, name, wanted);
    }
    assert!(value(&samples, "trunkline_workers{plugin=\"meter\"}") >= 1.0);
    assert!(value(&samples, "trunkline_store_flush_seconds_count") >= 5.0);
    assert!(value(&samples, "trunkline_store_batch_units_sum") >= 17.0);
    check(
        &samples,
        "trunkline_store_flush_seconds_bucket{le=\"+Inf\"}",
        value(&samples, "trunkline_store_flush_seconds_count"),
    );
    assert!(value(&samples, "trunkline_store_used_bytes") < value(&samples, "trunkline_store_high_water_bytes"));

    let before: BTreeSet<String> = scrape(&client).into_keys().collect();
    for n in 0..50 {
        client.get(&format!("/api/other/{n}?q={n}")).expect_status(404);
        client.get(&format!("/api/collections/ghosts{n}/records")).expect_status(404);
        client.delete(&format!("/x{n}")).expect_status(404);
    }
    let after: BTreeSet<String> = scrape(&client).into_keys().collect();
    let fresh: Vec<&String> = after.difference(&before).collect();
    assert!(fresh.len() < 25, "what clients make up must not become series: {fresh:#?}");
    assert!(!fresh.iter().any(|name| name.contains("ghosts") || name.contains("other/")), "{fresh:#?}");
    drop(daemon);
}

#[test]
fn the_page_of_the_book_lists_what_is_served() {
    let (_daemon, client) = meter();
    let page = client.get("/metrics").expect_status(200).text;
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let served: BTreeSet<String> = types.map(|(name, _)| name.to_owned()).collect();
    let path = binary::workspace().join("docs/src/operate/metrics.md");
    let book = std::fs::read_to_string(path).expect("the page");
    let named = book.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: BTreeSet<String> = named.map(str::to_owned).collect();
    assert_eq!(listed, served);
    // The alarms go by what is served, too.
    let samples: BTreeSet<&str> = page.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
    let rules: Vec<&str> = book.lines().filter(|line| line.trim_start().starts_with("- {alert:")).collect();
    let words =
        |line: &&str| line.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect::<Vec<_>>();
    for name in rules.iter().flat_map(words).filter(|word| word.starts_with("trunkline_")) {
        assert!(
            samples.contains(name.as_str()) || served.contains(&name),
            "an alarm goes by {name}, which is not served"
        );
    }
    assert!(rules.len() > 8, "{rules:?}");
    assert!(served.len() > 20, "{served:?}");
}

/// Everything in the daemon's sources, without its tests.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "tests" {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
            text +=
                std::fs::read_to_string(&path).expect("a source").split("#[cfg(test)]\nmod tests").next().unwrap_or("");
        }
    }
    text
}

#[test]
fn what_the_table_of_limits_names_is_served_and_refusals_name_their_limit() {
    let (_daemon, client) = meter();
    let page = client.get("/metrics").expect_status(200).text;
    let text = ["daemon", "contracts"].map(|folder| sources(&binary::workspace().join(folder))).concat();
    let mut counted = 0;
    for limit in limits::ALL.iter().filter(|limit| !limit.metric.is_empty()) {
        let (name, metric) = (limit.name, limit.metric);
        assert!(page.contains(&format!("# TYPE {metric} ")), "{name} names {metric}, which is not served");
        // A refusal is counted under the limit that its message names.
        let is_named =
            [format!("({name})"), format!("({name},"), format!("\"{name}\"")].iter().any(|one| text.contains(one));
        assert!(metric != limits::REFUSED || is_named, "no message names {name}");
        counted += 1;
    }
    assert!(counted > 45, "{counted} limits counted");
    // Each of these meets its limit, and is counted under it.
    client.get("/api/events?limit=5000").expect_error(400, "QUERY_INVALID");
    let deep = format!("{}n = 1{}", "(".repeat(40), ")".repeat(40));
    let records = "/api/collections/meter_things/records";
    client.get(&format!("{records}?filter={}", deep.replace(' ', "%20"))).expect_error(400, "FILTER_INVALID");
    client.json("POST", records, &[("idempotency-key", &"k".repeat(300))], &json!({"n": 1})).expect_status(400);
    let samples = scrape(&client);
    for (code, limit) in [
        ("QUERY_INVALID", "EVENTS_PAGE_MAX"),
        ("FILTER_INVALID", "FILTER_DEPTH_MAX"),
        ("QUERY_INVALID", "IDEMPOTENCY_KEY_BYTES_MAX"),
    ] {
        check(&samples, &format!("trunkline_refused_total{{code=\"{code}\",limit=\"{limit}\"}}"), 1.0);
    }
}

#[test]
fn each_format_calls_families_its_own_way() {
    let (_daemon, client) = meter();
    let plain = client.get("/metrics").expect_status(200).text;
    let families: BTreeSet<&str> =
        plain.lines().filter_map(|line| Some(line.strip_prefix("# TYPE ")?.split_once(' ')?.0)).collect();
    for sample in plain.lines().filter(|line| !line.starts_with('#')) {
        let name = sample.split(['{', ' ']).next().unwrap_or(sample);
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|ending| name.strip_suffix(ending));
        let is_told = families.contains(name) || of_histogram.is_some_and(|family| families.contains(family));
        assert!(is_told, "nothing says what {name} is");
    }
    let accept = [("accept", "application/openmetrics-text; version=1.0.0")];
    let page = client.send("GET", "/metrics", &accept, None).expect("an answer").expect_status(200);
    assert!(page.content_type.starts_with("application/openmetrics-text"), "{}", page.content_type);
    assert!(page.text.ends_with("# EOF\n") && page.text.contains("\n# TYPE trunkline_http_requests counter\n"));
}
