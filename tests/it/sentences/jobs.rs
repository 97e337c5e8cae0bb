//! Jobs and schedules, docs/src/jobs.md.

use super::hold;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::{Answer, Client, Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);

const HEAD: &str = "
schema: schema.json
permissions: [records:own, jobs, events:publish]
roles: [{name: crew.user, billable: false, grants: [crew.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "crew_ran", "fields": [
  {"name": "kind", "type": "string"}, {"name": "at", "type": "string"}, {"name": "job", "type": "json"}]}]}"#;
const CODE: &str = r#"
const ran = (job) => $app.dao().saveRecord("crew_ran", { kind: job.kind, at: new Date($app.now()).toISOString(), job });
const fails = (job) => { if (job.attempt <= (job.args?.fails ?? 0)) throw new AppError("NOT_YET", `try ${job.attempt}`); ran(job); };
$jobs.register("plain", fails);
$jobs.register("paced", { attempts: 6, backoff: "1m", cap: "3m" }, fails);
$jobs.register("hasty", { attempts: 1, deadline: "20ms" }, () => { for (;;); });
$jobs.register("a1-b_c.d:e", ran);
$jobs.register("x".repeat(64), ran);
$jobs.register("chain", (job) => { ran(job); if (job.args.left > 0) $jobs.enqueue("chain", { ...job.args, left: job.args.left - 1 }, { delay: job.args.pause }); });
const late = (job) => { if (job.scheduledAt.includes("T09") && $app.now() < Date.parse("2026-01-05T11:30:00Z")) throw new Error("not yet"); ran(job); };
const hourly = { attempts: 100, backoff: "1h", cap: "1h" };
$jobs.cron("none", "0 9-16 5 1 *", { ...hourly, catchUp: "none" }, late);
$jobs.cron("one", "0 9-16 5 1 *", hourly, late);
$jobs.cron("all", "0 9-16 5 1 *", { ...hourly, catchUp: "all" }, late);
$jobs.cron("fragile", "0 9-16 5 1 *", { attempts: 1 }, (job) => { if (job.scheduledAt.includes("T10")) throw new Error("no"); ran(job); });
$jobs.cron("gap", "30 2 29 3 *", { timezone: "Europe/Berlin" }, ran);
$jobs.cron("twice", "30 2 25 10 *", { timezone: "Europe/Berlin" }, ran);
$jobs.cron("lastFriday", "0 7 * 2 FRI#L", ran);
$jobs.cron("lastDay", "0 7 L 2 *", ran);
$jobs.cron("thirdMonday", "0 7 * 2 MON#3", ran);
$jobs.cron("nearest", "0 7 15W 2 *", ran);
$jobs.cron("daily", "@daily", (job) => { if (job.scheduledAt.startsWith("2026-02-1")) ran(job); });
$jobs.cron("sundays", "0 7 8 2 7", ran);
$app.routerAdd("POST", "/api/crew/jobs", (e) => {
  const { kind, args, options = {} } = e.body;
  if (options.date) { options.runAt = new Date(options.date); delete options.date; }
  return $jobs.enqueue(kind, args, options);
});
$app.routerAdd("POST", "/api/crew/odd", (e) => $jobs.enqueue("plain", { fn: () => 0 }));
$app.routerAdd("POST", "/api/crew/none", (e) => $jobs.enqueue("plain"));
$app.routerAdd("POST", "/api/crew/forged", (e) => $app.realtime().publish("jobs.crew.plain", {}));
"#;
const TESTS: &str = r#"
const enqueue = (app, kind, args, options) => app.call("POST", "/api/crew/jobs", { body: { kind, args, options } });
const ran = (app, kind) => app.records("crew_ran", { kind }, { sort: "at" });
const at = (app, kind) => ran(app, kind).map((it) => it.at);
const hours = (app, kind) => ran(app, kind).map((it) => [it.job.scheduledAt.slice(11, 16), it.at.slice(11, 16)]);

test("a handler is called with these fields and no more", (app) => {
  const { data } = enqueue(app, "a1-b_c.d:e", { n: 1 });
  expect(Object.keys(data).sort()).toEqual(["duplicate", "id"]);
  const [{ job }] = ran(app, "a1-b_c.d:e");
  expect(Object.keys(job).sort()).toEqual(["args", "attempt", "correlationId", "id", "kind", "scheduledAt", "tenant"]);
  expect(job).toMatchObject({ args: { n: 1 }, attempt: 1, id: data.id, kind: "a1-b_c.d:e", scheduledAt: "2026-01-05T08:00:00.000Z", tenant: "test" });
  app.call("POST", "/api/crew/none");
  expect(ran(app, "plain")[0].job.args).toBeNull();
  expect(app.call("POST", "/api/crew/odd").error.code).toBe("VALUE_UNSUPPORTED");
});
test("without a word there are twelve tries, and pauses of 200 ms at most at first, then twice that", (app) => {
  enqueue(app, "plain", { fails: 99 });
  app.advance("1h");
  expect(app.deadLetters()).toMatchObject([{ attempts: 12, code: "NOT_YET" }]);
  for (let n = 0; n < 20; n += 1) enqueue(app, "plain", { fails: 2, n });
  app.advance("200ms");
  app.advance("400ms");
  expect(ran(app, "plain")).toHaveLength(20);
});
test("pauses double up to their cap, by chance anything up to that", (app) => {
  for (let n = 0; n < 20; n += 1) enqueue(app, "paced", { fails: 5 });
  app.advance("12m");
  const took = at(app, "paced").map((it) => new Date(it).getTime() - (app.now() - 12 * 60_000));
  expect(took).toHaveLength(20);
  expect(Math.min(...took)).toBeLessThan(6 * 60_000);
  expect(Math.max(...took)).toBeGreaterThan(6 * 60_000);
});
test("a job's own attempts are all its tries", (app) => {
  enqueue(app, "plain", { fails: 99 }, { attempts: 1 });
  expect(app.deadLetters()).toMatchObject([{ attempts: 1 }]);
  expect(enqueue(app, "plain", {}, { attempts: 0 }).error.message).toMatch("attempts must be a whole number from 1");
  expect(enqueue(app, "plain", {}, { priority: 1.5 }).error.message).toMatch("priority must be a whole number");
});
test("a try has its deadline", (app) => {
  enqueue(app, "hasty", {});
  expect(app.deadLetters()).toMatchObject([{ attempts: 1, code: "PLUGIN_DEADLINE" }]);
  expect(app.deadLetters()[0].reason).toMatch("the job hasty ran longer than its deadline of 20 ms");
});
test("a job runs at a time that is said in any of five ways, one that is past at once", (app) => {
  const due = new Date(app.now() + 90_000);
  for (const options of [{ delay: "90s" }, { delay: 90_000 }, { runAt: due.toISOString() }, { runAt: due.getTime() }, { date: due.toISOString() }]) {
    enqueue(app, "plain", {}, options);
  }
  enqueue(app, "chain", { left: 0 }, { runAt: "2020-01-01T00:00:00Z" });
  expect(ran(app, "chain")).toHaveLength(1);
  app.advance("89999ms");
  expect(ran(app, "plain")).toHaveLength(0);
  app.advance("1ms");
  expect(at(app, "plain")).toEqual(Array(5).fill(due.toISOString()));
});
test("a unique key is the job's until it has ended, whatever the arguments", (app) => {
  const unique = (args, options) => enqueue(app, "plain", args, { uniqueKey: 7, ...options }).data;
  const first = unique({ fails: 1 }, { delay: "1m" });
  expect(unique({ other: true }, { uniqueKey: "7" })).toEqual({ id: first.id, duplicate: true });
  app.advance("1m");
  expect(unique({}).duplicate).toBe(true);
  app.advance("1m");
  expect(ran(app, "plain").map((it) => it.job.id)).toEqual([first.id]);
  expect(unique({ fails: 99 }, { attempts: 1 }).duplicate).toBe(false);
  expect(app.deadLetters()).toHaveLength(1);
  expect(unique({}).duplicate).toBe(false);
});
test("a chain with pauses of a second goes on as long as it likes", (app) => {
  enqueue(app, "chain", { left: 30, pause: "1s" });
  app.advance("1m");
  expect(ran(app, "chain")).toHaveLength(31);
  enqueue(app, "chain", { left: 30, pause: "999ms" });
  app.advance("1m");
  expect(ran(app, "chain").length).toBeLessThan(31 + 18);
  expect(app.deadLetters()).toMatchObject([{ code: "HOP_LIMIT" }]);
});
test("what went by while a run went on is left out, or made up for", (app) => {
  app.advance("9h");
  for (const kind of ["none", "one"]) {
    const [[scheduled, began], ...after] = hours(app, kind);
    const left = ["10", "11", "12", "13", "14", "15", "16"].map((it) => `${it}:00`).filter((it) => it > began);
    expect([kind, scheduled, began > "11:30", after]).toEqual([kind, "09:00", true, left.map((it) => [it, it])]);
  }
  expect(hours(app, "all").map(([scheduled]) => scheduled).sort()).toEqual(["09:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00", "16:00"]);
});
test("a run that fails for good does not end its schedule", (app) => {
  app.advance("9h");
  expect(hours(app, "fragile")).toEqual(["09:00", "11:00", "12:00", "13:00", "14:00", "15:00", "16:00"].map((it) => [it, it]));
});
test("a time that is left out is made up for after the gap, and one that comes twice is taken once", (app) => {
  app.advance("300d");
  expect(at(app, "gap")).toEqual(["2026-03-29T01:00:00.000Z"]);
  expect(at(app, "twice")).toEqual(["2026-10-25T00:30:00.000Z"]);
});
test("ranges, names, L, W, # and nicknames mean what the specification says", (app) => {
  app.advance("60d");
  const days = (kind) => at(app, kind).map((it) => it.slice(5, 16));
  expect(days("lastFriday")).toEqual(["02-27T07:00"]);
  expect(days("lastDay")).toEqual(["02-28T07:00"]);
  expect(days("thirdMonday")).toEqual(["02-16T07:00"]);
  expect(days("nearest")).toEqual(["02-16T07:00"]);
  expect(days("daily")).toEqual(["02-10T00:00", "02-11T00:00", "02-12T00:00", "02-13T00:00", "02-14T00:00", "02-15T00:00", "02-16T00:00", "02-17T00:00", "02-18T00:00", "02-19T00:00"]);
  expect(days("sundays").slice(0, 2)).toEqual(["02-01T07:00", "02-08T07:00"]);
});
test("nobody publishes a job but through $jobs", (app) => {
  expect(app.call("POST", "/api/crew/forged").error.code).toBe("TOPIC_UNDECLARED");
});
"#;

#[test]
fn what_the_page_says_of_jobs_holds() {
    let suite = Suite::new().plugin("crew", HEAD, CODE).file("crew/schema.json", SCHEMA);
    let suite = suite.settings("rules: {TL302: off, TL301: off, TL303: off}\n");
    hold(&suite.file("crew/tests/jobs.test.js", TESTS));
}

const DESK: &str = r#"
const ran = (job) => $app.dao().saveRecord("crew_ran", { kind: job.kind, job });
$jobs.register("work", { attempts: 1 }, (job) => {
  if (job.args?.fails && $app.dao().countRecords("crew_ran", { kind: "open" }) === 0) throw new AppError("CLOSED", "the door is closed");
  ran(job);
});
$jobs.cron("yearly", "0 6 1 1 *", { timezone: "Europe/Berlin", catchUp: "all" }, ran);
$app.routerAdd("POST", "/api/crew/jobs", (e) => $jobs.enqueue(e.body.kind, e.body.args, e.body.options));
$app.routerAdd("POST", "/api/crew/open", () => $app.dao().saveRecord("crew_ran", { kind: "open" }));
"#;

fn desk(code: &str) -> Suite {
    Suite::new().plugin("crew", HEAD, code).file("crew/schema.json", SCHEMA)
}

fn enqueue(client: &Client, kind: &str, args: &Value, options: &Value) -> String {
    let body = json!({"kind": kind, "args": args, "options": options});
    client.post("/api/crew/jobs", &body).expect_status(200).data()["id"].as_str().expect("an id").to_owned()
}

fn ids(page: &Answer) -> Vec<&str> {
    page.body.as_array().into_iter().flatten().filter_map(|job| job["id"].as_str()).collect()
}

fn other_tenant(daemon: &Daemon) -> Client {
    let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201);
    daemon.client().with_token(made.body["token"].as_str().expect("a token"))
}

#[test]
fn operators_list_and_show_jobs_over_http() {
    let daemon = Start::suite(desk(DESK)).run();
    let (client, admin) = (daemon.client(), daemon.admin());
    let mut made = Vec::new();
    for n in 0..3 {
        let options = json!({"delay": "1h", "uniqueKey": format!("k{n}"), "priority": n});
        made.push(enqueue(&client, "work", &json!({"n": n}), &options));
    }
    let theirs = enqueue(&other_tenant(&daemon), "work", &json!({}), &json!({"delay": "1h"}));
    let list = |query: &str| admin.get(&format!("/api/_admin/jobs?{query}")).expect_status(200);
    // Of the schedule one run waits for each tenant.
    assert_eq!(list("").body.as_array().map(Vec::len), Some(6));
    assert_eq!(list("state=scheduled&name=yearly").body.as_array().map(Vec::len), Some(2));
    for state in ["pending", "running", "retrying", "failed", "done", "cancelled"] {
        assert_eq!(list(&format!("state={state}")).body, json!([]), "{state}");
    }
    assert_eq!(ids(&list("tenant=other&name=crew.work")), [&theirs]);
    // Pages of one kind, each with a link to the next.
    let first = list("tenant=demo&name=work&limit=2");
    let link = first.header("link");
    let next =
        link.strip_prefix('<').and_then(|rest| rest.split_once('>')).filter(|(_, rel)| *rel == r#"; rel="next""#);
    let second = admin.get(next.unwrap_or_else(|| panic!("no link: {link:?}")).0).expect_status(200);
    assert_eq!([ids(&first), ids(&second)].concat(), made);
    assert_eq!(second.header("link"), "");
    // One of them, with these fields and no more.
    let one = admin.get(&format!("/api/_admin/jobs/{}", made[1])).expect_status(200).body;
    let fields: BTreeSet<&str> = one.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let known = "id name plugin kind tenant state attempts enqueued due ended priority unique_key error schedule args";
    assert_eq!(fields, known.split(' ').collect());
    let wanted = json!({"id": made[1], "name": "crew.work", "plugin": "crew", "kind": "work", "tenant": "demo",
        "state": "scheduled", "attempts": 0, "enqueued": one["enqueued"], "due": one["due"], "ended": null, "priority": 1,
        "unique_key": "k1", "error": null, "schedule": null, "args": {"n": 1}});
    assert_eq!(one, wanted);
    let at = |field: &str| one[field].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).expect("a time");
    assert_eq!(at("due").duration_since(at("enqueued")).as_secs(), 3600);
    assert_eq!(ids(&first)[1], made[1]);
    assert_eq!(first.body[1], one);
    assert_eq!(list("tenant=demo&name=yearly").body[0]["schedule"], "0 6 1 1 * Europe/Berlin");
    let schedules = admin.get("/api/_admin/jobs/schedules").expect_status(200).body;
    let next = &schedules[0]["next"];
    assert!(next.as_str().is_some_and(|next| next.contains("-01-01T05:00:00")), "{next}");
    let yearly = json!({"name": "crew.yearly", "schedule": "0 6 1 1 *", "timezone": "Europe/Berlin", "catch_up": "all", "next": next});
    assert_eq!(schedules, json!([yearly]));
    // What is asked for wrongly is refused by name.
    let refused = |query: &str, why: &str| {
        let answer = admin.get(&format!("/api/_admin/jobs?{query}"));
        assert!(
            answer.status == 400 && answer.code() == "QUERY_INVALID" && answer.text.contains(why),
            "{}",
            answer.text
        );
    };
    refused("limit=1001", "JOBS_PAGE_MAX");
    refused("state=asleep", "scheduled, pending, running, retrying, failed, done");
    refused("kind=work", "`kind`");
    let nobody = admin.get(&format!("/api/_admin/jobs/{}?tenant=other", made[0]));
    nobody.expect_error(404, "NOT_FOUND");
    admin.get("/api/_admin/jobs/none").expect_error(404, "NOT_FOUND");
}

#[test]
fn operators_run_cancel_and_take_up_jobs_over_http() {
    let daemon = Start::suite(desk(DESK)).run();
    let (client, admin) = (daemon.client(), daemon.admin());
    other_tenant(&daemon);
    let state = |id: &str| admin.get(&format!("/api/_admin/jobs/{id}")).expect_status(200).body["state"].clone();
    let reaches = |id: &str, wanted: &str| wait_until(PATIENCE, || (state(id) == wanted).then_some(()));
    let run_now = |body: &Value| admin.post("/api/_admin/jobs/run-now", body);
    // For each tenant, or for one.
    let all = run_now(&json!({"name": "work", "args": {"by": "hand"}})).expect_status(202).body;
    let one = run_now(&json!({"name": "crew.yearly", "tenant": "demo"})).expect_status(202).body;
    let started = |told: &Value| -> Vec<String> {
        assert_eq!(
            told.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>()),
            Some(vec!["ids".into(), "name".into()])
        );
        told["ids"].as_array().into_iter().flatten().map(|id| id.as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!((started(&all).len(), started(&one).len(), &all["name"]), (2, 1, &json!("work")));
    for id in started(&all).iter().chain(&started(&one)) {
        reaches(id, "done");
    }
    let ran = client.get("/api/collections/crew_ran/records").expect_status(200).body["items"].clone();
    let ran: BTreeSet<String> =
        ran.as_array().into_iter().flatten().map(|one| one["job"]["args"].to_string()).collect();
    assert_eq!(ran, [r#"{"by":"hand"}"#.to_owned(), "null".to_owned()].into());
    // The schedule goes on as if nothing had happened.
    let waits = || admin.get("/api/_admin/jobs?tenant=demo&name=yearly").expect_status(200).body;
    let run = waits();
    assert_eq!(run.as_array().map(Vec::len), Some(1));
    let unknown = run_now(&json!({"name": "wrok"}));
    assert!(unknown.text.contains("crew.work, crew.yearly"), "{}", unknown.text);
    unknown.expect_error(404, "NOT_FOUND");
    run_now(&json!({"name": "work", "tenant": "none"})).expect_error(404, "NOT_FOUND");
    run_now(&json!({"name": "work", "argz": {}})).expect_error(422, "BODY_INVALID");
    // One that has not ended is ended, once; of a schedule the next run follows.
    let cancel = |id: &str| admin.post(&format!("/api/_admin/jobs/{id}/cancel"), &json!({}));
    let later = enqueue(&client, "work", &json!({}), &json!({"delay": "1h"}));
    assert_eq!(cancel(&later).expect_status(200).body, json!({"id": later, "state": "cancelled"}));
    assert_eq!(state(&later), "cancelled");
    cancel(&later).expect_error(404, "NOT_FOUND");
    cancel(&started(&one)[0]).expect_error(404, "NOT_FOUND");
    let due = |run: &Value| run[0]["due"].as_str().expect("a time").to_owned();
    cancel(run[0]["id"].as_str().expect("an id")).expect_status(200);
    let after = waits();
    assert!(after.as_array().map(Vec::len) == Some(1) && due(&after) > due(&run), "{run} {after}");
    // One that has failed for good is taken up with its dead letter.
    let bad = enqueue(&client, "work", &json!({"fails": true}), &json!({}));
    reaches(&bad, "failed");
    let told = admin.get(&format!("/api/_admin/jobs/{bad}")).expect_status(200).body;
    assert!(told["error"].as_str().is_some_and(|why| why.contains("the door is closed")), "{told}");
    assert!(told["ended"].is_string() && told["attempts"] == 1, "{told}");
    let letters = admin.get("/api/_admin/dead-letters?plugin=crew").expect_status(200).body;
    client.post("/api/crew/open", &json!({})).expect_status(200);
    let retry = format!("/api/_admin/dead-letters/{}/retry", letters[0]["id"].as_str().expect("an id"));
    assert_eq!(admin.post(&retry, &json!({})).expect_status(200).body["state"], "pending");
    reaches(&bad, "done");
    // All of this is an administrator's.
    for (method, path) in
        [("GET", ""), ("GET", "/schedules"), ("GET", "/x"), ("POST", "/run-now"), ("POST", "/x/cancel")]
    {
        let answer = client.json(method, &format!("/api/_admin/jobs{path}"), &[], &json!({"name": "work"}));
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text);
    }
}

/// What waits under the old name is done under the new one: what has its time to come, what failed, and the run of a schedule.
#[test]
fn a_kind_takes_over_what_waits_under_its_former_name() {
    let mut daemon = Start::suite(desk(DESK)).run();
    let (client, admin) = (daemon.client(), daemon.admin());
    let waits = enqueue(&client, "work", &json!({"n": 1}), &json!({"delay": "2s"}));
    let failed = enqueue(&client, "work", &json!({"fails": true}), &json!({}));
    let state = |admin: &Client, id: &str| admin.get(&format!("/api/_admin/jobs/{id}")).body["state"].clone();
    wait_until(PATIENCE, || (state(&admin, &failed) == "failed").then_some(()));
    client.post("/api/crew/open", &json!({})).expect_status(200);
    let runs = |admin: &Client| admin.get("/api/_admin/jobs?state=scheduled").expect_status(200).body;
    let yearly = |all: &Value| all.as_array().into_iter().flatten().filter(|job| job["schedule"].is_string()).count();
    assert_eq!(yearly(&runs(&admin)), 1);
    assert!(daemon.stop().is_ok_and(|status| status.success()));
    let renamed = DESK.replace(r#""work", { attempts"#, r#""labour", { formerly: "work", attempts"#);
    let renamed = renamed.replace(r#""yearly", "0 6 1 1 *", {"#, r#""newYear", "0 6 1 1 *", { formerly: "yearly","#);
    assert_eq!(renamed.matches("formerly").count(), 2);
    std::fs::write(daemon.suite().join("crew/src/main.js"), renamed).expect("is written");
    daemon.restart().expect("starts again");
    let (client, admin) = (daemon.client(), daemon.admin());
    let ran = |id: &str| {
        let all = client.get("/api/collections/crew_ran/records").expect_status(200).body["items"].clone();
        let jobs = all.as_array().into_iter().flatten().map(|one| one["job"].clone());
        jobs.filter(|job| job["id"] == id).map(|job| job["kind"].clone()).collect::<Vec<_>>()
    };
    wait_until(PATIENCE, || (ran(&waits) == [json!("labour")]).then_some(()));
    let letters = admin.get("/api/_admin/dead-letters?plugin=crew").expect_status(200).body;
    let retry = format!("/api/_admin/dead-letters/{}/retry", letters[0]["id"].as_str().expect("a dead letter"));
    admin.post(&retry, &json!({})).expect_status(200);
    wait_until(PATIENCE, || (ran(&failed) == [json!("labour")]).then_some(()));
    let all = runs(&admin);
    assert_eq!((yearly(&all), &all[0]["name"]), (1, &json!("crew.newYear")), "{all}");
}

/// It would run twice: as the kind that is still there, and as the one that takes its place.
#[test]
fn a_kind_cannot_take_the_place_of_one_that_is_still_there() {
    for old in ["work", "labour"] {
        let code =
            format!("$jobs.register('work', () => 0);\n$jobs.register('labour', {{ formerly: '{old}' }}, () => 0);");
        let failed = Start::suite(desk(&code)).try_run().err().expect("a plugin that cannot start").to_string();
        for part in ["PLUGIN_INVALID", "`labour`", &format!("formerly: \"{old}\"")] {
            assert!(failed.contains(part), "{part}: {failed}");
        }
    }
}
