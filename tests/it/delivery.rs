//! An event is tried again, becomes a dead letter when that does not help, and can be followed from outside.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
topics:
  mail.letter.sent:
    kind: event
    version: 1.0.0
    schema: letter.json
    visibility: public
    key: /to
    retry: {attempts: 4, backoff: 50ms, cap: 200ms, then: dead-letter}
  mail.parcel.sent:
    kind: event
    version: 1.0.0
    schema: letter.json
    visibility: public
    key: /to
    retry: {attempts: 2, backoff: 50ms, cap: 200ms, then: park}
  mail.wire.sent:
    kind: event
    version: 1.0.0
    schema: letter.json
    visibility: public
    key: /to
    ttl: 2s
    retry: {attempts: 9, backoff: 3s, cap: 3s, then: dead-letter}
publishes: [mail.letter.sent, mail.parcel.sent, mail.wire.sent]
consumes: [mail.letter.sent, mail.parcel.sent, mail.wire.sent]
roles: [{name: mail.user, billable: false, grants: [mail.use]}]
";
const LETTER: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
  "required": ["to", "fails"], "properties": {"to": {"type": "string"}, "fails": {"type": "integer"}}}"#;
const SCHEMA: &str = r#"{"collections": [{"name": "mail_seen", "fields": [{"name": "event", "type": "string"},
  {"name": "attempt", "type": "integer"}]}, {"name": "mail_switch", "fields": [{"name": "on", "type": "boolean"}]}]}"#;
const CODE: &str = r#"
function take(e) {
  const open = $app.dao().findFirstRecordByFilter("mail_switch", { on: true });
  if (!open && e.attempt <= e.payload.fails) throw new Error(`try ${e.attempt}`);
  $app.dao().saveRecord("mail_seen", { event: e.id, attempt: e.attempt });
}
$app.onEvent("mail.letter.sent", { when: "to = 'B'" }, function forB(e) {
  $app.dao().saveRecord("mail_seen", { event: `B:${e.id}`, attempt: e.attempt });
});
$app.onEvent("mail.letter.sent", function letters(e) { take(e); });
$app.onEvent("mail.parcel.sent", function parcels(e) { take(e); });
$app.onEvent("mail.wire.sent", function wires(e) { take(e); });
$app.routerAdd("GET", "/api/mail/seen", () => $app.dao().findRecordsByFilter("mail_seen", {}));
$app.routerAdd("POST", "/api/mail/switch", () => $app.dao().saveRecord("mail_switch", { on: true }));
$app.routerAdd("POST", "/api/mail/many", (e) => {
  for (let i = 0; i < 100; i++) $app.realtime().publish("mail.letter.sent", { to: `${i}`, fails: 0 });
});
$app.routerAdd("POST", "/api/mail/send", (e) => [
  $app.realtime().publish("mail.letter.sent", e.body), $app.realtime().publish("mail.parcel.sent", e.body),
  $app.realtime().publish("mail.wire.sent", e.body)]);
"#;
/// More than the daemon gives in one answer.
const EVENTS_MIN: usize = 1_200;
const NEVER: u32 = 99;
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn a_handler_that_fails_three_times_succeeds_at_the_fourth() {
    let daemon = mail();
    let client = daemon.client();
    send(&client, "flaky", "mail.letter.sent", "A", 3);
    assert_eq!(wait_for(&client, "flaky"), 4);
    assert!(dead(&daemon).is_empty(), "{:?}", dead(&daemon));
}

#[test]
fn a_dead_letter_outlives_a_kill_and_can_be_retried() {
    let mut daemon = mail();
    send(&daemon.client(), "bad", "mail.letter.sent", "A", NEVER);
    send(&daemon.client(), "next", "mail.letter.sent", "A", 0);
    assert_eq!(wait_for(&daemon.client(), "next"), 1, "the key goes on past a dead letter");
    let before = wait_for_dead(&daemon);
    daemon.restart().expect("the daemon starts again");
    let after = dead(&daemon);
    assert_eq!(after, before);
    let letter = &after[0];
    assert_eq!((&letter["topic"], &letter["attempts"]), (&json!("mail.letter.sent"), &json!(4)), "{letter}");
    assert_eq!(letter["subscription"], "mail/letters");
    let reason = letter["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("try 4") && reason.contains("src/main.js:4:"), "{letter}");

    let id = letter["id"].as_str().expect("an id");
    let shown = daemon.command(&["dead", "show", id]);
    for part in ["\"fails\": 99", "mail 1.0.0", "attempts      4", "src/main.js:4:", "at take", "mail/letters"] {
        assert!(shown.out.contains(part), "no {part:?}: {}{}", shown.out, shown.err);
    }
    daemon.client().post("/api/mail/switch", &json!({})).expect_status(200);
    assert_eq!(daemon.command(&["dead", "retry", id]).exit, Some(0));
    wait_for(&daemon.client(), "bad");
    assert!(dead(&daemon).is_empty(), "{:?}", dead(&daemon));
}

#[test]
fn an_event_past_its_time_to_live_is_a_dead_letter_that_can_still_be_retried() {
    let daemon = mail();
    let client = daemon.client();
    send(&client, "late", "mail.wire.sent", "A", NEVER);
    let letters = wait_for_dead(&daemon);
    assert_eq!(letters[0]["code"], "EVENT_EXPIRED", "{letters:?}");
    let attempts = letters[0]["attempts"].as_u64().expect("a number");
    assert!((1..9).contains(&attempts), "{letters:?}");
    assert_eq!(seen(&client, "late"), None, "it was delivered after its time to live");
    client.post("/api/mail/switch", &json!({})).expect_status(200);
    let id = letters[0]["id"].as_str().expect("an id");
    assert_eq!(daemon.command(&["dead", "retry", id]).exit, Some(0));
    wait_for(&client, "late");
}

#[test]
fn a_parked_key_waits_until_its_letter_is_dropped() {
    let daemon = mail();
    let client = daemon.client();
    send(&client, "stuck", "mail.parcel.sent", "A", NEVER);
    send(&client, "behind", "mail.parcel.sent", "A", 0);
    send(&client, "beside", "mail.parcel.sent", "B", 0);
    wait_for(&client, "beside");
    let letters = wait_for_dead(&daemon);
    assert_eq!(seen(&client, "behind"), None, "an event overtook another of its key");
    let id = letters[0]["id"].as_str().expect("an id");
    assert_eq!(daemon.command(&["dead", "drop", id]).exit, Some(0));
    wait_for(&client, "behind");
    assert_eq!(seen(&client, "stuck"), None);
    let again = daemon.command(&["dead", "drop", id]);
    assert_eq!(again.exit, Some(1), "{}", again.out);
    assert!(again.err.contains(id), "{}", again.err);
}

/// What parks a key is read back from the store, also where the handler got another name meanwhile.
#[test]
fn a_parked_key_stays_parked_over_kills_and_a_rename() {
    let data = tempfile::tempdir().expect("a folder");
    let mut daemon = start(CODE, data.path());
    send(&daemon.client(), "stuck", "mail.parcel.sent", "A", NEVER);
    wait_for_dead(&daemon);
    send(&daemon.client(), "behind", "mail.parcel.sent", "A", 0);
    for beside in ["one", "two"] {
        daemon.kill();
        daemon.restart().expect("it starts again");
        send(&daemon.client(), beside, "mail.parcel.sent", "B", 0);
        wait_for(&daemon.client(), beside);
        assert_eq!(seen(&daemon.client(), "behind"), None, "an event overtook another of its key");
    }
    assert!(daemon.stop().expect("it stops").success());
    let renamed = CODE.replace("function parcels(e)", "{ formerly: 'parcels' }, function packets(e)");
    let daemon = start(&renamed, data.path());
    send(&daemon.client(), "three", "mail.parcel.sent", "B", 0);
    wait_for(&daemon.client(), "three");
    assert_eq!(seen(&daemon.client(), "behind"), None, "the key was let go with the old name");
    let letters = wait_for_dead(&daemon);
    let id = letters[0]["id"].as_str().expect("an id");
    assert!(id.starts_with("mail.packets:"), "{id}");
    daemon.client().post("/api/mail/switch", &json!({})).expect_status(200);
    assert_eq!(daemon.command(&["dead", "retry", id]).exit, Some(0));
    wait_for(&daemon.client(), "behind");
    assert!(seen(&daemon.client(), "stuck").is_some(), "an event overtook another of its key");
}

/// Live, and read back from the log after a kill.
#[test]
fn a_subscription_with_a_condition_gets_no_other_event() {
    let mut daemon = mail();
    for id in ["w1", "w2", "w3"] {
        send(&daemon.client(), &format!("{id}-a"), "mail.letter.sent", "A", 0);
        send(&daemon.client(), &format!("{id}-b"), "mail.letter.sent", "B", 0);
        for seen in [format!("{id}-a"), format!("{id}-b"), format!("B:{id}-b")] {
            wait_for(&daemon.client(), &seen);
        }
        daemon.restart().expect("the daemon starts again");
    }
    // What comes last of its key has let pass whatever was before it.
    send(&daemon.client(), "end", "mail.letter.sent", "B", 0);
    wait_for(&daemon.client(), "B:end");
    for id in ["w1", "w2", "w3"] {
        assert_eq!(seen(&daemon.client(), &format!("B:{id}-a")), None, "it was passed over");
        assert_eq!(seen(&daemon.client(), &format!("B:{id}-b")), Some(1), "once and no more");
    }
}

#[test]
fn a_condition_that_cannot_be_read_stops_the_start_with_its_place() {
    let code = CODE.replace("to = 'B'", "to =");
    let text = match Start::suite(suite(&code)).try_run() {
        Ok(_) => panic!("a condition that cannot be read is let in"),
        Err(error) => format!("{error:#}"),
    };
    for part in ["TL310", "mail/src/main.js:7:1", "character 5", "a value"] {
        assert!(text.contains(part), "no {part}: {text}");
    }
}

/// A handler with another name goes on where the old one stood: with what waited and with its dead letters.
#[test]
fn a_renamed_handler_keeps_its_place() {
    let renamed = |options: &str| {
        CODE.replace("function letters(e) { take(e); }", &format!("{options}, function post(e) {{ take(e); }}"))
    };
    for (options, keeps) in [("{ formerly: 'letters' }", true), ("{}", false)] {
        let data = tempfile::tempdir().expect("a folder");
        let mut before = start(CODE, data.path());
        send(&before.client(), "waits", "mail.letter.sent", "A", NEVER);
        let letters = wait_for_dead(&before);
        // One that goes on failing could be given up by the renamed handler before its switch is on.
        let fails = if keeps { 1 } else { NEVER };
        send(&before.client(), "tried", "mail.letter.sent", "C", fails);
        before.stop().expect("it stops");
        let mut after = start(&renamed(options), data.path());
        after.client().post("/api/mail/switch", &json!({})).expect_status(200);
        send(&after.client(), "new", "mail.letter.sent", "D", 0);
        wait_for(&after.client(), "new");
        if keeps {
            wait_for(&after.client(), "tried");
            let id = letters[0]["id"].as_str().expect("an id").replace("letters", "post");
            assert_eq!(after.command(&["dead", "retry", &id]).exit, Some(0));
            wait_for(&after.client(), "waits");
            after.restart().expect("and again");
            assert!(dead(&after).is_empty(), "{:?}", dead(&after));
        } else {
            assert_eq!(seen(&after.client(), "tried"), None, "a new subscription begins at the end of the log");
        }
    }
}

#[test]
fn a_name_that_is_still_in_use_cannot_be_taken_over() {
    let code = CODE.replace("function parcels(e)", "{ formerly: 'letters' }, function parcels(e)");
    let text = match Start::suite(suite(&code)).try_run() {
        Ok(_) => panic!("two handlers have one place"),
        Err(error) => format!("{error:#}"),
    };
    for part in ["PLUGIN_INVALID", "`parcels`", "formerly: \"letters\""] {
        assert!(text.contains(part), "no {part}: {text}");
    }
}

#[test]
fn the_names_of_jobs_are_no_handlers() {
    for (options, name) in [("{ name: 'job:letters' }", "job:letters"), ("{ formerly: 'job:old' }", "job:old")] {
        let code = CODE.replace("function parcels(e)", &format!("{options}, function parcels(e)"));
        let text = match Start::suite(suite(&code)).try_run() {
            Ok(_) => panic!("{options}: it would share the place of a job"),
            Err(error) => format!("{error:#}"),
        };
        for part in ["PLUGIN_INVALID", &format!("`{name}`"), "names that begin with `job:` are those of jobs"] {
            assert!(text.contains(part), "{options}: no {part}: {text}");
        }
    }
}

/// One function for several topics is one subscription that hears them all.
#[test]
fn a_handler_of_several_topics_hears_each() {
    let code = CODE.replace(
        "$app.onEvent(\"mail.letter.sent\", function letters(e) { take(e); });\n$app.onEvent(\"mail.parcel.sent\", function parcels(e) { take(e); });",
        "for (const topic of [\"mail.letter.sent\", \"mail.parcel.sent\"]) $app.onEvent(topic, function all(e) { take(e); });",
    );
    assert_ne!(code, CODE);
    let mut daemon = Start::suite(suite(&code)).run();
    for round in ["m1", "m2"] {
        send(&daemon.client(), &format!("{round}-letter"), "mail.letter.sent", "A", 0);
        send(&daemon.client(), &format!("{round}-parcel"), "mail.parcel.sent", "A", 0);
        for id in ["letter", "parcel"] {
            assert_eq!(wait_for(&daemon.client(), &format!("{round}-{id}")), 1);
        }
        daemon.restart().expect("the daemon starts again");
    }
}

/// One segment, any rest, and one that says `broadcast`, which changes nothing within one daemon.
#[test]
fn a_pattern_hears_what_it_matches_and_nothing_else() {
    let topics = ["mast.flag.up", "mast.flag.up.half", "mast.lamp.up", "mast.lamp.down"];
    let declared: String =
        topics.map(|topic| format!("  {topic}: {{kind: event, version: 1.0.0, schema: any.json}}\n")).concat();
    let manifest = format!(
        "schema: schema.json\ntopics:\n{declared}publishes: [{}]\nconsumes: [mast.*.up, 'mast.flag.**', mast.lamp.*]\n\
         roles: [{{name: mast.user, billable: false, grants: [mast.use]}}]\n",
        topics.join(", ")
    );
    let code = r#"
const note = (by) => (e) => $app.dao().saveRecord("mast_heard", { text: `${by} ${e.topic}` });
$app.onEvent("mast.*.up", { name: "one" }, note("one"));
$app.onEvent("mast.flag.**", { name: "rest" }, note("rest"));
$app.onEvent("mast.lamp.*", { name: "all", broadcast: true }, note("all"));
$app.routerAdd("POST", "/api/mast/raise", () => {
  $app.realtime().publish("mast.flag.up", {});
  $app.realtime().publish("mast.flag.up.half", {});
  $app.realtime().publish("mast.lamp.up", {});
  $app.realtime().publish("mast.lamp.down", {});
});
$app.routerAdd("GET", "/api/mast/heard", () => $app.dao().findRecordsByFilter("mast_heard", {}).map((one) => one.text));
"#;
    let schema = r#"{"collections": [{"name": "mast_heard", "fields": [{"name": "text", "type": "string"}]}]}"#;
    let mut daemon = Start::suite(Suite::new().plugin("mast", &manifest, code).file("mast/schema.json", schema)).run();
    let expected = [
        "all mast.lamp.down",
        "all mast.lamp.up",
        "one mast.flag.up",
        "one mast.lamp.up",
        "rest mast.flag.up",
        "rest mast.flag.up.half",
    ];
    for round in 1..=2 {
        daemon.client().post("/api/mast/raise", &json!({})).expect_status(200);
        let mut heard = tests::wait_until(PATIENCE, || {
            let heard = daemon.client().get("/api/mast/heard").expect_status(200).data().clone();
            let heard: Vec<String> = serde_json::from_value(heard).expect("texts");
            (heard.len() >= round * expected.len()).then_some(heard)
        });
        heard.sort();
        heard.dedup();
        assert_eq!(heard, expected, "round {round}");
        // What was read back from the log is chosen by the same patterns.
        daemon.restart().expect("it starts again");
        let after = daemon.client().get("/api/mast/heard").expect_status(200);
        assert_eq!(after.data().as_array().map(Vec::len), Some(round * expected.len()), "{}", after.text);
    }
}

#[test]
fn handlers_of_a_group_share_the_events() {
    let code = CODE.replace(
        "$app.onEvent(\"mail.letter.sent\", function letters(e) { take(e); });",
        "for (const name of [\"left\", \"right\"]) $app.onEvent(\"mail.letter.sent\", { name, group: \"hands\" }, (e) => {\n\
         $app.dao().saveRecord(\"mail_seen\", { event: `${name}:${e.id}`, attempt: e.attempt });\n});",
    );
    assert_ne!(code, CODE);
    let mut daemon = Start::suite(suite(&code)).run();
    let ids: Vec<String> = (0..8).map(|n| format!("g{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        send(&daemon.client(), id, "mail.letter.sent", "A", 0);
        if n == 3 {
            daemon.restart().expect("the daemon starts again");
        }
    }
    let deadline = Instant::now() + PATIENCE;
    let taken = |hand: &str| ids.iter().filter(|id| seen(&daemon.client(), &format!("{hand}:{id}")).is_some()).count();
    while taken("left") + taken("right") < ids.len() {
        assert!(Instant::now() < deadline, "{} and {} of {}", taken("left"), taken("right"), ids.len());
    }
    assert_eq!(taken("left") + taken("right"), ids.len(), "an event went to both");
    assert!(taken("left") > 0 && taken("right") > 0, "one of them got nothing");
}

#[test]
fn a_stream_goes_on_after_the_last_event_that_was_seen_even_over_a_kill() {
    let mut daemon = mail();
    let client = daemon.client();
    let path = "/api/realtime?topics=mail.letter.*";
    let mut live = client.stream(path, None).expect("a stream");
    for id in ["s1", "s2", "s3"] {
        send(&client, id, "mail.letter.sent", "A", 0);
        send(&client, &format!("{id}-other"), "mail.parcel.sent", "A", 0);
    }
    let first = live.next().expect("a message").expect("a message");
    assert_eq!((first.event.as_str(), first.data["id"].as_str()), ("mail.letter.sent", Some("s1")));
    daemon.restart().expect("the daemon starts again");
    let resumed = daemon.client().stream(path, Some(&first.id)).expect("a stream");
    let ids: Vec<Value> = resumed.take(2).map(|message| message.expect("a message").data["id"].clone()).collect();
    assert_eq!(ids, ["s2", "s3"]);
}

#[test]
fn a_list_of_events_is_whole_however_long() {
    let daemon = mail();
    let client = daemon.client();
    let many = |path: &str| client.post(path, &json!({"to": "A", "fails": 0})).expect_status(200);
    for _ in 0..EVENTS_MIN / 100 {
        many("/api/mail/many");
    }
    let listed = daemon.command(&["events", "list", "--json", "--topic", "mail.letter.sent"]);
    let events: Vec<Value> = serde_json::from_str(&listed.out).expect("a list");
    assert!(events.len() >= EVENTS_MIN, "{} of {EVENTS_MIN} events are listed", events.len());
    let sequences: Vec<u64> =
        events.iter().map(|event| event["sequence"].as_str().expect("a text").parse().expect("a number")).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "an event is listed twice or out of order");
    let few = daemon.command(&["events", "list", "--limit", "3"]);
    assert_eq!(few.out.lines().count(), 3, "{}", few.out);
    let none = daemon.command(&["events", "list", "--json", "--after", "999999999"]);
    assert_eq!(none.out, "[]\n");
}

#[test]
fn a_tail_prints_events_as_they_happen() {
    let daemon = mail();
    let mut tail = daemon.spawn(&["events", "tail", "--topics", "mail.letter.*"]);
    let lines = BufReader::new(tail.stdout.take().expect("its output")).lines();
    let client = daemon.client();
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| told.send(line)));
    let deadline = Instant::now() + PATIENCE;
    let mut sent = 0;
    // What is published before the tail has connected is not its business, so there is more until one is heard.
    let line = loop {
        sent += 1;
        send(&client, &format!("t{sent}"), "mail.letter.sent", "A", 0);
        if let Ok(line) = heard.recv_timeout(Duration::from_millis(200)) {
            break line;
        }
        assert!(Instant::now() < deadline, "nothing was printed within {PATIENCE:?}");
    };
    tail.kill().and_then(|()| tail.wait()).expect("the tail ends");
    assert!(line.contains("mail.letter.sent") && line.contains("/rest/"), "{line}");
}

fn mail() -> Daemon {
    Start::suite(suite(CODE)).run()
}

fn start(code: &str, data: &std::path::Path) -> Daemon {
    Start::suite(suite(code)).data(data).run()
}

fn suite(code: &str) -> Suite {
    let suite = Suite::new().plugin("mail", MANIFEST, code);
    suite.file("mail/letter.json", LETTER).file("mail/schema.json", SCHEMA)
}

fn send(client: &Client, id: &str, topic: &str, to: &str, fails: u32) {
    client.publish(&cloud_event(id, topic, &json!({"to": to, "fails": fails}))).expect_status(202);
}

/// At which attempt an event was handled.
fn seen(client: &Client, event: &str) -> Option<u64> {
    let answer = client.get("/api/mail/seen").expect_status(200);
    let record = answer.data().as_array()?.iter().find(|record| record["event"] == event)?;
    record["attempt"].as_u64()
}

#[track_caller]
fn wait_for(client: &Client, event: &str) -> u64 {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(attempt) = seen(client, event) {
            return attempt;
        }
        assert!(Instant::now() < deadline, "{event} was not handled within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn dead(daemon: &Daemon) -> Vec<Value> {
    let listed = daemon.command(&["dead", "list", "--json"]);
    assert_eq!(listed.exit, Some(0), "{}", listed.err);
    serde_json::from_str(&listed.out).expect("dead list --json prints JSON")
}

#[track_caller]
fn wait_for_dead(daemon: &Daemon) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let letters = dead(daemon);
        if !letters.is_empty() {
            return letters;
        }
        assert!(Instant::now() < deadline, "no dead letter within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
