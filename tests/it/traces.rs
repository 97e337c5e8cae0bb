//! Traces: what one call leads to is one trace, exported to the collector that the environment names.

use crate::trace::{document, posted, prepare};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tests::outside::{Outside, answer};
use tests::{Start, Suite, binary, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);
const CALLER: (&str, &str) = ("0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7");

/// What a collector has received, by id.
#[derive(Debug)]
struct Spans(BTreeMap<String, Value>);

impl Spans {
    fn of(collector: &Outside) -> Self {
        let mut spans = BTreeMap::new();
        for seen in collector.seen() {
            assert_eq!((seen.line.as_str(), seen.header("content-type")), ("POST /v1/traces", "application/json"));
            assert_eq!(seen.header("x-tenant"), "books of ours");
            let body: Value = serde_json::from_str(&seen.body).expect("JSON");
            let of_us = json!({ "key": "service.name", "value": { "stringValue": "books" } });
            assert_eq!(body["resourceSpans"][0]["resource"]["attributes"][0], of_us);
            for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans") {
                spans.insert(span["spanId"].as_str().expect("an id").to_owned(), span.clone());
            }
        }
        Self(spans)
    }

    /// The names from a span up to what begins its trace here, and the last one's parent.
    fn ways(&self, name: &str) -> Vec<(Vec<&str>, &str)> {
        self.0.values().filter(|span| span["name"] == name).map(|span| self.way(span)).collect()
    }

    fn way<'s>(&'s self, mut span: &'s Value) -> (Vec<&'s str>, &'s str) {
        let mut names = Vec::new();
        loop {
            names.push(span["name"].as_str().expect("a name"));
            let parent = span["parentSpanId"].as_str().unwrap_or_default();
            match self.0.get(parent) {
                Some(next) => span = next,
                None => return (names, parent),
            }
        }
    }
}

const DEN_MORE: &str = r#"
schema: schema.json
permissions: [records:own, "net:127.0.0.1:PORT"]
capabilities: {consumes: [{name: lib.rates, range: ^1}]}
roles: [{name: den.user, billable: false, grants: [den.use]}]
"#;
const DEN: &str = r#"
$app.onRecord("before", "create", "den_things", (e) => { e.record.n += 1; });
$app.onRecord("after", "create", "den_things", async function priced(e) {
  const rate = $app.capability("lib.rates").call("of", {});
  await $http.fetch("http://127.0.0.1:PORT/secret?token=1");
  $app.dao().saveRecord("den_prices", { n: e.record.n * rate });
});
"#;
const DEN_SCHEMA: &str = r#"{"collections": [{"name": "den_things", "fields": [{"name": "n", "type": "integer"}]},
  {"name": "den_prices", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const LIB_MORE: &str = "
capabilities: {provides: [{name: lib.rates, version: 1.0.0}]}
roles: [{name: lib.user, billable: false, grants: [lib.use]}]
";
const LIB: &str = r#"$app.provide("lib.rates", { of: () => 3 });"#;

fn collector() -> Outside {
    Outside::of(|_, _| answer("200 OK", "content-type: application/json\r\n", "{}"))
}

#[test]
fn what_an_approval_leads_to_is_one_trace() {
    let collector = collector();
    let daemon = Start::dev(&binary::ledger_example())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", collector.port))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=books%20of%20ours")
        .env("OTEL_SERVICE_NAME", "books")
        // Only what a caller traces.
        .env("OTEL_TRACES_SAMPLER", "parentbased_always_off");
    let mut daemon = daemon.run();
    let client = daemon.client();
    prepare(&client);
    let bill = json!({"entity": "TRACE", "billId": "B-1", "supplier": "LANDLORD", "date": "2026-03-02",
        "currency": "EUR", "lines": [{"account": "Expenses:Rent", "net": 1_000}],
        "payablesAccount": "Liabilities:Payables"});
    let entered = client.post("/api/ap/bills", &bill).expect_status(201);
    let path = format!("/api/ap/bills/{}/approve", entered.data()["id"].as_str().expect("an id"));
    let parent = format!("00-{}-{}-01", CALLER.0, CALLER.1);
    client.json("POST", &path, &[("traceparent", &parent)], &json!({})).expect_status(200);
    posted(&client, "/api/ap/bills/TRACE.B-1");
    // Another one, which nobody traces.
    document(&client, "ap", "bills", "approve", &json!({"billId": "B-2", "supplier": "L"}), "Expenses:Rent");
    posted(&client, "/api/ap/bills/TRACE.B-2");
    let told = client.get("/api/events?topic=gl.journal.posted").expect_status(200).body.to_string();
    assert!(told.contains(&format!("\"traceparent\":\"00-{}-", CALLER.0)), "{told}");
    wait_until(PATIENCE, || daemon.admin().get("/metrics").text.contains("spans_exported_total").then_some(()));
    assert!(daemon.stop().expect("it stops").success());

    let spans = Spans::of(&collector);
    assert!(spans.0.values().all(|span| span["traceId"] == CALLER.0), "{spans:#?}");
    assert!(spans.0.values().all(|span| span["startTimeUnixNano"].as_str() <= span["endTimeUnixNano"].as_str()));
    let verb = "POST /api/ap/bills/{id}/approve";
    let request = ["publish gl.journal.post.request", "unit of work", verb];
    let handled =
        [&["publish gl.journal.posted", "unit of work", "deliver gl.journal.post.request"], &request[..]].concat();
    assert_eq!(spans.ways(verb), [(vec![verb], CALLER.1)], "{spans:#?}");
    assert_eq!(spans.ways(request[0]), [(request.to_vec(), CALLER.1)], "{spans:#?}");
    assert_eq!(spans.ways(handled[0]), [(handled.clone(), CALLER.1)], "{spans:#?}");
    // The answer comes back to the one who asked.
    let stamped = spans.ways("deliver gl.journal.posted");
    let back = [&["deliver gl.journal.posted"], &handled[..]].concat();
    assert!(!stamped.is_empty() && stamped.iter().all(|way| *way == (back.clone(), CALLER.1)), "{spans:#?}");
    for (part, of) in [("run ap", verb), ("commit", verb), ("handle gl/", "deliver gl.journal.post.request")] {
        let ways = spans.0.values().filter(|span| span["name"].as_str().is_some_and(|name| name.starts_with(part)));
        let mut ways = ways.map(|span| spans.way(span).0);
        assert!(ways.any(|way| way[1] == "unit of work" && way[2] == of), "{part} under {of}: {spans:#?}");
    }
}

/// Over REST as by a verb: the hooks before and after it, what those call and whom they ask.
#[test]
fn what_a_change_of_a_record_leads_to_is_one_trace() {
    let (collector, outside) = (collector(), Outside::of(|_, _| answer("200 OK", "", "{}")));
    let here = |text: &str| text.replace("PORT", &outside.port.to_string());
    let suite = Suite::new().plugin("den", &here(DEN_MORE), &here(DEN)).file("den/schema.json", DEN_SCHEMA);
    let mut daemon = Start::suite(suite.plugin("lib", LIB_MORE, LIB))
        .arg("--allow-private-net")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", collector.port))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=books%20of%20ours")
        .env("OTEL_SERVICE_NAME", "books")
        .env("OTEL_TRACES_SAMPLER", "parentbased_always_off")
        .run();
    let client = daemon.client();
    let parent = format!("00-{}-{}-01", CALLER.0, CALLER.1);
    let things = "/api/collections/den_things/records";
    client.json("POST", things, &[("traceparent", &parent)], &json!({"n": 1})).expect_status(201);
    let price = || client.get("/api/collections/den_prices/records").expect_status(200).body["items"][0]["n"].clone();
    assert_eq!(wait_until(PATIENCE, || Some(price()).filter(Value::is_number)), 6);
    wait_until(PATIENCE, || daemon.admin().get("/metrics").text.contains("spans_exported_total").then_some(()));
    assert!(daemon.stop().expect("it stops").success());

    let spans = Spans::of(&collector);
    assert!(spans.0.values().all(|span| span["traceId"] == CALLER.0), "{spans:#?}");
    let change = "change den_things";
    assert_eq!(spans.ways(change), [(vec![change], CALLER.1)], "{spans:#?}");
    let named = |start: &str| {
        let found = spans.0.values().find(|span| span["name"].as_str().is_some_and(|name| name.starts_with(start)));
        let (names, parent) = spans.way(found.unwrap_or_else(|| panic!("no {start} in {spans:#?}")));
        assert_eq!((names.last(), parent), (Some(&change), CALLER.1), "{spans:#?}");
        names
    };
    assert_eq!(named("run den"), ["run den", "unit of work", change]);
    let told = named("deliver ");
    assert_eq!(told[2..], ["unit of work", change], "{told:?}");
    assert!(told[1].starts_with("publish "), "{told:?}");
    for asked in ["call lib.rates.of", "GET 127.0.0.1"] {
        assert_eq!(named(asked)[1..], told[..]);
    }
    assert!(!format!("{spans:?}").contains("secret"), "{spans:#?}");
}

#[test]
fn a_setting_that_cannot_be_followed_ends_the_start() {
    let start = Start::dev(&binary::ledger_example()).env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.test");
    let Err(error) = start.try_run() else { panic!("it started") };
    assert!(format!("{error:#}").contains("OTEL_EXPORTER_OTLP_ENDPOINT=https://collector.test"), "{error:#}");
}
