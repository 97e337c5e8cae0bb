//! Jobs and schedules, docs/src/jobs.md.

use super::hold;
use tests::Suite;

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
$jobs.register("hasty", { attempts: 1, deadline: "20ms" }, (job) => { for (let i = 0; i < 5_000_000; i += 1); ran(job); });
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
