// The books: what is posted, what is refused and with which code.
import { isDate } from "../src/dates.js";

const REQUEST = {
  idempotencyKey: "ACME/ap/bill/B-1/post", entity: "ACME", postingDate: "2026-01-15",
  source: { plugin: "ap", docType: "bill", docId: "B-1" },
  lines: [
    { line: 1, account: "5000", currency: "EUR", debit: 11900, credit: 0 },
    { line: 2, account: "1000", currency: "EUR", debit: 0, credit: 11900 },
  ],
};

function books(app) {
  app.call("POST", "/api/gl/entities", { body: { entity: "ACME", name: "Acme", functionalCurrency: "EUR", currencies: [{ code: "EUR", scale: 2 }] } });
  const account = (code, type, normalSide) => ({ code, name: code, type, normalSide, parent: null, postable: true });
  app.call("POST", "/api/gl/accounts/import", { body: { entity: "ACME", accounts: [account("1000", "asset", "debit"), account("5000", "expense", "debit")] } });
  app.call("POST", "/api/gl/periods/open", { body: { entity: "ACME", from: "2026-01", to: "2026-02" } });
}

const ask = (app, changes, options) => app.publish("gl.journal.post.request", { ...REQUEST, ...changes }, { from: "ap", ...options });

test("a request over the bus is posted once, under whichever event it comes", (app) => {
  books(app);
  ask(app, {});
  ask(app, {});
  const posted = app.events("gl.journal.posted").map((event) => event.payload);
  expect(posted.map((it) => it.duplicate)).toEqual([false, true]);
  expect(posted[0].journalId).toBe(posted[1].journalId);
  expect(app.records("gl_journals")).toHaveLength(1);
});

test("the same key with other content is a conflict", (app) => {
  books(app);
  ask(app, {});
  ask(app, { memo: "another" });
  expect(app.events("gl.journal.rejected")[0].payload).toMatchObject({ code: "IDEMPOTENCY_CONFLICT", differs: ["memo"] });
});

test("each refusal has its code", (app) => {
  books(app);
  const line = (at, changes) => ({ lines: REQUEST.lines.map((it, index) => (index === at ? { ...it, ...changes } : it)) });
  /** @type {[string, object][]} */
  const cases = [
    ["UNBALANCED", line(0, { debit: 11901 })],
    ["ACCOUNT_NOT_FOUND", line(0, { account: "9999" })],
    ["CURRENCY_NOT_ALLOWED", { lines: REQUEST.lines.map((it) => ({ ...it, currency: "USD" })) }],
    ["PERIOD_NOT_FOUND", { postingDate: "2027-01-01" }],
    ["ENTITY_NOT_FOUND", { entity: "NONE" }],
  ];
  cases.forEach(([, changes], at) => ask(app, { ...changes, idempotencyKey: `K-${at}` }));
  expect(app.events("gl.journal.rejected").map((event) => event.payload.code)).toEqual(cases.map(([code]) => code));
  expect(app.records("gl_journals")).toHaveLength(0);
});

test("a plugin cannot post in the name of another", (app) => {
  books(app);
  ask(app, {}, { from: "ar" });
  expect(app.events("gl.journal.rejected")[0].payload.code).toBe("NOT_ALLOWED");
});

test("journals that come in any order number and chain without a gap", (app) => {
  books(app);
  app.hold("gl.journal.post.request");
  for (let at = 1; at <= 5; at++) ask(app, { idempotencyKey: `K-${at}`, source: { plugin: "ap", docType: "bill", docId: `B-${at}` } });
  expect(app.records("gl_journals")).toHaveLength(0);
  app.crash();
  expect(app.records("gl_journals", {}, { sort: "chainSeq" }).map((it) => it.chainSeq)).toEqual([1, 2, 3, 4, 5]);
  expect(app.call("GET", "/api/gl/chain/verify?entity=ACME").data).toMatchObject({ ok: true, length: 5 });
});

test("a chain is verified in parts, too", (app) => {
  books(app);
  for (let n = 1; n <= 5; n++) ask(app, { idempotencyKey: `key-${n}` });
  const verify = (query) => app.call("GET", `/api/gl/chain/verify?entity=ACME${query}`);
  const parts = ["", "&limit=2", "&after=2&limit=2", "&after=4&limit=2", "&after=5"].map((query) => verify(query).data);
  expect(parts.map((it) => [it.ok, it.length, it.through])).toEqual([[true, 5, 5], [true, 5, 2], [true, 5, 4], [true, 5, 5], [true, 5, 5]]);
  expect(verify("&after=6").error?.message).toContain("the chain of ACME has 5 journals");
  expect(verify("&limit=0").error?.message).toContain("`limit`");
});

test("a closed period takes nothing until it is opened again, with a reason", (app) => {
  books(app);
  const controller = { as: { user: "cfo", roles: ["gl.controller"] } };
  expect(app.call("POST", "/api/gl/periods/2026-01/close", { body: { entity: "ACME" }, ...controller }).status).toBe(200);
  ask(app, {});
  expect(app.events("gl.journal.rejected")[0].payload.code).toBe("PERIOD_CLOSED");
  expect(app.call("POST", "/api/gl/periods/2026-01/reopen", { body: { entity: "ACME" }, ...controller }).error?.code).toBe("REASON_REQUIRED");
  app.call("POST", "/api/gl/periods/2026-01/reopen", { body: { entity: "ACME", reason: "late bill" }, ...controller });
  ask(app, { idempotencyKey: "again" });
  expect(app.events("gl.journal.posted")).toHaveLength(1);
});

test("dates are those of the calendar", () => {
  expect(["2024-02-29", "2026-02-29", "2026-13-01", "2026-1-1"].map((text) => isDate(text))).toEqual([true, false, false, false]);
});
