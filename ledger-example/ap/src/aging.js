// What is owed on a day, by how long it is overdue. The sum of a currency is the balance of the control account.
import { READERS, mustBeDate, today } from "./common.js";

const DAY_MS = 86_400_000;
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
    paid.delete(bill.billId);
    count(report, bill, bucketOf(bill.dueDate, asOf), bill.total - (payment?.amount ?? 0));
  }
  // Money that went out for a bill which does not stand on that day: the supplier owes it.
  for (const payment of paid.values()) count(report, payment, "current", -payment.amount);
  return { entity, asOf, totals: report.totals, suppliers: [...report.suppliers.keys()].sort().map((key) => report.suppliers.get(key)) };
}

function count({ totals, suppliers }, { supplier, currency }, bucket, open) {
  if (open === 0) return;
  add(totals[currency] ??= empty(), bucket, open);
  const key = `${supplier}\u0000${currency}`;
  if (!suppliers.has(key)) suppliers.set(key, { supplier, currency, ...empty() });
  add(suppliers.get(key), bucket, open);
}

function paidBy(dao, entity, asOf) {
  const paid = new Map();
  for (const { billId, supplier, currency, amount } of standing(dao, "ap_payments", entity, asOf)) {
    paid.set(billId, { supplier, currency, amount: (paid.get(billId)?.amount ?? 0) + amount });
  }
  return paid;
}

// What the ledger held on that day: posted by then, and not yet reversed by then.
function standing(dao, collection, entity, asOf) {
  const posted = dao.findRecordsByFilter(collection, { entity, status: "posted", date: { le: asOf } });
  const reversed = dao.findRecordsByFilter(collection, { entity, status: "reversed", date: { le: asOf } });
  return posted.concat(reversed.filter((document) => document.reversedOn > asOf));
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
}
