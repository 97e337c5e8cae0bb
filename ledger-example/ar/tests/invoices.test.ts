// Invoices on their way to the general ledger, whose answers these tests give.
const INVOICE = {
  entity: "ACME", invoiceId: "I-1", customer: "C-1", date: "2026-01-15", dueDate: "2026-02-14", currency: "EUR",
  lines: [{ account: "4000", net: 10000, tax: 1900, taxAccount: "2300" }],
};
const CLERK: Trunkline.As = { user: "ann", roles: ["ar.clerk"] };
const APPROVER: Trunkline.As = { user: "boss", roles: ["ar.approver"] };

const journal = (number: number) => `j${String(number).repeat(24)}`;

function issued(app: Trunkline.Rehearsal): Trunkline.LoggedEvent {
  expect(app.call("POST", "/api/ar/invoices", { body: INVOICE, as: CLERK }).status).toBe(201);
  expect(app.call("POST", "/api/ar/invoices/ACME.I-1/issue", { as: APPROVER }).status).toBe(200);
  return app.events("gl.journal.post.request")[0];
}

function post(app: Trunkline.Rehearsal, request: Trunkline.LoggedEvent, number: number): void {
  const { entity, idempotencyKey, source, postingDate } = request.payload;
  app.publish("gl.journal.posted", {
    entity, idempotencyKey, source, postingDate, journalId: journal(number), journalNo: `ACME-AR-2026-00000${number}`, period: "2026-01",
    postedAt: "2026-01-15T09:00:00Z", totals: [], lineCount: 3, duplicate: false, hash: "0".repeat(64), chainSeq: 1,
  }, { replyTo: request.id });
}

test("an issued invoice asks for a balanced journal", (app) => {
  const { payload } = issued(app);
  const sum = (side: "debit" | "credit") => payload.lines.reduce((total: number, line: Record<string, number>) => total + line[side], 0);
  expect([sum("debit"), sum("credit")]).toEqual([11900, 11900]);
  expect(payload.source).toEqual({ plugin: "ar", docType: "invoice", docId: "I-1" });
  expect(app.record("ar_invoices", "ACME.I-1").status).toBe("posting");
});

test("money is taken off once, and given back when the ledger refuses it", (app) => {
  post(app, issued(app), 1);
  expect(app.record("ar_invoices", "ACME.I-1").status).toBe("posted");
  const receipt = { invoiceId: "I-1", receiptId: "R-1", date: "2026-02-01", amount: 11900 };
  expect(app.call("POST", "/api/ar/receipts", { body: receipt, as: CLERK }).status).toBe(201);
  const more = app.call("POST", "/api/ar/receipts", { body: { ...receipt, receiptId: "R-2", amount: 1 }, as: CLERK });
  expect(more.error?.code).toBe("AMOUNT_ABOVE_OPEN");
  const request = app.events("gl.journal.post.request")[1];
  const { entity, idempotencyKey, source } = request.payload;
  app.duplicate("gl.journal.rejected");
  app.publish("gl.journal.rejected", { entity, idempotencyKey, source, code: "PERIOD_CLOSED", message: "closed", details: [], retryable: false }, { replyTo: request.id });
  expect(app.record("ar_invoices", "ACME.I-1").paid).toBe(0);
  expect(app.record("ar_receipts", "ACME.R-1").failureCode).toBe("PERIOD_CLOSED");
});

test("answers that overtake one another stamp each document with its own journal", (app) => {
  post(app, issued(app), 1);
  const receipt = (receiptId: string, amount: number) => ({ invoiceId: "I-1", receiptId, date: "2026-02-01", amount });
  for (const [id, amount] of [["R-1", 5000], ["R-2", 6900]] as const) app.call("POST", "/api/ar/receipts", { body: receipt(id, amount), as: CLERK });
  const [, first, second] = app.events("gl.journal.post.request");
  app.hold("gl.journal.posted");
  post(app, first, 2);
  post(app, second, 3);
  expect(app.record("ar_receipts", "ACME.R-1").status).toBe("posting");
  expect(app.release({ order: "reverse" })).toBe(2);
  expect(app.records("ar_receipts", {}, { sort: "receiptId" }).map((it) => [it.status, it.journalId])).toEqual([["posted", journal(2)], ["posted", journal(3)]]);
});

test("a reversal that is heard before its posting gives the money back all the same", (app) => {
  post(app, issued(app), 1);
  app.call("POST", "/api/ar/receipts", { body: { invoiceId: "I-1", receiptId: "R-1", date: "2026-02-01", amount: 5000 }, as: CLERK });
  const request = app.events("gl.journal.post.request")[1];
  const { entity, source } = request.payload;
  const reverse = (number: number) => app.publish("gl.journal.reversed", {
    entity, source, journalId: journal(number), reversedBy: journal(9), reason: "wrong", postingDate: "2026-02-03",
  });
  for (const number of [3, 2, 2]) reverse(number);
  expect(app.record("ar_receipts", "ACME.R-1").status).toBe("posting");
  for (const _time of [1, 2]) post(app, request, 2);
  expect(app.record("ar_receipts", "ACME.R-1")).toMatchObject({ status: "reversed", journalId: journal(2), reversedOn: "2026-02-03" });
  expect(app.record("ar_invoices", "ACME.I-1").paid).toBe(0);
  reverse(2);
  expect(app.record("ar_invoices", "ACME.I-1").paid).toBe(0);
});

test("what is owed is sorted by its age", (app) => {
  post(app, issued(app), 1);
  const report = app.call("GET", "/api/ar/aging?entity=ACME&asOf=2026-03-01").data;
  expect(report.totals.EUR).toMatchObject({ "1-30": 11900, total: 11900 });
});

test("a list says what its query lacks", (app) => {
  for (const [query, word] of [["", "`entity`"], ["?entity=ACME&limit=-1", "-1"], ["?entity=ACME&limit=all", "all"]]) {
    const answer = app.call("GET", `/api/ar/invoices${query}`);
    expect(answer.status).toBe(400);
    expect(answer.error?.message).toContain(word);
  }
  expect(app.call("GET", "/api/ar/invoices?entity=ACME&limit=5").data).toEqual({ invoices: [] });
  expect(app.call("GET", "/api/ar/invoices/B-7").error?.message).toBe("there is no invoice B-7");
});

test("a line has as many dimensions as its journal may have", (app) => {
  const enter = (count: number) => {
    const dims = Object.fromEntries(Array.from({ length: count }, (_, n) => [`d${n}`, "a"]));
    return app.call("POST", "/api/ar/invoices", { body: { ...INVOICE, lines: [{ ...INVOICE.lines[0], dims }] }, as: CLERK });
  };
  expect(enter(51).error?.code).toBe("BODY_INVALID");
  expect(enter(50).status).toBe(201);
  expect(app.call("POST", "/api/ar/invoices/ACME.I-1/issue", { as: APPROVER }).status).toBe(200);
});

test("only the ledger's own word counts, whoever else speaks on its topics", (app) => {
  const request = issued(app);
  const { entity, idempotencyKey, source, postingDate } = request.payload;
  const mallory = { from: "rest:mallory" };
  app.publish("gl.journal.posted", {
    entity, idempotencyKey, source, postingDate, journalId: journal(1), journalNo: "AR-2026-000666", period: "2026-01",
    postedAt: "2026-01-15T09:00:00Z", totals: [], lineCount: 3, duplicate: false, hash: "0".repeat(64), chainSeq: 1,
  }, mallory);
  app.publish("gl.journal.rejected", { entity, idempotencyKey, source, code: "X", message: "x", details: [], retryable: false }, mallory);
  expect(app.record("ar_invoices", "ACME.I-1").status).toBe("posting");
  post(app, request, 1);
  app.publish("gl.journal.reversed", { entity, source, journalId: journal(1), reversedBy: journal(9), reason: "x", postingDate }, mallory);
  expect(app.record("ar_invoices", "ACME.I-1").status).toBe("posted");
});

test("a receipt that names a company is of an invoice of that company", (app) => {
  post(app, issued(app), 1);
  const take = (entity: string | undefined, invoiceId: string) =>
    app.call("POST", "/api/ar/receipts", { body: { entity, invoiceId, date: "2026-02-01", amount: 1 }, as: CLERK });
  for (const id of ["I-1", "ACME.I-1"]) expect([take("OTHER", id).status, take("ACME", id).status]).toEqual([404, 201]);
  expect(take("OTHER", "I-1").error?.message).toBe("entity OTHER has no invoice I-1");
  const other = { ...INVOICE, entity: "OTHER", invoiceId: "I-9" };
  expect(app.call("POST", "/api/ar/invoices", { body: { ...other, invoiceId: "I-1" }, as: CLERK }).status).toBe(201);
  expect([take(undefined, "I-1").error?.code, take("ACME", "I-1").status]).toEqual(["AMBIGUOUS", 201]);
  expect(app.call("PUT", "/api/ar/invoices/OTHER.I-1", { body: other, as: CLERK }).error?.code).toBe("NUMBER_FIXED");
});
