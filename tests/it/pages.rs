//! Pages of the log and of stories: bounded in what they read, whatever is asked for, and each says where to go on.

use serde_json::{Value, json};
use tests::client::cloud_event;
use tests::{Answer, Client, Daemon, Start, Suite};

const MANIFEST: &str = "
topics:
  shelf.item.big: {kind: event, version: 1.0.0, visibility: public, schema: any.json}
  shelf.item.rare: {kind: event, version: 1.0.0, visibility: public, schema: any.json}
  shelf.item.first: {kind: event, version: 1.0.0, schema: any.json}
  shelf.item.counted: {kind: event, version: 1.0.0, schema: any.json}
publishes: [shelf.item.first, shelf.item.counted]
consumes: [shelf.item.first]
roles: [{name: shelf.user, billable: false, grants: [shelf.use]}]
";
const CODE: &str = r#"
const count = () => { for (let n = 0; n < 600; n += 1) $app.realtime().publish("shelf.item.counted", { n }); };
$app.onEvent("shelf.item.first", function more() { count(); });
$app.routerAdd("POST", "/api/shelf/count", () => {
  const { id } = $app.realtime().publish("shelf.item.first", {});
  count();
  return id;
});
"#;
/// One, what the verb counts and what the handler does.
const STORY: usize = 1_201;
/// More than one page reads.
const BIG: usize = 34;
const BIG_BYTES: usize = 1_000_000;

fn shelf() -> Daemon {
    Start::suite(Suite::new().plugin("shelf", MANIFEST, CODE)).run()
}

/// The path that an answer names as the next page.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link");
    link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).map(str::to_owned)
}

fn ids(answer: &Answer) -> Vec<String> {
    let events = answer.body.as_array().expect("a batch").iter();
    events.filter_map(|event| event["id"].as_str().map(str::to_owned)).collect()
}

/// All pages from a path on: what was on each.
fn pages(client: &Client, path: &str) -> Vec<Vec<String>> {
    let (mut pages, mut path) = (Vec::new(), Some(path.to_owned()));
    while let Some(at) = path {
        let answer = client.get(&at).expect_status(200);
        pages.push(ids(&answer));
        path = next(&answer);
        assert!(pages.len() < 100, "the pages come to no end");
    }
    pages
}

#[test]
fn a_filter_that_passes_little_is_answered_in_pages_that_say_where_to_go_on() {
    let daemon = shelf();
    let client = daemon.client();
    client.publish(&cloud_event("rare-1", "shelf.item.rare", &json!({}))).expect_status(202);
    let text = "x".repeat(BIG_BYTES);
    for n in 0..BIG {
        client
            .publish(&cloud_event(&format!("big-{n}"), "shelf.item.big", &json!({ "text": text })))
            .expect_status(202);
    }
    client.publish(&cloud_event("rare-2", "shelf.item.rare", &json!({}))).expect_status(202);

    let found = pages(&client, "/api/events?topic=shelf.*.rare&limit=1000");
    assert_eq!(found, [vec!["rare-1".to_owned()], vec!["rare-2".to_owned()]], "the second page is the rest");
    let found = pages(&client, "/api/events?topic=shelf.*.rare&order=desc");
    assert_eq!(found, [vec!["rare-2".to_owned()], vec!["rare-1".to_owned()]]);
    // Nothing passes, and no page pretends to be the last one.
    let found = pages(&client, "/api/events?topic=shelf.none.*");
    assert_eq!(found, [Vec::<String>::new(), Vec::new()]);
    let cut = r#"trunkline_store_pages_cut_short_total{limit="EVENTS_READ_BYTES_MAX"}"#;
    assert_eq!(daemon.metric(cut), 3);

    // The command line and the stream go on by themselves.
    for (more, expected) in [(&[][..], ["rare-1", "rare-2"]), (&["--newest"], ["rare-2", "rare-1"])] {
        let ran = daemon.command(&[&["events", "list", "--json", "--topic", "shelf.*.rare"], more].concat());
        let events: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
        let ids: Vec<_> = events.as_array().expect("a list").iter().map(|event| event["id"].as_str()).collect();
        assert_eq!(ids, expected.map(Some), "{more:?}");
    }
    let ran = daemon.command(&["events", "list", "--json", "--topic", "shelf.*.rare", "--limit", "1"]);
    assert!(ran.out.contains("rare-1") && !ran.out.contains("rare-2"), "{}", ran.out);
    let mut stream = client.stream("/api/realtime?topics=shelf.*.rare", Some("0")).expect("a stream");
    let heard = |message: Option<anyhow::Result<tests::stream::Message>>| message.expect("one").expect("read").data;
    assert_eq!([heard(stream.next())["id"].clone(), heard(stream.next())["id"].clone()], ["rare-1", "rare-2"]);
}

const LOFT: &str = "
topics:
  loft.nail.found: {kind: event, version: 1.0.0, schema: any.json, ttl: 1ms}
  loft.nail.last: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [loft.nail.found]
consumes: [loft.nail.found]
roles: [{name: loft.user, billable: false, grants: [loft.use]}]
";
const LOFT_CODE: &str = r#"
$app.onEvent("loft.nail.found", function sort(e) {});
$app.routerAdd("POST", "/api/loft/many", (e) => {
  for (let n = 0; n < 1000; n += 1) $app.realtime().publish("loft.nail.found", { n }, { delay: "2ms" });
});
"#;
/// `EVENTS_SCANNED_MAX`, and more than that.
const SCANNED: usize = 20_000;
const NAILS: usize = 21_000;

/// Small entries that a filter lets none of through: a page ends at their number, says so, and where the next one begins.
#[test]
fn a_list_that_looks_at_many_in_vain_ends_and_says_where_to_go_on() {
    let daemon = Start::suite(Suite::new().plugin("loft", LOFT, LOFT_CODE)).run();
    for _ in 0..NAILS / 1_000 {
        daemon.client().post("/api/loft/many", &json!({})).expect_status(200);
    }
    let cut = r#"trunkline_store_pages_cut_short_total{limit="EVENTS_SCANNED_MAX"}"#;
    assert_eq!(daemon.metric(cut), 0);
    let client = daemon.client();
    for order in ["asc", "desc"] {
        let first = client.get(&format!("/api/events?topic=loft.none.*&order={order}")).expect_status(200);
        assert!(ids(&first).is_empty(), "{}", first.body);
        let second = client.get(&next(&first).expect("it goes on")).expect_status(200);
        assert_eq!((ids(&second).len(), next(&second)), (0, None), "the second page looks at the rest");
    }
    assert_eq!(daemon.metric(cut), 2);
    // What is found behind the cut is found by whoever goes on.
    client.publish(&cloud_event("last", "loft.nail.last", &json!({}))).expect_status(202);
    assert_eq!(pages(&client, "/api/events?topic=loft.*.last"), [vec![], vec!["last".to_owned()]]);

    let letters = "trunkline_store_entries{keyspace=\"dead-letters\"}";
    let patience = std::time::Duration::from_mins(2);
    tests::wait_until(patience, || (daemon.metric(letters) == NAILS as u64).then_some(()));
    let before = daemon.metric(cut);
    let admin = daemon.admin();
    let first = admin.get("/api/_admin/dead-letters?code=NONE").expect_status(200);
    assert_eq!((first.body.as_array().map(Vec::len), next(&first).is_some()), (Some(0), true), "{}", first.text);
    assert_eq!(daemon.metric(cut), before + 1);
    let second = admin.get(&next(&first).expect("it goes on")).expect_status(200);
    assert_eq!((second.body.as_array().map(Vec::len), next(&second)), (Some(0), None), "{}", second.text);
    // A retry and a drop of what is not there look at as many, and say where the next request goes on.
    let dropped = admin.delete("/api/_admin/dead-letters?code=NONE").expect_status(200).body;
    let place = format!("loft.sort:{SCANNED}");
    assert_eq!((&dropped["count"], &dropped["next"]), (&json!(0), &json!(place)), "{dropped}");
    let rest = admin.delete(&format!("/api/_admin/dead-letters?code=NONE&after={place}")).expect_status(200).body;
    assert_eq!((&rest["count"], &rest["next"]), (&json!(0), &Value::Null), "{rest}");
    // The command goes on by itself.
    assert_eq!(daemon.command(&["dead", "list", "--code", "NONE"]).out, "no dead letters\n");
}

fn count_of(story: &Value) -> usize {
    story.as_array().into_iter().flatten().map(|node| 1 + count_of(&node["children"])).sum()
}

#[test]
fn a_long_story_is_told_in_pages() {
    let daemon = shelf();
    let client = daemon.client();
    let id = client.post("/api/shelf/count", &json!({})).expect_status(200).data().as_str().expect("an id").to_owned();
    let path = format!("/api/events/{id}/story");
    let whole = tests::wait_until(std::time::Duration::from_mins(1), || {
        let (first, mut counts) = (client.get(&path).expect_status(200), Vec::new());
        counts.push(count_of(&first.body["story"]));
        let second = client.get(&next(&first)?).expect_status(200);
        counts.push(count_of(&second.body["story"]));
        (counts.iter().sum::<usize>() == STORY).then_some((first, second, counts))
    });
    let (first, second, counts) = whole;
    assert_eq!(counts, [1_000, STORY - 1_000]);
    assert_eq!((&second.body["next"], next(&second)), (&Value::Null, None));
    // What an event of the first page caused says so on the second.
    assert_eq!(second.body["story"][0]["event"]["causationid"], json!(id));
    let at = first.body["next"].as_u64().expect("a position");
    assert_eq!(count_of(&client.get(&format!("{path}?limit=7")).expect_status(200).body["story"]), 7);
    let refused = client.get(&format!("{path}?limit=1001"));
    refused.expect_error(400, "QUERY_INVALID");
    assert!(refused.text.contains("STORY_PAGE_MAX"), "{}", refused.text);

    let shown = |more: &[&str]| daemon.command(&[&["events", "show", &id], more].concat()).out;
    let (first, second) = (shown(&[]), shown(&["--after", &at.to_string()]));
    let go_on = format!("The story goes on: trunkline events show {id} --after {at}");
    assert!(first.ends_with(&format!("{go_on}\n")), "{}", &first[first.len().saturating_sub(300)..]);
    assert!(!second.contains("goes on"), "{second}");
    let counted = |text: &str| text.matches("shelf.item.counted").count();
    assert_eq!(counted(&first) + counted(&second), STORY - 1);
    let told: Value = serde_json::from_str(&shown(&["--json"])).expect("JSON");
    assert_eq!(told["next"], json!(at));
}

/// More than one page reads, with some to spare.
const LOADS: usize = BIG + 2;
const JOBS_MANIFEST: &str = "
permissions: [records:own, jobs]
roles: [{name: yard.user, billable: false, grants: [yard.use]}]
";
const JOBS_CODE: &str = r#"
$jobs.register("load", (job) => job);
$jobs.register("sweep", (job) => job);
$app.routerAdd("POST", "/api/yard/load", (e) => $jobs.enqueue("load", e.body, { delay: "1d" }).id);
$app.routerAdd("POST", "/api/yard/sweep", (e) => $jobs.enqueue("sweep", e.body, { delay: "1d" }).id);
"#;

#[test]
fn a_list_of_jobs_that_reads_much_ends_and_says_where_to_go_on() {
    let daemon = Start::suite(Suite::new().plugin("yard", JOBS_MANIFEST, JOBS_CODE)).run();
    let client = daemon.client();
    let text = "x".repeat(BIG_BYTES);
    let mut enqueued = Vec::new();
    let loads = std::iter::repeat_n(("load", json!({ "text": text })), LOADS);
    for (path, body) in loads.chain(std::iter::repeat_n(("sweep", json!({})), 3)) {
        let answer = client.post(&format!("/api/yard/{path}"), &body).expect_status(200);
        enqueued.push(answer.data().as_str().expect("an id").to_owned());
    }
    let found = pages(&daemon.admin(), "/api/_admin/jobs");
    assert!(found.len() == 2 && found[0].len() < LOADS, "{:?}", found.iter().map(Vec::len).collect::<Vec<_>>());
    assert_eq!(found.concat(), enqueued);
    assert_eq!(found, pages(&daemon.admin(), "/api/_admin/jobs?state=scheduled"));
    let cut = "trunkline_store_pages_cut_short_total{limit=\"EVENTS_READ_BYTES_MAX\"}";
    assert_eq!(daemon.metric(cut), 2);
    let listed = daemon.command(&["jobs", "list"]);
    assert_eq!(listed.out.lines().count(), LOADS + 3, "{}", listed.err);
    // Newest first, also over the end of a page.
    let backwards: Vec<String> = {
        for id in &enqueued[LOADS..] {
            daemon.admin().post(&format!("/api/_admin/jobs/{id}/cancel"), &json!({})).expect_status(200);
        }
        enqueued[LOADS..].iter().rev().cloned().collect()
    };
    let over =
        |limit: u16| pages(&daemon.admin(), &format!("/api/_admin/jobs?state=cancelled&name=sweep&limit={limit}"));
    assert_eq!(over(9), std::slice::from_ref(&backwards));
    assert_eq!(over(2).concat(), backwards);

    // Of one kind there may be more than were asked for; of several each has its part.
    let some = daemon.command(&["jobs", "list", "--name", "yard.load", "--limit", "2"]);
    assert_eq!(some.out.lines().count(), 2);
    let place = some.err.trim().rsplit(' ').next().expect("a place").to_owned();
    assert!(some.err.contains("there may be more: the same with --after yard.load:"), "{}", some.err);
    let rest = daemon.command(&["jobs", "list", "--name", "load", "--limit", "1", "--after", &place]);
    assert!(rest.out.starts_with(&enqueued[2]), "{}{}", rest.out, rest.err);
    let each = daemon.command(&["jobs", "list", "--limit", "2"]);
    assert_eq!((each.out.lines().count(), &*each.err), (2, ""));
    for (query, status, code, part) in [
        ("name=nothing", 404, "NOT_FOUND", "there is no kind of jobs `nothing`; there are yard.load, yard.sweep"),
        ("after=yard.load", 400, "QUERY_INVALID", "`yard.load` is no place in a list of these jobs"),
        ("limit=1001", 400, "QUERY_INVALID", "JOBS_PAGE_MAX"),
    ] {
        let answer = daemon.admin().get(&format!("/api/_admin/jobs?{query}"));
        answer.expect_error(status, code);
        assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.contains(part)), "{}", answer.body);
    }
}
