// What comes over HTTP: shapes and amounts that are wrong, queries that make no sense, charts that are no tree.
const POST = "/api/gl/journals";
const LINES = [
  { line: 1, account: "5000", currency: "EUR", debit: 100, credit: 0 },
  { line: 2, account: "1000", currency: "EUR", debit: 0, credit: 100 },
];

function books(app) {
  app.call("POST", "/api/gl/entities", { body: { entity: "ACME", name: "Acme", functionalCurrency: "EUR" } });
  app.call("POST", "/api/gl/accounts/import", { body: { entity: "ACME", accounts: [account("1000"), account("5000", { type: "expense" })] } });
  app.call("POST", "/api/gl/periods/open", { body: { entity: "ACME", from: "2026-01", to: "2026-12" } });
}

function account(code, changes) {
  return { code, name: `Account ${code}`, type: "asset", ...changes };
}

function order(changes) {
  return { idempotencyKey: "K-1", entity: "ACME", postingDate: "2026-01-15", lines: LINES, ...changes };
}

function codeOf(answer) {
  return answer.error?.code ?? answer.status;
}

test("what the contract does not know is refused by name, and not left out", (app) => {
  books(app);
  const { status, error } = app.call("POST", POST, { body: order({ autoReverseOn: "2026-02-01" }) });
  expect([status, error?.code]).toEqual([422, "BODY_INVALID"]);
  expect(error?.message).toContain("autoReverseOn");
  const inLine = app.call("POST", POST, { body: order({ lines: [{ ...LINES[0], amount: 5 }, LINES[1]] }) });
  expect(inLine.error?.message).toContain("`/lines/0`");
  expect(app.records("gl_journals")).toHaveLength(0);
});

test("a line has as many dimensions as an account can ask for and more, and not any number", (app) => {
  books(app);
  const post = (count) => {
    const dims = Object.fromEntries(Array.from({ length: count }, (_, n) => [`d${n}`, "a"]));
    return app.call("POST", POST, { body: order({ lines: [{ ...LINES[0], dims }, LINES[1]] }) });
  };
  const { status, error } = post(51);
  expect([status, error?.code]).toEqual([422, "BODY_INVALID"]);
  expect(error?.message).toContain("`/lines/0/dims`");
  expect(post(50).status).toBe(201);
});

test("an amount is a whole number of minor units, or it is absent", (app) => {
  books(app);
  const amounts = [1.5, "100", 1e20, -100, null, true, [100], 2 ** 53];
  const codes = amounts.map((debit) => codeOf(app.call("POST", POST, { body: order({ lines: [{ ...LINES[0], debit }, LINES[1]] }) })));
  expect(codes).toEqual(amounts.map(() => "INVALID_AMOUNT"));
  const bare = LINES.map(({ account, currency, debit, credit }) => (debit ? { account, currency, debit } : { account, currency, credit }));
  expect(app.call("POST", POST, { body: order({ lines: bare }) }).status).toBe(201);
});

test("every date of a journal is one of the calendar", (app) => {
  books(app);
  for (const field of ["postingDate", "documentDate"]) {
    const { error } = app.call("POST", POST, { body: order({ [field]: "2026-02-30" }) });
    expect([error?.code, error?.message]).toEqual(["INVALID_REQUEST", `${field} must be a date YYYY-MM-DD`]);
  }
});

test("a source needs no more than its plugin, and none means this one", (app) => {
  books(app);
  expect(app.call("POST", POST, { body: order({ source: { plugin: "ap" } }) }).status).toBe(201);
  const own = app.call("POST", POST, { body: order({ idempotencyKey: "K-2" }) });
  expect(own.data.source).toEqual({ plugin: "gl", docType: "manual", docId: "K-2" });
});

test("a query that makes no sense is refused", (app) => {
  books(app);
  /** @type {[string, number, string][]} */
  const cases = [
    ["trial-balance", 400, "`entity`"], ["periods", 400, "`entity`"], ["journals", 400, "`entity`"],
    ["journals?entity=NONE", 404, "NONE"], ["journals?entity=ACME&limit=x", 400, "`limit`"], ["journals?entity=ACME&after=-1", 400, "`after`"],
    ["ledger/1000?entity=ACME&limit=0", 400, "`limit`"], ["income-statement?entity=ACME&from=2026-05-01&to=2026-01-31", 400, "2026-05-01"],
    ["trial-balance?entity=ACME&asOf=2026-02-30", 400, "`asOf`"], ["export?entity=ACME", 400, "hledger"], ["export?entity=ACME&format=pdf", 400, "pdf"],
  ];
  for (const [query, status, word] of cases) {
    const answer = app.call("GET", `/api/gl/${query}`);
    expect([query, answer.status]).toEqual([query, status]);
    expect(answer.error?.message).toContain(word);
  }
  expect(app.call("GET", "/api/gl/journals?entity=ACME&limit=1&after=0").data).toEqual({ journals: [], next: null });
});

test("periods are opened for fifty years at most, and up to the last month there is", (app) => {
  books(app);
  const open = (from, to) => app.call("POST", "/api/gl/periods/open", { body: { entity: "ACME", from, to } });
  expect(codeOf(open("0001-01", "9999-12"))).toBe("PERIOD_INVALID");
  expect(codeOf(open("2026-05", "2026-01"))).toBe("PERIOD_INVALID");
  expect(open("9999-11", "9999-12").data.periods.map((it) => it.period)).toEqual(["9999-11", "9999-12"]);
});

test("a chart is a tree in which each account stands once", (app) => {
  books(app);
  const bring = (...accounts) => app.call("POST", "/api/gl/accounts/import", { body: { entity: "ACME", accounts } });
  expect(codeOf(bring(account("7"), account("7", { name: "Other" })))).toBe("ACCOUNT_INVALID");
  expect(codeOf(bring(account("1", { parent: "1" })))).toBe("ACCOUNT_INVALID");
  expect(codeOf(bring(account("1", { parent: "2" }), account("2", { parent: "1" })))).toBe("ACCOUNT_INVALID");
  expect(bring(account("2", { postable: false, parent: "3" })).status).toBe(200);
  expect(bring(account("1", { parent: "2" }), account("2", { postable: false })).status).toBe(200);
  expect(bring(account("3", { parent: "1" })).error?.message).toContain("below itself");
});

test("a currency has one number of decimals", (app) => {
  const currencies = [{ code: "USD", scale: 2 }, { code: "USD", scale: 3 }];
  expect(codeOf(app.call("POST", "/api/gl/entities", { body: { entity: "B", name: "B", functionalCurrency: "USD", currencies } }))).toBe("CURRENCY_INVALID");
});

test("a reversal is not dated before what it reverses", (app) => {
  books(app);
  const { journalId } = app.call("POST", POST, { body: order({ postingDate: "2026-03-10" }) }).data;
  const reverse = (postingDate) => app.call("POST", `${POST}/${journalId}/reverse`, { body: { reason: "typo", postingDate } });
  for (const early of ["2026-03-09", "2026-01-31", "2020-01-01"]) {
    const { status, error } = reverse(early);
    expect([status, error?.code, error?.details.details]).toEqual([422, "INVALID_REQUEST", [{ path: "postingDate", got: early, want: "2026-03-10 or later" }]]);
  }
  expect(reverse("2026-03-10").status).toBe(201);
});

test("a reversal nets a journal to zero, once, and never takes the place of another", (app) => {
  books(app);
  const { journalId } = app.call("POST", POST, { body: order({}) }).data;
  const reverse = (id, body) => app.call("POST", `${POST}/${id}/reverse`, { body });
  expect(codeOf(reverse(journalId, {}))).toBe("REASON_REQUIRED");
  expect(codeOf(reverse(journalId, { reason: "typo", postingDate: "soon" }))).toBe("BODY_INVALID");
  app.call("POST", POST, { body: order({ idempotencyKey: "K-1/reverse" }) });
  expect(codeOf(reverse(journalId, { reason: "typo" }))).toBe("IDEMPOTENCY_CONFLICT");
  expect(reverse(journalId, { reason: "typo", idempotencyKey: "undo" }).status).toBe(201);
  expect(codeOf(reverse(journalId, { reason: "typo" }))).toBe("ALREADY_REVERSED");

  const long = "K".repeat(200);
  const other = app.call("POST", POST, { body: order({ idempotencyKey: long }) }).data;
  const undone = reverse(other.journalId, { reason: "typo" });
  expect([undone.status, undone.error]).toEqual([201, null]);
  expect(app.call("GET", "/api/gl/trial-balance?entity=ACME").data.rows.map((it) => it.balance)).toEqual([-100, 100]);
});

test("the identity of a delivery belongs to its content: another request under it is no redelivery", (app) => {
  books(app);
  const post = (eventId, changes) => app.call("POST", POST, { body: { ...order(changes), eventId } });
  const first = post("e-1").data;
  expect(post("e-1").data).toMatchObject({ journalId: first.journalId, duplicate: true });
  const other = post("e-1", { idempotencyKey: "K-2", memo: "another" });
  expect([other.status, other.error?.code, other.error?.details.existingJournalId]).toEqual([409, "IDEMPOTENCY_CONFLICT", first.journalId]);
  expect(other.error?.message).toContain("eventId e-1");
  expect(post("e-2", { idempotencyKey: "K-2", memo: "another" }).status).toBe(201);
  const late = { idempotencyKey: "K-3", postingDate: "2027-01-15" };
  for (const _time of [1, 2]) expect(post("e-3", late).error?.code).toBe("PERIOD_NOT_FOUND");
  expect(post("e-3", { idempotencyKey: "K-4" }).error?.code).toBe("IDEMPOTENCY_CONFLICT");
  expect(app.records("gl_journals")).toHaveLength(2);
});
