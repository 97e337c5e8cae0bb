//! Record hooks, docs/src/hooks.md.

use super::hold;
use tests::Suite;

const HEAD: &str = "
schema: schema.json
topics: {den.thing.made: {kind: event, version: 1.0.0, schema: any.json, visibility: public}}
publishes: [den.thing.made]
permissions: [records:own, events:publish]
roles: [{name: den.user, billable: false, grants: [den.use]}]
";
const SCHEMA: &str = r#"{"collections": [
  {"name": "den_things", "fields": [{"name": "n", "type": "integer"}, {"name": "note", "type": "string"}]},
  {"name": "den_kept", "fields": [{"name": "thing", "type": "reference", "ref": {"collection": "den_things", "onDelete": "cascade"}}]},
  {"name": "den_loose", "fields": [{"name": "thing", "type": "reference", "ref": {"collection": "den_things", "onDelete": "set-null"}}]},
  {"name": "den_told", "fields": [{"name": "what", "type": "string"}, {"name": "turn", "type": "integer"}, {"name": "e", "type": "json"}, {"name": "now", "type": "json"}]}]}"#;
const CODE: &str = r#"
const dao = () => $app.dao();
const tell = (what, e, now) => dao().saveRecord("den_told", { what, e, now, turn: dao().countRecords("den_told", {}) });
for (const operation of ["create", "update", "delete"]) {
  $app.onRecord("before", operation, "den_things", (e) => {
    tell(`before ${operation}`, e, dao().findRecordsByFilter("den_things", { note: "inner" }).map((it) => it.n));
    if (e.record.note !== "forged") return;
    Object.assign(e.record, { created: "1999-01-01T00:00:00.000Z", updated: "1999-01-01T00:00:00.000Z", revision: 99 });
  });
  $app.onRecord("after", operation, "den_things", (e) => {
    tell(`after ${operation}`, e, dao().findRecordsByIds("den_things", [e.record.id])[0]);
  });
}
$app.onRecord("after", "create", "den_things", (e) => {
  if (e.record.note === "later" && e.attempt < 3) throw new Error("not yet");
  if (e.record.note === "never") throw new AppError("NEVER", "not at all");
  tell("second", e);
});
for (const collection of ["den_kept", "den_loose"]) {
  for (const when of ["before", "after"]) {
    for (const operation of ["update", "delete"]) $app.onRecord(when, operation, collection, (e) => { tell(`${when} ${operation} ${collection}`, e); });
  }
}
const registrations = {
  onRecord: () => $app.onRecord("after", "create", "den_things", () => 0),
  onEvent: () => $app.onEvent("den.thing.made", () => 0),
  onOutcome: () => $app.onOutcome("x", () => 0),
  onAttach: () => $app.onAttach(() => 0),
  onDetach: () => $app.onDetach(() => 0),
  provide: () => $app.provide("den.x", { x: () => 0 }),
  register: () => $jobs.register("x", () => 0),
  cron: () => $jobs.cron("x", "* * * * *", () => 0),
  routerAdd: () => $app.routerAdd("GET", "/api/den/x", () => 0),
};
$app.routerAdd("GET", "/api/den/late", () => Object.entries(registrations).map(([name, add]) => {
  try { add(); } catch (error) { return `${name}: ${error.message}`; }
}));
$app.routerAdd("POST", "/api/den/things", (e) => dao().saveRecord("den_things", e.body));
$app.routerAdd("DELETE", "/api/den/things/{id}", (e) => dao().deleteRecord("den_things", e.params.id));
$app.routerAdd("POST", "/api/den/twice", () => {
  const made = dao().saveRecord("den_things", { id: "t", n: 1 });
  dao().saveRecord("den_things", { id: made.id, n: 2 });
  dao().saveRecords("den_things", [{ id: "u", n: 3 }]);
});
$app.routerAdd("POST", "/api/den/thrown", (e) => {
  dao().saveRecord("den_things", { n: 1, note: "inner" });
  if (e.body.throws) throw new AppError("NO", "the verb changed its mind");
  dao().saveRecord("den_things", { n: 2 });
});
$app.routerAdd("POST", "/api/den/publish", () => $app.realtime().publish("den.thing.made", {}));
"#;
const TESTS: &str = r#"
const told = (app, what) => app.records("den_told", {}, { sort: "turn" }).filter((it) => it.what.startsWith(what));
const make = (app, body) => app.call("POST", "/api/den/things", { body, as: { user: "bob", roles: ["den.user"] } }).data;

test("a hook's argument has the fields of the table and no more", (app) => {
  const made = make(app, { n: 1 });
  make(app, { id: made.id, n: 2 });
  app.call("DELETE", `/api/den/things/${made.id}`, { as: { user: "bob", roles: ["den.user"] } });
  const before = ["actor", "collection", "correlationId", "operation", "previous", "record", "tenant"];
  const after = ["attempt", "id", ...before].sort();
  for (const operation of ["create", "update", "delete"]) {
    for (const [when, fields] of [["before", before], ["after", after]]) {
      const [{ e }] = told(app, `${when} ${operation}`);
      expect(Object.keys(e).sort()).toEqual(fields);
      expect(e).toMatchObject({ operation, collection: "den_things", actor: "bob", tenant: "test" });
      expect(e.record.id).toBe(made.id);
      expect(e.record.revision).toBe(operation === "create" ? 1 : 2);
      expect([typeof e.record.created, typeof e.record.updated]).toEqual(["string", "string"]);
      expect(e.previous?.n ?? null).toBe(operation === "update" ? 1 : null);
    }
  }
  const [create] = told(app, "after create");
  expect([create.e.attempt, create.e.id.length]).toEqual([1, 26]);
  expect(create.e.correlationId).toBe(told(app, "before create")[0].e.correlationId);
});
test("the automatic fields cannot be changed", (app) => {
  const made = make(app, { note: "forged" });
  expect([made.revision, made.created.slice(0, 4), made.updated.slice(0, 4)]).toEqual([1, "2026", "2026"]);
  expect(app.record("den_things", made.id)).toMatchObject({ revision: 1, created: made.created, updated: made.updated });
});
test("each save is a change of its own, and after it is told what became of the record", (app) => {
  app.call("POST", "/api/den/twice");
  const before = told(app, "before").map(({ what, e }) => [what, e.record.id, e.record.n]);
  expect(before).toEqual([["before create", "t", 1], ["before update", "t", 2], ["before create", "u", 3]]);
  const after = told(app, "after").map(({ what, e }) => [what, e.record.id, e.record.n]);
  expect(after.sort()).toEqual([["after create", "t", 2], ["after create", "u", 3]]);
});
test("a hook before a change sees what its unit has done so far, and a hook after one nothing that was not committed", (app) => {
  expect(app.call("POST", "/api/den/thrown", { body: { throws: true } }).error.code).toBe("NO");
  expect([told(app, ""), app.jobs()]).toEqual([[], []]);
  app.call("POST", "/api/den/thrown", { body: {} });
  expect(told(app, "before").map(({ e, now }) => [e.record.n, now])).toEqual([[1, []], [2, [1]]]);
  expect(told(app, "after").map(({ now }) => now.n).sort()).toEqual([1, 2]);
});
test("a hook after a change sees the record as the change left it, whatever has become of it", (app) => {
  app.hold("jobs.den.**");
  const made = make(app, { n: 1 });
  make(app, { id: made.id, n: 2 });
  app.call("DELETE", `/api/den/things/${made.id}`);
  app.release();
  expect(told(app, "after").map(({ e, now }) => [e.operation, e.record.n, now])).toEqual([["create", 1, null], ["update", 2, null], ["delete", 2, null]]);
});
test("hooks after the same operation share one unit of work", (app) => {
  make(app, { note: "later" });
  app.advance("1h");
  expect([...told(app, "after create"), ...told(app, "second")].map(({ e }) => e.attempt)).toEqual([3, 3]);
});
test("a hook that keeps throwing ends as a dead letter, and the change stays", (app) => {
  const made = make(app, { note: "never" });
  app.advance("24h");
  expect(app.deadLetters()).toMatchObject([{ code: "NEVER", attempts: 12 }]);
  expect([app.record("den_things", made.id).note, told(app, "after create")]).toEqual(["never", []]);
});
test("what goes along with a record, or lets go of it, sets off no hooks", (app) => {
  const made = make(app, {});
  const kept = app.save("den_kept", { thing: made.id });
  const loose = app.save("den_loose", { thing: made.id });
  app.call("DELETE", `/api/den/things/${made.id}`);
  expect([app.record("den_kept", kept.id), app.record("den_loose", loose.id).thing]).toEqual([null, null]);
  expect(told(app, "").filter(({ what }) => what.includes("den_kept") || what.includes("den_loose"))).toEqual([]);
});
test("what is registered is registered while the modules load", (app) => {
  app.call("POST", "/api/den/publish");
  const late = app.call("GET", "/api/den/late").data;
  expect(late).toHaveLength(9);
  for (const said of late) expect(said).toMatch(/^(\w+): .*\$(app|jobs)\.\1\b.*top level/);
});
"#;

#[test]
fn what_the_page_says_of_record_hooks_holds() {
    let suite = Suite::new().plugin("den", HEAD, CODE).file("den/schema.json", SCHEMA);
    hold(&suite.file("den/tests/hooks.test.js", TESTS));
}
