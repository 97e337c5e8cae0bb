// What is owed on a day, by how long it is overdue. The sum of a currency is the balance of the control account.
import { DOCUMENTS_PAGE, READERS, mustBeDate, today } from "./common.js";

const DAY_MS = 86_400_000;
const PAGE = { ap_bills: DOCUMENTS_PAGE, ap_payments: 500 };
const BUCKETS = ["current", "1-30", "31-60", "61-90", "90+"];

$app.routerAdd("GET", "/api/ap/aging", {
  summary: "Open bills by days overdue", tags: ["aging"], roles: READERS, readOnly: true, timeout: "30s",
}, (e) => {
  const { entity } = e.query;
  const asOf = e.query.asOf ?? today();
  if (!entity || !/^\d{4}-(0[1-9]|1[0-2])-\d{2}$/.test(asOf)) throw new AppError("INVALID_REQUEST", "the query needs entity, and asOf as YYYY-MM-DD", { status: 400 });
  return aging($app.dao(), entity, mustBeDate(asOf, "asOf"));
});

function aging(dao, entity, asOf) {
  const paid = paidBy(dao, entity, asOf);
  const report = { totals: {}, suppliers: new Map() };
  for (const bill of standing(dao, "ap_bills", entity, asOf)) {
    const payment = paid.get(bill.billId);
    if (payment) payment.stands = true;
    count(report, bill, bucketOf(bill.dueDate, asOf), bill.total - (payment?.amount ?? 0));
  }
  // Money that went out for a bill which does not stand on that day: the supplier owes it.
  for (const payment of paid.values()) if (!payment.stands) count(report, payment, "current", -payment.amount);
  return { entity, asOf, totals: report.totals, suppliers: [...report.suppliers.keys()].sort().map((key) => report.suppliers.get(key)) };
}

function count({ totals, suppliers }, { supplier, currency }, bucket, open) {
  if (open === 0) return;
  add(totals[currency] ??= empty(), bucket, open);
  const key = `${supplier}\u0000${currency}`;
  if (!suppliers.has(key)) suppliers.set(key, { supplier, currency, ...empty() });
  add(suppliers.get(key), bucket, open);
}

// By bill; whether the bill stands on that day is found out later, because taking one out of a large map looks at all.
function paidBy(dao, entity, asOf) {
  const paid = new Map();
  for (const { billId, supplier, currency, amount } of standing(dao, "ap_payments", entity, asOf)) {
    paid.set(billId, { supplier, currency, amount: (paid.get(billId)?.amount ?? 0) + amount, stands: false });
  }
  return paid;
}

// What the ledger held on that day: posted by then, and not yet reversed by then.
function* standing(dao, collection, entity, asOf) {
  yield* until(dao, collection, entity, "posted", asOf);
  for (const document of until(dao, collection, entity, "reversed", asOf)) if (document.reversedOn > asOf) yield document;
}

// In the order of their index, a page at a time, so that years of documents fit into the memory of a worker.
function* until(dao, collection, entity, status, asOf) {
  let cursor;
  do {
    const page = dao.findRecordsByFilter(collection, { entity, status, date: { le: asOf } }, { sort: "date", limit: PAGE[collection], cursor });
    yield* page;
    cursor = page.cursor;
  } while (cursor);
}

function bucketOf(dueDate, asOf) {
  const days = (Date.parse(`${asOf}T00:00:00Z`) - Date.parse(`${dueDate}T00:00:00Z`)) / DAY_MS;
  if (days <= 0) return "current";
  return days > 90 ? "90+" : BUCKETS[Math.ceil(days / 30)];
}

function empty() {
  return { current: 0, "1-30": 0, "31-60": 0, "61-90": 0, "90+": 0, total: 0 };
}

function add(row, bucket, amount) {
  row[bucket] += amount;
  row.total += amount;
  if (Number.isSafeInteger(row[bucket]) && Number.isSafeInteger(row.total)) return;
  throw new AppError("AMOUNT_TOO_LARGE", "what is open passes 2^53-1 minor units; ask for an earlier day", { status: 422 });
}
