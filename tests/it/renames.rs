//! Kinds of jobs that get another name while jobs of the old one wait, and plugins that do not run while theirs do: what an
//! operator is told of a job is what becomes of it.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Client, Daemon, Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
permissions: [records:own, jobs]
roles: [{name: crew.user, billable: false, grants: [crew.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "crew_ran", "fields": [{"name": "what", "type": "string"}]}]}"#;
const PATIENCE: Duration = Duration::from_mins(1);
/// Time enough to save a file and to ask some questions, also on a slow machine.
const A_WHILE: Duration = Duration::from_secs(12);

/// The code of a plugin with one kind of job and one schedule; `options` are theirs.
fn code(kind: &str, options: &str) -> String {
    let cron = format!(
        "$jobs.cron(\"{kind}:nightly\", \"0 3 1 1 *\", {{ {} }}, () => null);",
        options.replace("one", "one:nightly")
    );
    format!(
        r#"
$jobs.register("{kind}", {{ attempts: 1, {options} }}, (job) => {{
  $app.dao().saveRecord("crew_ran", {{ what: job.args.what }});
  if (job.args.bad) throw new Error("no");
}});
{cron}
$app.routerAdd("POST", "/api/crew/jobs", (e) => $jobs.enqueue("{kind}", e.body.args, e.body.options));
"#
    )
}

#[test]
fn jobs_of_a_kind_that_was_renamed_are_told_of_and_cancelled_as_they_run() {
    let daemon = crew();
    let client = daemon.client();
    let later = |what: &str, key: &str| {
        let options = json!({"delay": format!("{}s", A_WHILE.as_secs()), "uniqueKey": key});
        enqueue(&client, &json!({"what": what}), &options)
    };
    let begun = Instant::now();
    let (never, runs) = (id(&later("never", "n")), id(&later("runs", "r")));
    let done = id(&enqueue(&client, &json!({"what": "done"}), &json!({})));
    let failed = id(&enqueue(&client, &json!({"what": "failed", "bad": true}), &json!({})));
    wait_until(PATIENCE, || (state(&daemon, &done) == "done" && state(&daemon, &failed) == "failed").then_some(()));
    rename(&daemon);
    let states = || [&never, &runs, &done, &failed].map(|id| state(&daemon, id));
    assert_eq!(states(), ["scheduled", "scheduled", "done", "failed"]);
    let listed = |args: &[&str]| {
        let mut ids: Vec<String> = list(&daemon, args).iter().filter(|job| job["name"] == "crew.uno").map(id).collect();
        ids.sort();
        ids
    };
    let (mut waiting, mut all) = (vec![never.clone(), runs.clone()], vec![never.clone(), runs.clone(), failed.clone()]);
    waiting.sort();
    all.sort();
    assert_eq!(listed(&[]), all);
    assert_eq!(listed(&["--name", "uno", "--state", "scheduled"]), waiting);
    assert_eq!(listed(&["--state", "done"]), [done.as_str()]);
    assert_eq!(listed(&["--state", "failed"]), [failed.as_str()]);
    // The schedule has one run that waits, under its new name.
    let runs_of_schedule = list(&daemon, &["--name", "crew.uno:nightly"]);
    assert_eq!(runs_of_schedule.len(), 1, "{runs_of_schedule:?}");
    let again = later("again", "r");
    assert_eq!((id(&again), &again["duplicate"]), (runs.clone(), &json!(true)), "the key is taken");
    let cancelled = daemon.command(&["jobs", "cancel", &never]);
    assert!(begun.elapsed() < A_WHILE, "too slow a machine: the jobs have run before they could be looked at");
    assert!(cancelled.out.contains("is cancelled"), "{}", cancelled.err);
    assert_eq!(states(), ["cancelled", "scheduled", "done", "failed"]);
    wait_until(PATIENCE, || ran(&client).contains(&"runs".to_owned()).then_some(()));
    assert_eq!(ran(&client), ["done", "runs"]);
    wait_until(PATIENCE, || (states() == ["cancelled", "done", "done", "failed"]).then_some(()));
    assert_eq!(listed(&["--state", "cancelled"]), [never.as_str()]);
    let free = later("next", "r");
    assert_eq!(free["duplicate"], json!(false), "its turn is over");
}

#[test]
fn jobs_of_a_plugin_that_does_not_run_are_told_of_and_cancelled() {
    let daemon = crew();
    let client = daemon.client();
    let hour = || id(&enqueue(&client, &json!({"what": "it"}), &json!({"delay": "1h"})));
    let (first, second) = (hour(), hour());
    rename(&daemon);
    let third = hour();
    daemon.admin().post("/api/_admin/plugins/crew/disable", &json!({})).expect_status(200);
    let ids = |args: &[&str]| list(&daemon, args).iter().map(id).collect::<Vec<_>>();
    let all = ids(&[]);
    assert!([&first, &second, &third].iter().all(|id| all.contains(id)), "{all:?}");
    assert_eq!(ids(&["--name", "crew.uno"]), [first.as_str(), &second, &third]);
    assert_eq!((state(&daemon, &first), state(&daemon, &third)), ("scheduled".into(), "scheduled".into()));
    for id in [&first, &third] {
        let cancelled = daemon.command(&["jobs", "cancel", id]);
        assert!(cancelled.out.contains("is cancelled"), "{}", cancelled.err);
    }
    assert_eq!(ids(&["--name", "crew.uno"]), [second.as_str()]);
    daemon.admin().post("/api/_admin/plugins/crew/enable", &json!({})).expect_status(200);
    assert_eq!(ids(&["--name", "crew.uno"]), [second.as_str()]);
    assert_eq!((state(&daemon, &first), state(&daemon, &second)), ("cancelled".into(), "scheduled".into()));
}

fn crew() -> Daemon {
    let suite = Suite::new().plugin("crew", MANIFEST, &code("one", "")).file("crew/schema.json", SCHEMA);
    Start::suite(suite).watching().run()
}

fn rename(daemon: &Daemon) {
    daemon.save("crew/src/main.js", &code("uno", "formerly: \"one\""));
    wait_until(PATIENCE, || daemon.log().contains("`crew` is reloaded").then_some(()));
}

fn enqueue(client: &Client, args: &Value, options: &Value) -> Value {
    let answer = client.post("/api/crew/jobs", &json!({"args": args, "options": options})).expect_status(200);
    answer.data().clone()
}

fn id(job: &Value) -> String {
    job["id"].as_str().expect("an id").to_owned()
}

fn ran(client: &Client) -> Vec<String> {
    let all = client.get("/api/collections/crew_ran/records?sort=created").expect_status(200).body["items"].clone();
    all.as_array().into_iter().flatten().map(|one| one["what"].as_str().unwrap_or_default().to_owned()).collect()
}

fn list(daemon: &Daemon, args: &[&str]) -> Vec<Value> {
    let ran = daemon.command(&[&["jobs", "list", "--json"], args].concat());
    assert!(ran.exit == Some(0), "{}", ran.err);
    serde_json::from_str(&ran.out).expect("a list")
}

fn state(daemon: &Daemon, id: &str) -> String {
    let ran = daemon.command(&["jobs", "show", id, "--json"]);
    let job: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    job["state"].as_str().expect("a state").to_owned()
}
