//! Calls of one key run one after another and take from each other what they know of the store. What others change
//! meanwhile, and what came to nothing, they must not believe.

use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::report::say;
use tests::{Start, Suite};

const CALLS: usize = 900;
const CLIENTS: usize = 24;

const MANIFEST: &str = "schema: schema.json\nroles: [{name: lanes.user, billable: false, grants: [lanes.use]}]\n";
const SCHEMA: &str = r#"{"collections": [
  {"name": "lanes_counters", "fields": [{"name": "value", "type": "integer", "required": true},
    {"name": "last", "type": "integer"}]},
  {"name": "lanes_names", "fields": [{"name": "name", "type": "string", "required": true}], "unique": [["name"]]}
]}"#;
// Every call counts in two records, which are always equal for who sees them both as of one moment. Only one of them
// is read ahead.
const CODE: &str = r#"
const dao = $app.dao();
const ahead = { key: "/key", prefetch: () => ({ lanes_counters: ["one"] }) };
$app.routerAdd("POST", "/api/lanes/start", () => {
  for (const id of ["one", "two"]) dao.saveRecord("lanes_counters", { id, value: 0 });
});
$app.routerAdd("GET", "/api/lanes/one", { readOnly: true }, () => dao.findRecordById("lanes_counters", "one"));
$app.routerAdd("GET", "/api/lanes/names", { readOnly: true }, () => dao.countRecords("lanes_names", {}));
$app.routerAdd("POST", "/api/lanes/keyed", ahead, count);
$app.routerAdd("POST", "/api/lanes/blind", { key: "/key" }, count);
$app.routerAdd("POST", "/api/lanes/free", count);
$app.routerAdd("POST", "/api/lanes/look", ahead, () => seen());
const equal = { type: "object", required: ["equal"], properties: { equal: { const: true } } };
$app.routerAdd("POST", "/api/lanes/promise", { ...ahead, response: equal }, () => {
  const { value, other } = seen();
  return { equal: value === other };
});
function count(e) {
  if (e.body.fails) throw new AppError("REFUSED", "as asked", { status: 422, details: seen() });
  const { value } = seen();
  dao.saveRecord("lanes_names", { name: e.body.name });
  for (const id of ["one", "two"]) dao.saveRecord("lanes_counters", { id, value: value + 1, last: e.body.at });
  return value + 1;
}
function seen() {
  const { value, last } = dao.findRecordById("lanes_counters", "one");
  let spun = 0;
  while (spun < 5000) spun += 1;
  return { value, last: last ?? null, other: dao.findRecordById("lanes_counters", "two").value };
}
"#;

#[test]
fn calls_that_share_a_lane_count_as_if_each_ran_alone() {
    let suite = Suite::new().plugin("lanes", MANIFEST, CODE).file("lanes/schema.json", SCHEMA);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    client.post("/api/lanes/start", &json!({})).expect_status(200);
    let next = AtomicUsize::new(0);
    let (counted, looked) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    let (looks, refused, doubled) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let kept = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= CALLS {
                        return;
                    }
                    let path = ["keyed", "look", "blind", "promise", "keyed", "free", "look"][at % 7];
                    // Some throw, and some the store refuses when those behind them have run already.
                    let name = if at % 8 == 3 { "the same".to_owned() } else { format!("name {at}") };
                    let body = json!({"key": "one", "at": at, "name": name, "fails": at.is_multiple_of(5)});
                    let answer = client.post(&format!("/api/lanes/{path}"), &body);
                    match (path, answer.status) {
                        // What breaks its schema is judged on records that are so; else the call runs again.
                        ("promise", 200) => drop(kept.fetch_add(1, Ordering::Relaxed)),
                        ("look", 200) => {
                            looks.fetch_add(1, Ordering::Relaxed);
                            looked.lock().expect("no panic").push(answer.data().clone());
                        }
                        (_, 200) => drop(counted.lock().expect("no panic").insert(at, answer.data().clone())),
                        (_, 422) if body["fails"] == true => {
                            refused.fetch_add(1, Ordering::Relaxed);
                            looked.lock().expect("no panic").push(answer.body["error"]["details"].clone());
                        }
                        (_, 409) if name == "the same" => drop(doubled.fetch_add(1, Ordering::Relaxed)),
                        other => panic!("{other:?}: {}", answer.text),
                    }
                }
            });
        }
    });
    let (counted, looked) = (counted.into_inner().expect("no panic"), looked.into_inner().expect("no panic"));
    let last = counted.len();
    let mut counts: Vec<_> = counted.values().map(|count| count.as_u64().expect("a count")).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=last as u64).collect::<Vec<_>>(), "each count once");
    for seen in looked.iter().filter(|seen| seen["value"] != 0) {
        assert_eq!(seen["value"], seen["other"], "seen as of two moments");
        let by = seen["last"].as_u64().and_then(|at| usize::try_from(at).ok()).expect("a call");
        assert_eq!(counted.get(&by), Some(&seen["value"]), "call {by} was seen, which never came to that");
    }
    assert_eq!(client.get("/api/lanes/one").expect_status(200).data()["value"], last);
    assert_eq!(*client.get("/api/lanes/names").expect_status(200).data(), last);
    let (looks, refused, doubled) = (looks.into_inner(), refused.into_inner(), doubled.into_inner());
    assert_eq!(kept.into_inner(), (0..CALLS).filter(|at| at % 7 == 3).count());
    assert!(refused > 20 && doubled > 20 && looks > 50, "{refused} {doubled} {looks}");
    say(&format!("{last} counted, {refused} thrown, {doubled} refused by the store, {looks} looked"));
}
