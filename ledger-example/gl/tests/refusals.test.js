// Requests that are out of the ordinary: long texts, and names that every object has.
const SOURCE = { plugin: "ap", docType: "bill", docId: "B-1" };
const LINES = [{ account: "1000", currency: "EUR", debit: 100 }, { account: "3000", currency: "EUR", credit: 100 }];
const INHERITED = ["constructor", "toString", "valueOf", "__proto__", "hasOwnProperty"];

function books(app, entity = "ACME", more = []) {
  app.call("POST", "/api/gl/entities", { body: { entity, name: "Acme", functionalCurrency: "EUR", currencies: [{ code: "USD", scale: 2 }] } });
  const accounts = [account("1000", "asset"), account("3000", "equity"), ...more];
  const imported = app.call("POST", "/api/gl/accounts/import", { body: { entity, accounts } });
  app.call("POST", "/api/gl/periods/open", { body: { entity, from: "2026-01", to: "2026-12" } });
  return imported;
}

function account(code, type, changes) {
  return { code, name: code, type, ...changes };
}

function order(changes, line = {}) {
  return { idempotencyKey: "K-1", entity: "ACME", postingDate: "2026-01-15", lines: [{ ...LINES[0], ...line }, LINES[1]], ...changes };
}

function ask(app, request) {
  app.publish("gl.journal.post.request", { source: SOURCE, ...request }, { from: "ap" });
  return app.events("gl.journal.rejected").at(-1)?.payload;
}

test("a refusal is told, however long what it is about", (app) => {
  books(app);
  for (const long of ["9".repeat(3000), "\u{1F4B6}".repeat(1500), "é".repeat(120), "~".repeat(121)]) {
    const refused = ask(app, order({}, { account: long }));
    expect(refused?.code).toBe("ACCOUNT_NOT_FOUND");
    expect(refused?.details[0].got.slice(0, 100)).toBe(long.slice(0, 100));
  }
  const inCurrency = (currency, account) => ask(app, order({ lines: LINES.map((line) => ({ ...line, account, currency })) }))?.code;
  expect(inCurrency("ü".repeat(5000), "1000")).toBe("CURRENCY_NOT_ALLOWED");
  expect(inCurrency("€".repeat(12), "€".repeat(50))).toBe("ACCOUNT_NOT_FOUND");
  expect(app.events("gl.journal.rejected")).toHaveLength(6);
  expect(app.deadLetters()).toHaveLength(0);
});

test("a conflict is told, however long what differs, and whatever it is called", (app) => {
  books(app);
  ask(app, order({}));
  const name = "x".repeat(300);
  const long = ask(app, order({}, { dims: { [name]: "b" } }));
  expect([long?.code, long?.differs]).toEqual(["IDEMPOTENCY_CONFLICT", ["lines[0].dims"]]);
  ask(app, order({ idempotencyKey: "K-2" }, { dims: { [name]: "a", toString: "t" } }));
  const inside = ask(app, order({ idempotencyKey: "K-2" }, { dims: { [name]: "b", constructor: "c" } }));
  expect(inside?.differs.map((path) => path.length)).toEqual([22, 200, 25]);
  expect(inside?.details.map(({ got, want }) => [got, want])).toEqual([[null, "t"], ["b", "a"], ["c", null]]);
  const more = Array.from({ length: 900 }, () => ({ account: "1000", currency: "EUR", debit: 2 ** 60, memo: "m".repeat(20) }));
  expect(ask(app, order({ lines: [...LINES, ...more] }))?.code).toBe("IDEMPOTENCY_CONFLICT");
  expect(app.deadLetters()).toHaveLength(0);
});

test("an account whose name does not fit beside its entity's is refused by the chart, and unknown to a posting", (app) => {
  const entity = "E".repeat(32);
  const code = "ü".repeat(50);
  const imported = books(app, entity, [account("ü".repeat(49), "asset"), account(code.slice(0, 48), "asset"), account(code, "asset")]);
  expect([imported.status, imported.error?.code]).toEqual([200, undefined]);
  const euro = "€".repeat(50);
  const refused = app.call("POST", "/api/gl/accounts/import", { body: { entity, accounts: [account(euro, "asset")] } });
  expect([refused.error?.code, refused.error?.message.includes("178 bytes")]).toEqual(["ACCOUNT_INVALID", true]);
  app.call("POST", "/api/gl/accounts/import", { body: { entity, accounts: ["1000", "3000", euro.slice(0, 48)].map((it) => account(it, "asset")) } });
  app.call("POST", "/api/gl/entities", { body: { entity, name: "E", functionalCurrency: "EUR", currencies: [{ code: "CURRENCY9012", scale: 2 }] } });
  const post = (account, idempotencyKey) => app.call("POST", "/api/gl/journals", {
    body: order({ entity, idempotencyKey, lines: [{ account, currency: "CURRENCY9012", debit: 1 }, { account: "3000", currency: "CURRENCY9012", credit: 1 }] }),
  });
  expect(post(euro, "K-1").error?.code).toBe("ACCOUNT_NOT_FOUND");
  expect(post("€".repeat(1000), "K-2").error?.code).toBe("ACCOUNT_NOT_FOUND");
  expect(post(euro.slice(0, 48), "K-3").status).toBe(201);
});

test("a currency that an entity does not keep is refused, whatever it is called", (app) => {
  books(app);
  for (const currency of INHERITED) {
    const lines = LINES.map((line) => ({ ...line, currency }));
    expect([currency, app.call("POST", "/api/gl/journals", { body: order({ lines }) }).error?.code]).toEqual([currency, "CURRENCY_NOT_ALLOWED"]);
  }
  expect(app.records("gl_journals")).toHaveLength(0);
});

test("accounts and dimensions may be called like what every object has", (app) => {
  const names = INHERITED.map((code) => account(code, "income", { requires: INHERITED }));
  expect(books(app, "ACME", names).status).toBe(200);
  const post = (code, dims) => app.call("POST", "/api/gl/journals", { body: order({ idempotencyKey: code, source: { plugin: code } }, { account: code, dims }) });
  const dims = JSON.parse(`{${INHERITED.map((name) => `"${name}": "a"`).join(", ")}}`);
  for (const code of INHERITED) {
    expect(post(code, {}).error?.code).toBe("DIMENSION_REQUIRED");
    const posted = post(code, dims);
    expect([code, posted.status, posted.data?.journalNo.slice(0, 8)]).toEqual([code, 201, "GEN-2026"]);
  }
  const rows = app.call("GET", "/api/gl/trial-balance?entity=ACME").data.rows.map((row) => [row.account, row.balance]);
  expect(rows).toEqual([["3000", -500], ...[...INHERITED].sort().map((code) => [code, 100])]);
  expect(app.call("GET", "/api/gl/income-statement?entity=ACME").data.totals.EUR.net).toBe(-500);
  for (const code of INHERITED) expect(app.call("GET", `/api/gl/ledger/${code}?entity=ACME`).data.closing).toEqual([{ currency: "EUR", balance: 100 }]);
  for (const format of ["hledger", "beancount", "csv"]) expect(app.call("GET", `/api/gl/export?entity=ACME&format=${format}`).status).toBe(200);
});

test("of several faults the first in the order of the codes is told", (app) => {
  books(app);
  const codeOf = (lines) => ask(app, order({ idempotencyKey: JSON.stringify(lines).slice(0, 150), lines }))?.code;
  const [debit, credit] = LINES;
  expect(codeOf([{ ...debit, fnDebit: 90 }, { ...credit, credit: 99 }])).toBe("INVALID_LINE");
  expect(codeOf([{ ...debit, debit: 99, fnDebit: 90 }, { ...credit, fnCredit: 90 }])).toBe("UNBALANCED");
  const most = { ...debit, debit: Number.MAX_SAFE_INTEGER };
  expect(codeOf([most, most, { account: "1000", currency: "EUR" }])).toBe("INVALID_AMOUNT");
  expect(codeOf([most, most, { ...debit, currency: "" }])).toBe("INVALID_AMOUNT");
  expect(codeOf([debit, { ...credit, credit: 99 }, { account: "1000", currency: "EUR" }])).toBe("INVALID_LINE");
});
