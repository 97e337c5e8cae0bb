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
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
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
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
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

/// A field of a message of protobuf, read by what the wire says alone.
#[derive(Debug, Clone, PartialEq)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

/// The fields of a message, by number.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = bytes.split_first().expect("it goes on");
            *bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let length = match tag & 7 {
            0 => {
                fields.push((tag >> 3, Field::Number(varint(&mut bytes))));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).expect("a length"),
            5 => 4,
            other => panic!("there is no wire type {other}"),
        };
        let (value, rest) = bytes.split_at(length);
        bytes = rest;
        fields.push((tag >> 3, Field::Bytes(value.to_vec())));
    }
    fields
}

/// All values of a field, which are bytes.
fn all(message: &[u8], number: u64) -> Vec<Vec<u8>> {
    let bytes = |(found, field)| match field {
        Field::Bytes(bytes) if found == number => Some(bytes),
        _ => None,
    };
    fields(message).into_iter().filter_map(bytes).collect()
}

fn only(message: &[u8], number: u64) -> Vec<u8> {
    let all = all(message, number);
    assert_eq!(all.len(), 1, "field {number}: {all:?}");
    all[0].clone()
}

fn text(message: &[u8], number: u64) -> String {
    String::from_utf8(only(message, number)).expect("text")
}

/// Calls a verb of a suite that exports in protobuf, and gives the spans that came; the last export is that of its end.
fn spans_in_protobuf(collector: &Outside, start: Start) -> Vec<Vec<u8>> {
    let start = start.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret,x-tenant=books");
    let mut daemon = start.env("OTEL_SERVICE_NAME", "books").run();
    let parent = format!("00-{}-{}-01", CALLER.0, CALLER.1);
    daemon.client().json("POST", "/api/lodge/guests", &[("traceparent", &parent)], &json!({})).expect_status(500);
    wait_until(PATIENCE, || (daemon.metric("trunkline_trace_spans_exported_total") > 0).then_some(()));
    assert!(daemon.stop().expect("it stops").success());
    let mut spans = Vec::new();
    for seen in collector.seen() {
        assert_eq!((seen.line.as_str(), seen.header("content-type")), ("POST /v1/traces", "application/x-protobuf"));
        assert_eq!((seen.header("authorization"), seen.header("x-tenant")), ("Bearer secret", "books"));
        let of_resource = only(&seen.bytes, 1);
        let named = all(&only(&of_resource, 1), 1).into_iter().map(|one| (text(&one, 1), text(&only(&one, 2), 1)));
        assert!(named.collect::<Vec<_>>().contains(&("service.name".to_owned(), "books".to_owned())));
        let scoped = only(&of_resource, 2);
        assert_eq!(text(&only(&scoped, 1), 1), "trunkline");
        spans.extend(all(&scoped, 2));
    }
    spans
}

fn lodge() -> Start {
    let code = r#"$app.routerAdd("POST", "/api/lodge/guests", () => { throw new Error("no room"); });"#;
    let more = "roles: [{name: lodge.user, billable: false, grants: [lodge.use]}]";
    Start::suite(Suite::new().plugin("lodge", more, code))
}

#[test]
fn exports_are_protobuf_unless_something_else_is_said() {
    let collector = Outside::of(|_, _| answer("200 OK", "content-type: application/x-protobuf\r\n", ""));
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let spans = spans_in_protobuf(&collector, lodge().env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint));
    let named = |name: &str| {
        let span = spans.iter().find(|span| text(span, 5) == name);
        span.unwrap_or_else(|| {
            panic!("no {name} among {:?}", spans.iter().map(|span| text(span, 5)).collect::<Vec<_>>())
        })
    };
    let (verb, unit) = (named("POST /api/lodge/guests"), named("unit of work"));
    assert_eq!((hex::encode(only(verb, 1)), hex::encode(only(verb, 4))), (CALLER.0.to_owned(), CALLER.1.to_owned()));
    assert_eq!((only(unit, 1), only(unit, 4)), (only(verb, 1), only(verb, 2)));
    let kind = |span: &[u8]| fields(span).into_iter().find(|(number, _)| *number == 6).map(|(_, kind)| kind);
    assert_eq!((kind(verb), kind(unit)), (Some(Field::Number(2)), Some(Field::Number(1))));
    let time = |number| u64::from_le_bytes(only(verb, number).try_into().expect("eight bytes"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos();
    assert!(time(7) < time(8) && u128::from(time(8)) < now && time(7) > 1_700_000_000_000_000_000);
    assert_eq!(only(verb, 16), 1_u32.to_le_bytes());
    let ended: Vec<_> = all(unit, 9).iter().map(|one| (text(one, 1), text(&only(one, 2), 1))).collect();
    assert!(ended.contains(&("trunkline.end".to_owned(), "failed".to_owned())), "{ended:?}");
    let status = only(verb, 15);
    assert!(fields(&status).contains(&(3, Field::Number(2))), "{:?}", fields(&status));
    assert!(!text(&status, 2).is_empty());
}

/// A collector that takes an export but for one span of it, in both forms. Nothing is sent twice.
#[test]
fn spans_that_a_collector_rejects_are_counted_and_told() {
    let json = r#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"a name is too long"}}"#;
    let protobuf = "\x0a\x16\x08\x01\x12\x12a name is too long";
    for (protocol, content_type, body) in
        [("http/json", "application/json", json), ("http/protobuf", "application/x-protobuf", protobuf)]
    {
        let headers = format!("content-type: {content_type}\r\n");
        let collector = Outside::of(move |_, _| answer("200 OK", &headers, body));
        let endpoint = format!("http://127.0.0.1:{}", collector.port);
        let start = lodge().env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        let mut daemon = start.run();
        daemon.client().post("/api/lodge/guests", &json!({})).expect_status(500);
        wait_until(PATIENCE, || (daemon.metric("trunkline_trace_spans_rejected_total") > 0).then_some(()));
        daemon.client().post("/api/lodge/guests", &json!({})).expect_status(500);
        wait_until(PATIENCE, || (daemon.metric("trunkline_trace_spans_rejected_total") > 1).then_some(()));
        assert!(daemon.metric("trunkline_trace_spans_exported_total") > 0);
        assert_eq!(daemon.metric("trunkline_trace_spans_failed_total"), 0);
        let log = daemon.log();
        let told: Vec<&str> = log.lines().filter(|line| line.contains("a name is too long")).collect();
        assert!(told.len() == 1 && told[0].contains("WARN") && told[0].contains("rejected=1"), "{log}");
        assert!(daemon.stop().expect("it stops").success());
        let mut bodies: Vec<Vec<u8>> = collector.seen().into_iter().map(|seen| seen.bytes).collect();
        let sent = bodies.len();
        bodies.sort();
        bodies.dedup();
        assert_eq!(bodies.len(), sent, "an export was sent twice");
    }
}

#[test]
fn a_collector_behind_tls_is_asked_if_its_certificate_is_known() {
    let collector = Outside::secure(|_, _| answer("200 OK", "", ""));
    let endpoint = format!("https://localhost:{}", collector.port);
    let certificate = binary::workspace().join("tests/fixtures/tls/localhost.pem");
    let start = || lodge().env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    let spans = spans_in_protobuf(&collector, start().env("OTEL_EXPORTER_OTLP_CERTIFICATE", &certificate));
    assert!(spans.iter().any(|span| text(span, 5) == "POST /api/lodge/guests"), "{} spans", spans.len());
    // Whom nobody vouches for is told nothing.
    let before = collector.seen().len();
    let mut daemon = start().run();
    daemon.client().post("/api/lodge/guests", &json!({})).expect_status(500);
    wait_until(PATIENCE, || (daemon.metric("trunkline_trace_spans_failed_total") > 0).then_some(()));
    assert!(daemon.stop().expect("it stops").success());
    assert_eq!(collector.seen().len(), before);
}

#[test]
fn a_setting_that_cannot_be_followed_ends_the_start() {
    for (name, value, way_out) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector.test:4318", "http:// or https://"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf or http/json"),
    ] {
        let start = lodge().env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318").env(name, value);
        let Err(error) = start.try_run() else { panic!("it started with {name}={value}") };
        let told = format!("{error:#}");
        assert!(told.contains(&format!("{name}={value}: ")) && told.contains(way_out), "{told}");
    }
}
