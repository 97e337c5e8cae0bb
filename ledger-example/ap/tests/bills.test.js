// Bills on their way to the general ledger, whose answers these tests give.
const BILL = {
  entity: "ACME", billId: "B-1", supplier: "S-1", date: "2026-01-15", dueDate: "2026-02-14", currency: "EUR",
  lines: [{ account: "5000", net: 10000, tax: 1900, taxAccount: "1400" }],
};

const JOURNAL = `j${"1".repeat(24)}`;

function approved(app) {
  expect(app.call("POST", "/api/ap/bills", { body: BILL }).status).toBe(201);
  const answer = app.call("POST", "/api/ap/bills/ACME.B-1/approve", { as: { user: "boss", roles: ["ap.approver"] } });
  expect(answer.status).toBe(200);
  return app.events("gl.journal.post.request")[0];
}

function posted(app, request) {
  const { entity, idempotencyKey, source, postingDate } = request.payload;
  return app.publish("gl.journal.posted", {
    entity, idempotencyKey, source, postingDate, journalId: JOURNAL, journalNo: "ACME-AP-2026-000001", period: "2026-01",
    postedAt: "2026-01-15T09:00:00Z", totals: [], lineCount: 3, duplicate: false, hash: "0".repeat(64), chainSeq: 1,
  }, { replyTo: request.id });
}

test("an approved bill asks for a balanced journal and is told to everybody", (app) => {
  const { payload, publisher } = approved(app);
  expect(publisher).toBe("plugin:ap");
  expect(payload).toMatchObject({ idempotencyKey: "ACME/ap/bill/B-1/post", entity: "ACME", source: { plugin: "ap", docType: "bill", docId: "B-1" } });
  const sum = (side) => payload.lines.reduce((total, line) => total + line[side], 0);
  expect([sum("debit"), sum("credit")]).toEqual([11900, 11900]);
  expect(app.record("ap_bills", "ACME.B-1").status).toBe("posting");
  expect(app.events("ap.bill.approved")).toHaveLength(1);
});

test("the ledger's answer stamps the bill, however often it comes", (app) => {
  const request = approved(app);
  app.duplicate("gl.journal.posted");
  posted(app, request);
  expect(app.record("ap_bills", "ACME.B-1")).toMatchObject({ status: "posted", journalId: JOURNAL });
  expect(app.events("ap.bill.posted")).toHaveLength(1);
});

test("a crash after the approval loses neither the bill nor its journal", (app) => {
  app.crash(() => approved(app));
  expect(app.record("ap_bills", "ACME.B-1").status).toBe("posting");
  posted(app, app.events("gl.journal.post.request")[0]);
  expect(app.record("ap_bills", "ACME.B-1").status).toBe("posted");
});

test("a refused bill keeps the code and can be sent again", (app) => {
  const request = approved(app);
  const { entity, idempotencyKey, source } = request.payload;
  app.publish("gl.journal.rejected", {
    entity, idempotencyKey, source, code: "PERIOD_CLOSED", message: "period 2026-01 is closed", details: [], retryable: false,
  }, { replyTo: request.id });
  expect(app.record("ap_bills", "ACME.B-1")).toMatchObject({ status: "post_failed", failureCode: "PERIOD_CLOSED" });
  expect(app.call("POST", "/api/ap/bills/ACME.B-1/retry").status).toBe(200);
  expect(app.record("ap_bills", "ACME.B-1").status).toBe("posting");
});

test("who may not approve is refused, and nothing is sent", (app) => {
  app.call("POST", "/api/ap/bills", { body: BILL });
  expect(app.call("POST", "/api/ap/bills/ACME.B-1/approve", { as: { roles: ["ap.viewer"] } }).status).toBe(403);
  expect(app.events("gl.journal.post.request")).toHaveLength(0);
});

test("the same paper cannot be entered twice", (app) => {
  const body = { ...BILL, supplierRef: "R-77" };
  expect(app.call("POST", "/api/ap/bills", { body }).status).toBe(201);
  const again = app.call("POST", "/api/ap/bills", { body: { ...body, billId: "B-2" } });
  expect([again.status, again.error?.code]).toEqual([409, "DUPLICATE_SUPPLIER_REF"]);
});

function keepBooks(app) {
  app.call("POST", "/api/gl/entities", { body: { entity: "ACME", name: "Acme", functionalCurrency: "EUR", currencies: [{ code: "EUR", scale: 2 }] } });
  const account = (code, type, normalSide, more) => ({ code, name: code, type, normalSide, parent: null, postable: true, ...more });
  const accounts = [
    account("1000", "asset", "debit"), account("1400", "asset", "debit"), account("5000", "expense", "debit"),
    account("2000", "liability", "credit", { controlFor: "ap" }),
  ];
  expect(app.call("POST", "/api/gl/accounts/import", { body: { entity: "ACME", accounts } }).status).toBe(200);
  app.call("POST", "/api/gl/periods/open", { body: { entity: "ACME", from: "2026-01", to: "2026-03" } });
}

test("with the real ledger a bill is posted and can be paid", { with: ["gl"] }, (app) => {
  keepBooks(app);
  approved(app);
  expect(app.record("ap_bills", "ACME.B-1")).toMatchObject({ status: "posted", failureCode: "" });
  app.call("POST", "/api/ap/payments", { body: { billId: "B-1", date: "2026-02-01", amount: 11900 } });
  expect(app.record("ap_bills", "ACME.B-1").paid).toBe(11900);
  expect(app.records("ap_payments")[0].status).toBe("posted");
  expect(app.call("GET", "/api/gl/chain/verify?entity=ACME").data).toMatchObject({ ok: true, length: 2 });
});

test("what is owed is sorted by its age, and what was paid for a reversed bill is owed back", { with: ["gl"] }, (app) => {
  keepBooks(app);
  approved(app);
  app.call("POST", "/api/ap/payments", { body: { billId: "B-1", date: "2026-02-01", amount: 5000 } });
  const { journalId } = app.record("ap_bills", "ACME.B-1");
  const undone = app.call("POST", `/api/gl/journals/${journalId}/reverse`, { body: { entity: "ACME", reason: "wrong", postingDate: "2026-03-10" } });
  expect(undone.status).toBe(201);
  const owed = (asOf) => app.call("GET", `/api/ap/aging?entity=ACME&asOf=${asOf}`).data.totals.EUR;
  expect(owed("2026-01-31")).toMatchObject({ current: 11900, total: 11900 });
  expect(owed("2026-03-01")).toMatchObject({ current: 0, "1-30": 6900, total: 6900 });
  expect(owed("2026-03-20")).toMatchObject({ current: -5000, "1-30": 0, total: -5000 });
});

test("a bill that was reversed before its posting was heard cannot be paid", { with: ["gl"] }, (app) => {
  keepBooks(app);
  app.hold("gl.journal.posted");
  approved(app);
  const { journalId } = app.events("gl.journal.posted")[0].payload;
  expect(app.call("POST", `/api/gl/journals/${journalId}/reverse`, { body: { entity: "ACME", reason: "wrong" } }).status).toBe(201);
  expect(app.record("ap_bills", "ACME.B-1").status).toBe("posting");
  app.release();
  expect(app.record("ap_bills", "ACME.B-1")).toMatchObject({ status: "reversed", journalId, reversedOn: "2026-01-15" });
  expect(app.call("POST", "/api/ap/payments", { body: { billId: "B-1", date: "2026-02-01", amount: 1 } }).error?.code).toBe("BILL_STATE");
  expect(app.records("ap_reversals")).toHaveLength(0);
});

test("in whichever order its refusal, posting and reversal are heard, and however often, a payment ends reversed", (app) => {
  posted(app, approved(app));
  app.duplicate("gl.journal.*");
  const orders = ["abc", "acb", "bac", "bca", "cab", "cba"];
  orders.forEach((order, at) => {
    const paymentId = `P-${at}`;
    app.call("POST", "/api/ap/payments", { body: { paymentId, billId: "B-1", date: "2026-02-01", amount: 1000 } });
    const { entity, idempotencyKey, source, postingDate } = app.events("gl.journal.post.request")[at + 1].payload;
    const journalId = `j${String(at + 2).repeat(24)}`;
    const about = { entity, idempotencyKey, source };
    const tell = {
      a: () => app.publish("gl.journal.rejected", { ...about, code: "PERIOD_CLOSED", message: "closed", details: [], retryable: true }),
      b: () => app.publish("gl.journal.posted", {
        ...about, postingDate, journalId, journalNo: `AP-2026-${at}`, period: "2026-02", postedAt: "2026-02-01T09:00:00Z", totals: [], lineCount: 2,
        duplicate: false, hash: "0".repeat(64), chainSeq: at + 2,
      }),
      c: () => app.publish("gl.journal.reversed", { entity, source, journalId, reversedBy: `j${"f".repeat(24)}`, reason: "wrong", postingDate: "2026-02-03" }),
    };
    for (const what of order) tell[what]();
  });
  expect(app.records("ap_payments", {}, { sort: "paymentId" }).map((it) => it.status)).toEqual(orders.map(() => "reversed"));
  expect(app.record("ap_bills", "ACME.B-1").paid).toBe(0);
  expect(app.records("ap_reversals")).toHaveLength(0);
});

test("a list says what its query lacks", (app) => {
  for (const [query, word] of [["", "`entity`"], ["?entity=ACME&limit=-1", "-1"], ["?entity=ACME&limit=all", "all"]]) {
    const answer = app.call("GET", `/api/ap/bills${query}`);
    expect(answer.status).toBe(400);
    expect(answer.error?.message).toContain(word);
  }
  expect(app.call("GET", "/api/ap/bills?entity=ACME&limit=5").data).toEqual({ bills: [] });
  expect(app.call("GET", "/api/ap/bills/B-7").error?.message).toBe("there is no bill B-7");
});

test("where another person must approve, who entered the bill may not", { config: { separateApprover: true } }, (app) => {
  const approve = (user) => app.call("POST", "/api/ap/bills/ACME.B-1/approve", { as: { user, roles: ["ap.approver"] } });
  expect(app.call("POST", "/api/ap/bills", { body: BILL, as: { user: "ann", roles: ["ap.clerk"] } }).status).toBe(201);
  const refused = approve("ann");
  expect([refused.status, refused.error?.code]).toEqual([403, "SAME_PERSON"]);
  expect(app.events("gl.journal.post.request")).toHaveLength(0);
  expect(approve("boss").status).toBe(200);
});

test("a bill of an unknown supplier is refused only where settings say so", (app) => {
  expect(app.call("POST", "/api/ap/bills", { body: BILL }).status).toBe(201);
  app.config({ knownSuppliersOnly: true });
  const enter = (billId, supplier) => app.call("POST", "/api/ap/bills", { body: { ...BILL, billId, supplier } });
  expect(enter("B-2", "S-1").status).toBe(201);
  expect(enter("B-3", "S-2").error?.code).toBe("SUPPLIER_NOT_FOUND");
});

test("a line has as many dimensions as its journal may have", (app) => {
  const enter = (count) => {
    const dims = Object.fromEntries(Array.from({ length: count }, (_, n) => [`d${n}`, "a"]));
    return app.call("POST", "/api/ap/bills", { body: { ...BILL, lines: [{ ...BILL.lines[0], dims }] } });
  };
  expect(enter(51).error?.code).toBe("BODY_INVALID");
  expect(enter(50).status).toBe(201);
  expect(app.call("POST", "/api/ap/bills/ACME.B-1/approve", { as: { user: "boss", roles: ["ap.approver"] } }).status).toBe(200);
});

test("only the ledger's own word counts, whoever else speaks on its topics", (app) => {
  const { id, payload: { entity, idempotencyKey, source, postingDate } } = approved(app);
  const forged = { entity, idempotencyKey, source, postingDate, journalId: JOURNAL, journalNo: "AP-2026-000666", period: "2026-01",
    postedAt: "2026-01-15T09:00:00Z", totals: [], lineCount: 3, duplicate: false, hash: "0".repeat(64), chainSeq: 1 };
  const mallory = { from: "rest:mallory" };
  app.publish("gl.journal.posted", forged, { ...mallory, replyTo: id });
  app.publish("gl.journal.rejected", { entity, idempotencyKey, source, code: "X", message: "x", details: [], retryable: false }, mallory);
  expect(app.record("ap_bills", "ACME.B-1").status).toBe("posting");
  posted(app, app.events("gl.journal.post.request")[0]);
  app.publish("gl.journal.reversed", { entity, source, journalId: JOURNAL, reversedBy: `j${"f".repeat(24)}`, reason: "x", postingDate }, mallory);
  expect(app.record("ap_bills", "ACME.B-1").status).toBe("posted");
});

test("a payment that names a company is of a bill of that company", (app) => {
  posted(app, approved(app));
  const pay = (entity, billId) => app.call("POST", "/api/ap/payments", { body: { entity, billId, date: "2026-02-01", amount: 1 } });
  for (const billId of ["B-1", "ACME.B-1"]) expect([pay("OTHER", billId).status, pay("ACME", billId).status]).toEqual([404, 201]);
  expect(pay("OTHER", "B-1").error?.message).toBe("entity OTHER has no bill B-1");
  expect(app.call("POST", "/api/ap/bills", { body: { ...BILL, entity: "OTHER" } }).status).toBe(201);
  expect([pay(undefined, "B-1").error?.code, pay("ACME", "B-1").status]).toEqual(["AMBIGUOUS", 201]);
  expect(app.call("PUT", "/api/ap/bills/OTHER.B-1", { body: { ...BILL, entity: "OTHER", billId: "B-9" } }).error?.code).toBe("NUMBER_FIXED");
});
