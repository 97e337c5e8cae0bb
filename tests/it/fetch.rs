//! `$http.fetch`: to whom it goes, how often it is asked, and what its answers are.

use serde_json::{Value, json};
use std::time::Duration;
use tests::example::example_of;
use tests::outside::{Outside, PAUSE, answer};
use tests::{Client, Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);
const CODE: &str = r#"
const base = "http://127.0.0.1:PORT";
const told = (error) => ({ code: error.code, message: error.message, status: error.status });
$app.routerAdd("POST", "/api/out/fetch", { timeout: "40s" }, async (e) => {
  try {
    const answer = await $http.fetch(e.body.url ?? base + e.body.path, e.body.options);
    return { status: answer.status, ok: answer.ok, headers: answer.headers, text: e.body.raw ? answer.body : answer.text() };
  } catch (error) { return told(error); }
});
$app.routerAdd("POST", "/api/out/thrown", async (e) => $http.fetch(e.body.url));
$app.routerAdd("POST", "/api/out/count", { timeout: "40s" }, async (e) => {
  const { n } = (await $http.fetch(`${base}/n`, { method: "POST", body: { by: e.body.by } })).json();
  const found = $app.dao().findFirstRecordByFilter("out_sums", { name: "all" });
  return $app.dao().saveRecord("out_sums", { id: found?.id, name: "all", n: (found?.n ?? 0) + n });
});
$app.routerAdd("POST", "/api/out/late", async (e) => {
  $app.dao().saveRecord("out_sums", { name: "x", n: 1 });
  return $http.fetch(base + "/late");
});
$app.routerAdd("POST", "/api/out/settled", async (e) => {
  const all = await Promise.allSettled(e.body.map((asked) => $http.fetch(asked.path ? base + asked.path : asked.url, asked.options)));
  return all.map((one) => one.value?.status ?? one.reason.code ?? one.reason.name);
});
$app.routerAdd("POST", "/api/out/unseen", (e) => { $http.fetch(e.body.url); return "fine"; });
$app.routerAdd("POST", "/api/out/many", { timeout: "40s" }, async (e) => {
  const codes = [];
  for (let n = 0; n < e.body.times; n += 1) {
    codes.push(await $http.fetch(base + e.body.path, { attempts: 1 }).then((it) => it.status, (error) => error.code));
  }
  return codes;
});
$app.routerAdd("POST", "/api/out/tell", () => $app.realtime().publish("out.thing.made", {}));
$app.onEvent("out.thing.made", async function tell(e) {
  await $http.fetch(`${base}/told`, { method: "PUT", body: "made" });
  if (e.attempt < 3) throw new Error("not yet");
  $app.dao().saveRecord("out_sums", { name: "told", n: e.attempt });
});
$app.onRecord("before", "create", "out_sums", (e) => { if (e.record.n === 13) $http.fetch(base + "/hook"); });
"#;
const MORE: &str = r#"
schema: schema.json
topics:
  out.thing.made: {kind: event, version: 1.0.0, visibility: public, retry: {attempts: 5, backoff: 10ms}}
publishes: [out.thing.made]
consumes: [out.thing.made]
permissions: [records:own, events:publish, events:subscribe, "net:127.0.0.1:PORT", "net:localhost:PORT"]
roles: [{name: out.user, billable: false, grants: [out.use]}]
"#;
const SUMS: &str = r#"{"collections": [{"name": "out_sums", "fields": [{"name": "name", "type": "string"}, {"name": "n", "type": "integer"}]}]}"#;

fn start(outside: &Outside) -> Start {
    let port = outside.port.to_string();
    let suite = Suite::new().plugin("out", &MORE.replace("PORT", &port), &CODE.replace("PORT", &port));
    Start::suite(suite.file("out/schema.json", SUMS))
}

fn open(outside: &Outside) -> Daemon {
    start(outside).arg("--allow-private-net").run()
}

fn fetched(client: &Client, asked: &Value) -> Value {
    client.post("/api/out/fetch", asked).expect_status(200).data().clone()
}

#[test]
fn the_example_of_the_page_does_as_the_page_says() {
    let outside = Outside::of(|_, _| answer("200 OK", "", r#"{"day": "2026-01-02", "rate": "1.08"}"#));
    let folder = example_of("fetch.md");
    for file in ["rates/plugin.yaml", "rates/src/main.js"] {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).expect("the file").replace("https://", "http://");
        let here = format!("127.0.0.1:{}", outside.port);
        std::fs::write(path, text.replace("api.example.test", &here)).expect("is written");
    }
    let daemon = Start::dev(folder.path()).arg("--allow-private-net").run();
    let client = daemon.client();
    for _ in 0..2 {
        assert_eq!(client.post("/api/rates/load", &json!({})).expect_status(200).data()["rate"], "1.08");
    }
    let stored = client.get("/api/collections/rates_days/records").expect_status(200).body["items"].clone();
    assert_eq!(stored.as_array().map(Vec::len), Some(1), "{stored}");
}

#[test]
fn what_is_asked_arrives_and_what_is_answered_comes_back() {
    let outside = Outside::of(|seen, _| answer("201 Created", "x-one: a\r\nx-one: b\r\n", &seen.body));
    let daemon = open(&outside);
    let client = daemon.client();
    let options = json!({"method": "post", "headers": {"X-Own": "1"}, "body": {"a": [1, "ü"]}});
    let got = fetched(&client, &json!({"path": "/x?y=1", "options": options}));
    assert_eq!((&got["status"], &got["ok"], &got["text"]), (&json!(201), &json!(true), &json!(r#"{"a":[1,"ü"]}"#)));
    assert_eq!(got["headers"]["x-one"], "a, b");
    let seen = &outside.seen()[0];
    assert_eq!(seen.line, "POST /x?y=1");
    assert_eq!((seen.header("x-own"), seen.header("content-type")), ("1", "application/json"));
    assert_eq!(seen.header("host"), format!("127.0.0.1:{}", outside.port));
    assert!(seen.header("user-agent").starts_with("trunkline/"), "{seen:?}");
    assert_eq!(seen.header("idempotency-key").len(), 32);
    let figures = daemon.admin().get("/metrics").text;
    assert!(
        figures.lines().any(|line| line.starts_with("trunkline_fetches_total") && line.contains("answered")),
        "{figures}"
    );
}

#[test]
fn it_goes_to_granted_hosts_at_public_addresses_and_nowhere_else() {
    let outside = Outside::of(|_, _| answer("200 OK", "", "in"));
    let daemon = start(&outside).run();
    let client = daemon.client();
    for host in ["127.0.0.1", "localhost"] {
        let refused = fetched(&client, &json!({"url": format!("http://{host}:{}/", outside.port)}));
        assert_eq!(refused["code"], "FETCH_ADDRESS_REFUSED", "{refused}");
        assert!(refused["message"].as_str().is_some_and(|text| text.contains("--allow-private-net")), "{refused}");
    }
    let other = [
        "http://127.0.0.1:1/",
        "https://example.test/",
        "http://[::1]:8080/",
        "http://169.254.169.254/latest/meta-data/",
    ];
    for url in other {
        assert_eq!(fetched(&client, &json!({"url": url}))["code"], "PERMISSION_DENIED", "{url}");
    }
    for url in ["file:///etc/passwd", "x", "http://a:b@127.0.0.1/"] {
        assert_eq!(fetched(&client, &json!({"url": url}))["code"], "PLUGIN_ERROR", "{url}");
    }
    let thrown = client.post("/api/out/thrown", &json!({"url": other[0]}));
    thrown.expect_error(500, "PERMISSION_DENIED");
    assert!(thrown.text.contains("src/main.js"), "the place is named: {}", thrown.text);
    let plugins = daemon.admin().get("/api/_admin/plugins").body;
    assert_eq!(plugins[0]["permission_denied"], 2 + other.len() + 1, "{plugins}");
    assert!(outside.seen().is_empty(), "nobody was asked");
}

#[test]
fn a_redirect_is_looked_at_like_any_address() {
    let outside = Outside::of(|seen, _| match seen.line.as_str() {
        "GET /away" => answer("302 Found", "location: http://127.0.0.1:1/\r\n", ""),
        "GET /round" => answer("307 Temporary Redirect", "location: /round\r\n", ""),
        "GET /nowhere" => answer("302 Found", "location: http://[\r\n", ""),
        "GET /near" => answer("301 Moved Permanently", "location: there\r\n", ""),
        _ => answer("200 OK", "", "there"),
    });
    let daemon = open(&outside);
    let client = daemon.client();
    assert_eq!(fetched(&client, &json!({"path": "/near"}))["text"], "there");
    assert_eq!(fetched(&client, &json!({"path": "/away"}))["code"], "PERMISSION_DENIED");
    let round = fetched(&client, &json!({"path": "/round"}));
    assert_eq!((&round["code"], &round["status"]), (&json!("FETCH_FAILED"), &json!(502)));
    assert_eq!(outside.seen().iter().filter(|seen| seen.line == "GET /round").count(), 6, "it is not tried again");
    let nowhere = fetched(&client, &json!({"path": "/nowhere"}));
    assert_eq!(nowhere["code"], "FETCH_FAILED", "{nowhere}");
    assert!(round["message"].as_str().is_some_and(|text| text.contains("FETCH_REDIRECTS_MAX")), "{round}");
}

#[test]
fn it_is_tried_again_as_long_as_that_may_help() {
    let outside = Outside::of(|seen, count| match (seen.line.as_str(), count) {
        ("POST /busy", 1 | 2) => answer("503 Service Unavailable", "retry-after: 0\r\n", "busy"),
        ("GET /broken", 1) => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_owned(),
        ("GET /gone", _) => answer("404 Not Found", "", "no"),
        ("GET /full", _) => answer("503 Service Unavailable", "retry-after: 3600\r\n", "full"),
        ("GET /never", _) => answer("503 Service Unavailable", "retry-after: 18446744073709551615\r\n", "never"),
        ("GET /mute", _) => String::new(),
        ("GET /huge", _) => answer("200 OK", "", &"x".repeat(3 << 20)),
        ("GET /bytes", _) => answer("200 OK", "", "\u{1}"),
        _ => answer("200 OK", "", "done"),
    });
    let daemon = open(&outside);
    let client = daemon.client();
    let count = |line: &str| outside.seen().iter().filter(|seen| seen.line == line).count();
    assert_eq!(fetched(&client, &json!({"path": "/busy", "options": {"method": "POST"}}))["text"], "done");
    let keys: Vec<String> = outside.seen().iter().map(|seen| seen.header("idempotency-key").to_owned()).collect();
    assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(fetched(&client, &json!({"path": "/broken"}))["text"], "done");
    assert_eq!((fetched(&client, &json!({"path": "/gone"}))["status"].clone(), count("GET /gone")), (json!(404), 1));
    assert_eq!((fetched(&client, &json!({"path": "/full"}))["status"].clone(), count("GET /full")), (json!(503), 1));
    assert_eq!((fetched(&client, &json!({"path": "/never"}))["status"].clone(), count("GET /never")), (json!(503), 1));
    let mute = fetched(&client, &json!({"path": "/mute", "options": {"timeout": "300ms"}}));
    assert_eq!((&mute["code"], &mute["status"]), (&json!("FETCH_TIMEOUT"), &json!(504)));
    assert_eq!(fetched(&client, &json!({"path": "/huge"}))["code"], "FETCH_TOO_LARGE");
    let closed =
        fetched(&client, &json!({"url": format!("https://127.0.0.1:{}/", outside.port), "options": {"attempts": 1}}));
    assert_eq!((&closed["code"], &closed["status"]), (&json!("FETCH_FAILED"), &json!(502)), "no TLS there: {closed}");
}

/// The sum is right only if a call that met another is given the same answer again and asks nobody twice.
#[test]
fn a_call_that_runs_again_is_given_the_same_answer() {
    const CALLS: u64 = 40;
    let outside = Outside::of(|_, count| answer("200 OK", "", &json!({"n": count}).to_string()));
    let daemon = open(&outside);
    let client = daemon.client();
    client.post("/api/out/count", &json!({"by": 0})).expect_status(200);
    std::thread::scope(|scope| {
        for by in 0..4 {
            let client = &client;
            scope.spawn(move || {
                for _ in 0..CALLS / 4 {
                    client.post("/api/out/count", &json!({"by": by})).expect_status(200);
                }
            });
        }
    });
    assert_eq!(outside.seen().len() as u64, CALLS + 1);
    let sums = client.get("/api/collections/out_sums/records").expect_status(200).body["items"].clone();
    assert_eq!(sums[0]["n"], (1..=CALLS + 1).sum::<u64>());
    let figures = daemon.admin().get("/metrics").text;
    let reruns =
        figures.lines().find_map(|line| line.strip_prefix("trunkline_unit_reruns_total ")).expect("the figure");
    assert_ne!(reruns, "0", "no call ran again, so nothing was shown");
}

#[test]
fn an_event_that_is_delivered_again_asks_under_the_same_key() {
    let outside = Outside::of(|_, _| answer("200 OK", "", ""));
    let daemon = open(&outside);
    let client = daemon.client();
    client.post("/api/out/tell", &json!({})).expect_status(200);
    let sums = || client.get("/api/collections/out_sums/records").expect_status(200).body["items"].clone();
    wait_until(PATIENCE, || (sums()[0]["name"] == "told").then_some(()));
    let keys: Vec<String> = outside.seen().iter().map(|seen| seen.header("idempotency-key").to_owned()).collect();
    assert!(keys.len() == 3 && !keys[0].is_empty() && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    client.post("/api/out/tell", &json!({})).expect_status(200);
    wait_until(PATIENCE, || (outside.seen().len() == 6).then_some(()));
    assert_ne!(outside.seen()[5].header("idempotency-key"), keys[0]);
}

/// What is compressed or no text is told as that: bytes would be garbled as a text, and nothing is decompressed.
#[test]
fn an_answer_that_is_no_text_has_no_body_and_none_is_asked_to_be_compressed() {
    let outside = Outside::of(|seen, _| {
        let (kind, body): (_, &[u8]) = match seen.line.as_str() {
            "GET /zipped" => ("content-encoding: gzip\r\n", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
            "GET /latin" => ("content-type: text/plain; charset=latin1\r\n", b"M\xfcller"),
            _ => ("", "M\u{fc}ller".as_bytes()),
        };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{kind}\r\n", body.len());
        [head.as_bytes(), body].concat()
    });
    let daemon = open(&outside);
    let client = daemon.client();
    assert_eq!(fetched(&client, &json!({"path": "/text"}))["text"], "Müller");
    for path in ["/zipped", "/latin"] {
        let refused = fetched(&client, &json!({"path": path}));
        assert_eq!(refused["code"], "VALUE_UNSUPPORTED", "{path}: {refused}");
        assert!(refused["message"].as_str().is_some_and(|text| text.contains("UTF-8")), "{path}: {refused}");
        let raw = fetched(&client, &json!({"path": path, "raw": true}));
        assert_eq!((&raw["status"], &raw["text"]), (&json!(200), &Value::Null), "{path}");
    }
    assert!(outside.seen().iter().all(|seen| seen.header("accept-encoding") == "identity"), "{:?}", outside.seen());
    let options = json!({"headers": {"Accept-Encoding": "br"}});
    fetched(&client, &json!({"path": "/text", "options": options}));
    assert_eq!(outside.seen().last().map(|seen| seen.header("accept-encoding").to_owned()).as_deref(), Some("br"));
}

#[test]
fn an_answer_has_the_time_and_the_length_that_it_may_have() {
    const MAX: usize = 2_097_152;
    let slow = |chunk: &str, count: usize| {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        let piece = format!("{:x}\r\n{chunk}\r\n", chunk.len()).into_bytes();
        let pieces = (0..count).flat_map(|_| piece.iter().copied().chain([PAUSE]));
        head.into_iter().chain(pieces).chain(*b"0\r\n\r\n").collect::<Vec<u8>>()
    };
    let outside = Outside::of(move |seen, _| match seen.line.as_str() {
        "GET /slow" => slow("x", 3),
        "GET /slower" => slow("x", 200),
        "GET /whole" => answer("200 OK", "", &"x".repeat(MAX)).into_bytes(),
        "GET /longer" => answer("200 OK", "", &"x".repeat(MAX + 1)).into_bytes(),
        "GET /unsaid" => {
            let chunk = format!("{:x}\r\n{}\r\n", MAX, "x".repeat(MAX));
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}1\r\nx\r\n0\r\n\r\n").into_bytes()
        }
        "GET /head" => answer("200 OK", &format!("x-long: {}\r\n", "x".repeat(300_000)), "x").into_bytes(),
        _ => answer("200 OK", "", &seen.body.len().to_string()).into_bytes(),
    });
    let daemon = open(&outside);
    let client = daemon.client();
    let code = |path: &str, options: Value| {
        fetched(&client, &json!({"path": path, "raw": true, "options": options}))["code"].clone()
    };
    assert_eq!(fetched(&client, &json!({"path": "/slow"}))["text"], "xxx");
    assert_eq!(code("/slower", json!({"timeout": "500ms"})), "FETCH_TIMEOUT");
    assert_eq!(fetched(&client, &json!({"path": "/whole"}))["text"].as_str().map(str::len), Some(MAX));
    assert_eq!(code("/longer", json!({})), "FETCH_TOO_LARGE");
    assert_eq!(code("/unsaid", json!({})), "FETCH_TOO_LARGE");
    assert_eq!(code("/head", json!({"attempts": 1})), "FETCH_FAILED");
    let sent = |bytes: usize| json!({"path": "/sent", "options": {"method": "POST", "body": "x".repeat(bytes)}});
    // The body of the call around it has a limit of its own, of the same size.
    assert_eq!(fetched(&client, &sent(MAX - 200))["text"], (MAX - 200).to_string());
}

#[test]
fn what_cannot_be_asked_is_named() {
    let outside = Outside::of(|seen, _| answer("200 OK", "", &seen.body));
    let daemon = open(&outside);
    let client = daemon.client();
    let not_set = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "proxy-authorization",
        "proxy-connection",
        "idempotency-key",
    ];
    let headers = not_set.iter().map(|name| (json!({"headers": {name.to_uppercase(): "x"}}), *name));
    let others = [
        (json!({"headers": {"x y": "1"}}), "`x y` is no name of a header"),
        (json!({"headers": {"x\r\nhost": "1"}}), "is no name of a header"),
        (json!({"headers": {"x-a": "1\r\nhost: evil.test"}}), "`x-a` cannot be sent"),
        (json!({"headers": {"x-a": ["1"]}}), "the value of a header must be a text"),
        (json!({"headers": "x"}), "headers must be an object of texts"),
        (json!({"method": "TRACE"}), "must be one of GET, HEAD, POST, PUT, PATCH, DELETE"),
        (json!({"body": "x"}), "a fetch with method GET has no body"),
        (json!({"attempts": 6}), "attempts must be a whole number from 1 to 5"),
        (json!({"attempts": 0}), "attempts must be a whole number from 1 to 5"),
        (json!({"timeout": "soon"}), "timeout"),
        (json!({"retries": 1}), "fetch options has no `retries`"),
    ];
    for (options, says) in headers.chain(others) {
        let refused = fetched(&client, &json!({"path": "/x", "options": options}));
        assert!(refused["message"].as_str().is_some_and(|text| text.contains(says)), "{options}: {refused}");
    }
    assert!(outside.seen().is_empty(), "nobody was asked: {:?}", outside.seen());
}

#[test]
fn what_goes_wrong_rejects_the_promise_and_is_not_lost_where_nobody_looks() {
    let outside = Outside::of(|_, _| answer("404 Not Found", "", ""));
    let daemon = open(&outside);
    let client = daemon.client();
    let asked = json!([{"path": "/x"}, {"url": "http://127.0.0.1:1/"}, {"url": "x"}]);
    let all = client.post("/api/out/settled", &asked).expect_status(200).data().clone();
    assert_eq!(all, json!([404, "PERMISSION_DENIED", "PLUGIN_ERROR"]));
    let unseen = client.post("/api/out/unseen", &json!({"url": "http://127.0.0.1:1/"}));
    unseen.expect_error(500, "PERMISSION_DENIED");
    assert!(unseen.text.contains("src/main.js"), "the place is named: {}", unseen.text);
}

/// What failed is asked as well.
#[test]
fn a_call_asks_so_often_whether_it_is_answered_or_not() {
    const MAX: usize = 32;
    let outside = Outside::of(|seen, _| if seen.line == "GET /x" { answer("200 OK", "", "") } else { "?".to_owned() });
    let daemon = open(&outside);
    let client = daemon.client();
    for (path, each) in [("/x", json!(200)), ("/broken", json!("FETCH_FAILED"))] {
        let codes = client.post("/api/out/many", &json!({"path": path, "times": MAX + 1})).expect_status(200);
        let codes = codes.data().as_array().expect("codes").clone();
        assert!(codes[..MAX].iter().all(|code| *code == each), "{path}: {codes:?}");
        assert_eq!(codes[MAX], "OVERLOADED", "{path}");
    }
    assert_eq!(outside.seen().len(), 2 * MAX);
}

#[test]
fn once_a_call_has_changed_something_it_asks_nobody() {
    let outside = Outside::of(|_, _| answer("200 OK", "", ""));
    let daemon = open(&outside);
    let client = daemon.client();
    let late = client.post("/api/out/late", &json!({}));
    late.expect_error(500, "FETCH_TOO_LATE");
    assert!(late.text.contains("$jobs.enqueue"), "{}", late.text);
    client.post("/api/collections/out_sums/records", &json!({"n": 13})).expect_error(500, "FETCH_TOO_LATE");
    assert!(outside.seen().is_empty());
}
