// What is owed on a day, by how long it is overdue. The sum of a currency is the balance of the control account.
import type { Document, Receipt } from "./documents.ts";
import { DOCUMENTS_PAGE, READERS, mustBeDate, today } from "./common.ts";

type Bucket = "current" | "1-30" | "31-60" | "61-90" | "90+";
type Row = Record<Bucket | "total", number>;
interface Report {
  totals: Record<string, Row>;
  customers: Map<string, Row & { customer: string; currency: string }>;
}

const DAY_MS = 86_400_000;
const PAGE = { ar_invoices: DOCUMENTS_PAGE, ar_receipts: 500 };
const BUCKETS: Bucket[] = ["current", "1-30", "31-60", "61-90", "90+"];

$app.routerAdd("GET", "/api/ar/aging", {
  summary: "Open invoices by days overdue", tags: ["aging"], roles: READERS, readOnly: true, timeout: "30s",
}, (e) => {
  const { entity } = e.query;
  const asOf = e.query.asOf ?? today();
  if (!entity || !/^\d{4}-(0[1-9]|1[0-2])-\d{2}$/.test(asOf)) throw new AppError("INVALID_REQUEST", "the query needs entity, and asOf as YYYY-MM-DD", { status: 400 });
  return aging($app.dao(), entity, mustBeDate(asOf, "asOf"));
});

function aging(dao: Trunkline.Dao, entity: string, asOf: string) {
  const paid = paidBy(dao, entity, asOf);
  const report: Report = { totals: {}, customers: new Map() };
  for (const invoice of standing(dao, "ar_invoices", entity, asOf)) {
    const receipt = paid.get(invoice.invoiceId);
    if (receipt) receipt.stands = true;
    count(report, invoice, bucketOf(invoice.dueDate, asOf), invoice.total - (receipt?.amount ?? 0));
  }
  // Money that came in for an invoice which does not stand on that day: it is owed to the customer.
  for (const receipt of paid.values()) if (!receipt.stands) count(report, receipt, "current", -receipt.amount);
  return { entity, asOf, totals: report.totals, customers: [...report.customers.keys()].sort().map((key) => report.customers.get(key)) };
}

function count({ totals, customers }: Report, { customer, currency }: Pick<Document, "customer" | "currency">, bucket: Bucket, open: number): void {
  if (open === 0) return;
  add(totals[currency] ??= empty(), bucket, open);
  const key = `${customer}\u0000${currency}`;
  const row = customers.get(key) ?? { customer, currency, ...empty() };
  customers.set(key, row);
  add(row, bucket, open);
}

// By invoice; whether the invoice stands on that day is found out later, because taking one out of a large map looks at all.
function paidBy(dao: Trunkline.Dao, entity: string, asOf: string) {
  const paid = new Map<string, Pick<Receipt, "customer" | "currency" | "amount"> & { stands: boolean }>();
  for (const { invoiceId, customer, currency, amount } of standing(dao, "ar_receipts", entity, asOf)) {
    paid.set(invoiceId, { customer, currency, amount: (paid.get(invoiceId)?.amount ?? 0) + amount, stands: false });
  }
  return paid;
}

// What the ledger held on that day: posted by then, and not yet reversed by then.
function* standing<C extends "ar_invoices" | "ar_receipts">(dao: Trunkline.Dao, collection: C, entity: string, asOf: string) {
  yield* until(dao, collection, entity, "posted", asOf);
  for (const document of until(dao, collection, entity, "reversed", asOf)) if ((document.reversedOn ?? "") > asOf) yield document;
}

// In the order of their index, a page at a time, so that years of documents fit into the memory of a worker.
function* until<C extends "ar_invoices" | "ar_receipts">(dao: Trunkline.Dao, collection: C, entity: string, status: string, asOf: string) {
  let cursor: string | undefined;
  do {
    const filter = { entity, status, date: { le: asOf } } as Trunkline.Filter<C>;
    const page = dao.findRecordsByFilter(collection, filter, { sort: "date", limit: PAGE[collection], cursor });
    yield* page;
    cursor = page.cursor;
  } while (cursor);
}

function bucketOf(dueDate: string, asOf: string): Bucket {
  const days = (Date.parse(`${asOf}T00:00:00Z`) - Date.parse(`${dueDate}T00:00:00Z`)) / DAY_MS;
  if (days <= 0) return "current";
  return days > 90 ? "90+" : BUCKETS[Math.ceil(days / 30)];
}

function empty(): Row {
  return { current: 0, "1-30": 0, "31-60": 0, "61-90": 0, "90+": 0, total: 0 };
}

function add(row: Row, bucket: Bucket, amount: number): void {
  row[bucket] += amount;
  row.total += amount;
  if (Number.isSafeInteger(row[bucket]) && Number.isSafeInteger(row.total)) return;
  throw new AppError("AMOUNT_TOO_LARGE", "what is open passes 2^53-1 minor units; ask for an earlier day", { status: 422 });
}
