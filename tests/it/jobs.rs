//! Jobs: enqueued with a unit of work, run once, tried again, scheduled, listed, run by hand and cancelled.

use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, Daemon, Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
permissions: [records:own, jobs, events:publish, events:subscribe]
topics:
  crew.shift.begun: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [crew.shift.begun]
roles: [{name: crew.user, billable: false, grants: [crew.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "crew_ran", "fields": [{"name": "kind", "type": "string"},
  {"name": "job", "type": "string"}, {"name": "turn", "type": "integer"}, {"name": "attempt", "type": "integer"}, {"name": "args", "type": "json"}]},
  {"name": "crew_switch", "fields": [{"name": "on", "type": "boolean"}]}]}"#;
const CODE: &str = r#"
const note = (job) => $app.dao().saveRecord("crew_ran", {
  turn: $app.dao().countRecords("crew_ran", {}), kind: job.kind, job: job.id, attempt: job.attempt, args: job.args });
$jobs.register("send", { attempts: 5, backoff: "30ms", cap: "60ms" }, function send(job) {
  const on = $app.dao().countRecords("crew_switch", {}) > 0;
  if (!on && job.attempt <= (job.args?.fails ?? 0)) throw new Error(`try ${job.attempt}`);
  note(job);
});
$jobs.register("oneByOne", { concurrency: 1 }, (job) => {
  let sum = 0;
  for (let i = 0; i < (job.args.turns ?? 0); i++) sum += i;
  note(job);
});
$jobs.register("chain", async (job) => {
  note(job);
  if (job.args.left > 0) $jobs.enqueue("chain", { left: job.args.left - 1 });
});
$jobs.cron("everyMinute", "* * * * *", { timezone: "Europe/Berlin" }, (job) => note(job));
$jobs.cron("never.soon", "0 6 1 1 *", { catchUp: false }, (job) => note(job));
$app.routerAdd("POST", "/api/crew/begin", (e) => $app.realtime().publish("crew.shift.begun", {}));
$app.routerAdd("POST", "/api/crew/jobs", (e) => {
  const { kind, args, options, fail } = e.body;
  const done = $jobs.enqueue(kind, args, options);
  if (fail) throw new AppError("NOT_SO", "the verb changed its mind", { status: 422 });
  return done;
});
$app.routerAdd("POST", "/api/crew/many", (e) => e.body.map(({ args, options }) => $jobs.enqueue("oneByOne", args, options).id));
$app.routerAdd("POST", "/api/crew/switch", () => $app.dao().saveRecord("crew_switch", { on: true }));
$app.routerAdd("GET", "/api/crew/ran", () => $app.dao().findRecordsByFilter("crew_ran", {}, { sort: "turn" }));
"#;
const OBSERVER: &str = "
schema: schema.json
tags: [observer]
consumes: ['**']
roles: [{name: ear.user, billable: false, grants: [ear.use]}]
";
const HEARD: &str = r#"{"collections": [{"name": "ear_heard", "fields": [{"name": "topic", "type": "string"}]}]}"#;
const EAR: &str = r#"
$app.onEvent("**", function everything(e) { $app.dao().saveRecord("ear_heard", { topic: e.topic }); });
$app.routerAdd("GET", "/api/ear/heard", () => $app.dao().findRecordsByFilter("ear_heard", {}).map((one) => one.topic));
"#;
const PATIENCE: Duration = Duration::from_secs(15);
/// The finest schedule runs every minute.
const A_MINUTE_AND_MORE: Duration = Duration::from_secs(75);

#[test]
fn a_job_is_enqueued_with_its_unit_of_work_or_not_at_all() {
    let daemon = crew();
    let client = daemon.client();
    let body = json!({"kind": "send", "args": {"to": "A"}, "fail": true});
    client.post("/api/crew/jobs", &body).expect_error(422, "NOT_SO");
    let id = enqueue(&client, "send", &json!({"to": "B"}), &json!({}));
    let ran = wait_for(&client, PATIENCE, |ran| ran["kind"] == "send");
    assert_eq!((&ran["job"], &ran["args"], &ran["attempt"]), (&json!(id), &json!({"to": "B"}), &json!(1)));
    // The pattern `**` hears what plugins publish, and no job.
    client.post("/api/crew/begin", &json!({})).expect_status(200);
    let heard = || client.get("/api/ear/heard").expect_status(200).data().clone();
    wait_until(PATIENCE, || (heard() != json!([])).then_some(()));
    assert_eq!(heard(), json!(["crew.shift.begun"]));
    assert_eq!(ran_of(&client, "send").len(), 1);
}

#[test]
fn a_unique_key_holds_until_the_job_has_run() {
    let daemon = crew();
    let client = daemon.client();
    let unique = |delay: &str| {
        let options = json!({"uniqueKey": "invoice-7", "delay": delay});
        client.post("/api/crew/jobs", &json!({"kind": "send", "args": {}, "options": options})).expect_status(200)
    };
    let first = unique("700ms");
    let second = unique("0ms");
    assert_eq!((&second.data()["id"], &second.data()["duplicate"]), (&first.data()["id"], &json!(true)));
    wait_for(&client, PATIENCE, |ran| ran["job"] == first.data()["id"]);
    let third = unique("0ms");
    assert_eq!(third.data()["duplicate"], json!(false), "its turn is over");
    wait_for(&client, PATIENCE, |ran| ran["job"] == third.data()["id"]);
    assert_eq!(ran_of(&client, "send").len(), 2);
}

#[test]
fn a_scheduled_job_outlives_a_kill_and_a_cancelled_one_never_runs() {
    let mut daemon = crew();
    let client = daemon.client();
    let later = enqueue(&client, "send", &json!({"n": 1}), &json!({"delay": "1500ms"}));
    let never = enqueue(&client, "send", &json!({"n": 2}), &json!({"delay": "1500ms"}));
    let at = enqueue(&client, "send", &json!({"n": 3}), &json!({"runAt": "2999-01-01T00:00:00Z"}));
    assert_eq!(state(&daemon, &later), "scheduled");
    assert!(daemon.command(&["jobs", "cancel", &never]).out.contains("is cancelled"));
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    let client = daemon.client();
    wait_for(&client, PATIENCE, |ran| ran["job"] == json!(later));
    assert_eq!(
        (state(&daemon, &later), state(&daemon, &never), state(&daemon, &at)),
        ("done".into(), "cancelled".into(), "scheduled".into())
    );
    let ended = |id: &str| show(&daemon, id)["ended"].clone();
    assert!(ended(&later).is_string() && ended(&never).is_string(), "{} {}", ended(&later), ended(&never));
    assert_eq!(ended(&at), Value::Null);
    let metrics = client.with_token("").get("/metrics").text;
    let counted = metrics
        .lines()
        .find(|line| line.starts_with("trunkline_unit_seconds_count{plugin=\"crew\",kind=\"job\",end=\"settled\"}"));
    assert!(counted.is_some_and(|line| !line.ends_with(" 0")), "jobs are a kind of their own: {counted:?}");
    let again = daemon.command(&["jobs", "cancel", &later]);
    assert!(again.exit != Some(0) && again.err.contains("has ended"), "{}", again.err);
    let ran: Vec<Value> = ran_of(&client, "send").iter().map(|ran| ran["args"]["n"].clone()).collect();
    assert_eq!(ran, [json!(1)]);
    let listed = list(&daemon, &[]);
    let waiting: Vec<&Value> = listed.iter().filter(|job| job["kind"] == "send").map(|job| &job["id"]).collect();
    assert_eq!(waiting, [&json!(at)]);
}

#[test]
fn a_failing_job_is_tried_again_and_ends_as_a_dead_letter() {
    let daemon = crew();
    let client = daemon.client();
    let flaky = enqueue(&client, "send", &json!({"fails": 3}), &json!({}));
    let ran = wait_for(&client, PATIENCE, |ran| ran["job"] == json!(flaky));
    assert_eq!(ran["attempt"], 4);
    let bad = enqueue(&client, "send", &json!({"fails": 99}), &json!({"attempts": 2}));
    let failed = wait_until(PATIENCE, || list(&daemon, &["--state", "failed"]).into_iter().next());
    assert_eq!((&failed["id"], &failed["attempts"]), (&json!(bad), &json!(2)));
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("try 2")), "{failed}");
    let letters: Value = serde_json::from_str(&daemon.command(&["dead", "list", "--json"]).out).expect("JSON");
    client.post("/api/crew/switch", &json!({})).expect_status(200);
    assert!(daemon.command(&["dead", "retry", letters[0]["id"].as_str().expect("an id")]).exit == Some(0));
    wait_for(&client, PATIENCE, |ran| ran["job"] == json!(bad));
    assert_eq!(wait_until(PATIENCE, || Some(state(&daemon, &bad)).filter(|state| state == "done")), "done");
}

#[test]
fn the_higher_priority_goes_first_where_jobs_wait() {
    let daemon = crew();
    let client = daemon.client();
    let one =
        |turns: u64, priority: i64| json!({"args": {"turns": turns, "p": priority}, "options": {"priority": priority}});
    // The first keeps the only place while the others are enqueued, all in one unit of work.
    let many = json!([one(200_000, 0), one(0, -1), one(0, 0), one(0, 9), one(0, 0), one(0, 3)]);
    client.post("/api/crew/many", &many).expect_status(200);
    wait_until(PATIENCE, || (ran_of(&client, "oneByOne").len() == 6).then_some(()));
    let order: Vec<i64> =
        ran_of(&client, "oneByOne").iter().map(|ran| ran["args"]["p"].as_i64().expect("a number")).collect();
    assert_eq!(order, [0, 9, 3, 0, 0, -1]);
}

#[test]
fn a_job_may_enqueue_the_next_but_not_for_ever_without_a_pause() {
    let daemon = crew();
    let client = daemon.client();
    enqueue(&client, "chain", &json!({"left": 40}), &json!({}));
    let dead = wait_until(PATIENCE, || list(&daemon, &["--state", "failed"]).into_iter().next());
    assert!(dead["error"].as_str().is_some_and(|error| error.starts_with("HOP_LIMIT")), "{dead}");
}

#[test]
fn a_job_can_be_run_by_hand_for_one_tenant_or_for_each() {
    let daemon = crew();
    let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201);
    let other = daemon.client().with_token(made.body["token"].as_str().expect("a token"));
    let run = daemon.command(&["jobs", "run-now", "crew.send", "--tenant", "other", "--args", r#"{"by": "hand"}"#]);
    assert!(run.exit == Some(0), "{}", run.err);
    let ran = wait_for(&other, PATIENCE, |ran| ran["kind"] == "send");
    assert_eq!(ran["args"], json!({"by": "hand"}));
    assert!(ran_of(&daemon.client(), "send").is_empty());
    assert_eq!(daemon.command(&["jobs", "run-now", "never.soon"]).out.lines().count(), 2);
    for client in [&other, &daemon.client()] {
        wait_for(client, PATIENCE, |ran| ran["kind"] == "never.soon");
    }
    let unknown = daemon.command(&["jobs", "run-now", "sned"]);
    assert!(
        unknown.exit != Some(0) && unknown.err.contains("no plugin has a job `sned`; there are crew.send"),
        "{}",
        unknown.err
    );
}

#[test]
fn a_schedule_runs_on_time_once_and_goes_on_after_a_kill() {
    let mut daemon = crew();
    let schedules = daemon.command(&["jobs", "list", "--schedules"]).out;
    assert!(schedules.contains("crew.everyMinute  * * * * * Europe/Berlin  next "), "{schedules}");
    let runs = |daemon: &Daemon| -> Vec<Value> {
        list(daemon, &["--tenant", "demo"]).into_iter().filter(|job| job["kind"] == "everyMinute").collect()
    };
    let first = runs(&daemon);
    assert_eq!((first.len(), &first[0]["state"]), (1, &json!("scheduled")), "{first:?}");
    assert!(first[0]["due"].as_str().is_some_and(|due| due.ends_with(":00.000Z")), "{first:?}");
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    assert_eq!(runs(&daemon)[0]["id"], first[0]["id"], "it still waits, and no second one");
    let client = daemon.client();
    let ran = wait_for(&client, A_MINUTE_AND_MORE, |ran| ran["kind"] == "everyMinute");
    assert_eq!(ran["job"], first[0]["id"]);
    let second = runs(&daemon);
    assert_eq!((second.len(), ran_of(&client, "everyMinute").len()), (1, 1));
    assert!(second[0]["due"].as_str() > first[0]["due"].as_str());
    // A run that is cancelled is left out, and the one after it waits.
    assert!(daemon.command(&["jobs", "cancel", second[0]["id"].as_str().expect("an id")]).exit == Some(0));
    let third = runs(&daemon);
    assert_eq!(third.len(), 1);
    assert!(third[0]["due"].as_str() > second[0]["due"].as_str(), "{third:?}");
}

#[test]
fn mistakes_with_jobs_are_named_with_their_place() {
    let daemon = crew();
    let client = daemon.client();
    let refused = |body: &Value| client.post("/api/crew/jobs", body);
    refused(&json!({"kind": "sned", "args": {}})).expect_error(500, "JOB_UNKNOWN");
    let wrong = refused(&json!({"kind": "send", "options": {"delya": "1s"}}));
    assert!(wrong.text.contains("job options has no `delya`; known are runAt, delay"), "{}", wrong.text);
    let both = refused(&json!({"kind": "send", "options": {"delay": "1s", "runAt": 5}}));
    assert!(both.text.contains("runAt and delay say the same"), "{}", both.text);
    let at = refused(&json!({"kind": "send", "options": {"runAt": "tomorrow"}}));
    assert!(at.text.contains("runAt must be a Date, an RFC 3339 text"), "{}", at.text);
    for (code, permissions, want) in [
        ("$jobs.cron('x', '0 25 * * *', () => {});", "[jobs]", "`0 25 * * *` is no schedule: `25` is no hour (0-23)"),
        ("$jobs.cron('x', '0 5 * * *', { timezone: 'Mars' }, () => {});", "[jobs]", "no time zone `Mars`"),
        ("$jobs.register('a b', () => {});", "[jobs]", "`a b` is not a valid kind of job"),
        ("$jobs.register('a', () => {}); $jobs.register('a', () => {});", "[jobs]", "the job a is registered twice"),
        ("$jobs.register('aB', () => {}); $jobs.register('a-b', () => {});", "[jobs]", "share the topic jobs.odd.a-b"),
        ("$jobs.register('x', () => {});", "[records:own]", "does not list `jobs` under `permissions`"),
    ] {
        // The rule that would find a missing permission before is off, to see what the daemon does by itself.
        let suite = Suite::new().plugin("odd", &format!("permissions: {permissions}\n"), code);
        let suite = suite.settings("rules: {TL113: off}\n");
        let failed = Start::suite(suite).try_run().err().expect("a plugin that cannot start").to_string();
        assert!(failed.contains(want) && failed.contains("odd"), "{code}: {failed}");
    }
}

fn crew() -> Daemon {
    let suite = Suite::new().plugin("crew", MANIFEST, CODE).file("crew/schema.json", SCHEMA);
    Start::suite(suite.plugin("ear", OBSERVER, EAR).file("ear/schema.json", HEARD)).run()
}

fn enqueue(client: &Client, kind: &str, args: &Value, options: &Value) -> String {
    let answer = client.post("/api/crew/jobs", &json!({"kind": kind, "args": args, "options": options}));
    let answer = answer.expect_status(200);
    answer.data()["id"].as_str().expect("an id").to_owned()
}

fn ran_of(client: &Client, kind: &str) -> Vec<Value> {
    let ran = client.get("/api/crew/ran").expect_status(200);
    ran.data().as_array().into_iter().flatten().filter(|ran| ran["kind"] == kind).cloned().collect()
}

fn wait_for(client: &Client, patience: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
    wait_until(patience, || {
        let ran = client.get("/api/crew/ran").expect_status(200);
        ran.data().as_array().into_iter().flatten().find(|ran| wanted(ran)).cloned()
    })
}

fn list(daemon: &Daemon, args: &[&str]) -> Vec<Value> {
    let ran = daemon.command(&[&["jobs", "list", "--json"], args].concat());
    assert!(ran.exit == Some(0), "{}", ran.err);
    serde_json::from_str(&ran.out).expect("a list")
}

fn show(daemon: &Daemon, id: &str) -> Value {
    let ran = daemon.command(&["jobs", "show", id, "--json"]);
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err))
}

fn state(daemon: &Daemon, id: &str) -> String {
    show(daemon, id)["state"].as_str().expect("a state").to_owned()
}
