// What the general ledger answered. It tells everybody; only what this plugin asked for is heard, and only documents that it knows are touched.
// Its topics are public, so a client may publish on them, too: the daemon stamps the publisher, and only the ledger's word counts.
// Each topic has a place of its own in the log, so that what was told later may be heard earlier.
import type { Invoice, Receipt } from "./documents.ts";
import { mayBeDocument, recordId } from "./common.ts";
import { postingKey } from "./posting.ts";

const LEDGER = "plugin:gl";
const OURS = { when: "source.plugin = 'ar'" };
const COLLECTIONS = { invoice: "ar_invoices", receipt: "ar_receipts" } as const;

type DocType = keyof typeof COLLECTIONS;
type Found = Invoice | Receipt;
interface Answer {
  entity?: string;
  idempotencyKey: string | null;
  source?: { docType?: unknown; docId?: unknown };
}
const NOTHING = { document: null, docType: "invoice" } as const;

$app.onEvent("gl.journal.posted", OURS, function stampPosted(e) {
  const { payload } = e;
  if (e.publisher !== LEDGER) return;
  // A reversal tells of itself in gl.journal.reversed.
  if (payload.reverses) return;
  const dao = $app.dao();
  const { document, docType } = documentOf(dao, payload);
  if (!document || document.status === "posted" || document.status === "reversed") return;
  const { journalId, journalNo, postedAt } = payload;
  const stamped: Found = { ...document, status: "posted", journalId, journalNo, postedAt, failureCode: "", failureMessage: "" };
  dao.saveRecord(COLLECTIONS[docType], stamped);
  // A replayed answer may find what a refusal gave back.
  if (isReceipt(document) && document.status === "post_failed") move(dao, document, document.amount);
  tell(stamped, { journalId, journalNo });
  undoIfReversed(dao, stamped, journalId, docType);
});

$app.onEvent("gl.journal.rejected", OURS, function stampRejected(e) {
  const { payload } = e;
  if (e.publisher !== LEDGER) return;
  const dao = $app.dao();
  const { document, docType } = documentOf(dao, payload);
  if (document?.status !== "posting") return;
  dao.saveRecord(COLLECTIONS[docType], { ...document, status: "post_failed", failureCode: payload.code, failureMessage: payload.message });
  if (isReceipt(document)) move(dao, document, -document.amount);
});

$app.onEvent("gl.journal.reversed", OURS, function stampReversed(e) {
  if (e.publisher !== LEDGER) return;
  const { journalId, reversedBy, postingDate } = e.payload;
  const dao = $app.dao();
  const { document, docType } = sourceOf(dao, e.payload);
  if (!document || document.status === "reversed") return;
  const reversal = { id: journalId, reversedBy, reversedOn: postingDate };
  if (document.journalId === journalId) undo(dao, document, docType, reversal);
  else if (!document.journalId) dao.saveRecord("ar_reversals", reversal);
});

// A reversal that was heard before the posting waits under the id of the journal, for only the posting says whose that is.
function undoIfReversed(dao: Trunkline.Dao, document: Found, journalId: string, docType: DocType): void {
  const reversal = dao.findRecordsByIds("ar_reversals", [journalId])[0];
  if (!reversal) return;
  dao.deleteRecord("ar_reversals", reversal.id);
  undo(dao, document, docType, reversal);
}

function undo(dao: Trunkline.Dao, document: Found, docType: DocType, { reversedBy, reversedOn }: Pick<Trunkline.Stored<"ar_reversals">, "reversedBy" | "reversedOn">): void {
  dao.saveRecord(COLLECTIONS[docType], { ...document, status: "reversed", reversedBy, reversedOn });
  if (isReceipt(document)) move(dao, document, -document.amount);
}

// What the answer is about, if it answers what this plugin asked.
function documentOf(dao: Trunkline.Dao, payload: Answer): { document: Found | null; docType: DocType } {
  const found = sourceOf(dao, payload);
  const { entity, source } = payload;
  return payload.idempotencyKey === postingKey(String(source?.docType), String(entity), String(source?.docId)) ? found : NOTHING;
}

function sourceOf(dao: Trunkline.Dao, { entity, source }: Pick<Answer, "entity" | "source">): { document: Found | null; docType: DocType } {
  const docType = source?.docType;
  if (!isDocType(docType)) return NOTHING;
  const id = recordId(String(entity), String(source?.docId));
  return { document: mayBeDocument(id) ? dao.findRecordsByIds(COLLECTIONS[docType], [id])[0] : null, docType };
}

function isDocType(text: unknown): text is DocType {
  return typeof text === "string" && Object.hasOwn(COLLECTIONS, text);
}

function isReceipt(document: Found): document is Receipt {
  return "receiptId" in document;
}

function move(dao: Trunkline.Dao, receipt: Receipt, amount: number): void {
  const invoice = dao.findRecordById("ar_invoices", recordId(receipt.entity, receipt.invoiceId));
  dao.saveRecord("ar_invoices", { ...invoice, paid: invoice.paid + amount });
}

function tell(document: Found, journal: { journalId: string; journalNo: string }) {
  const { entity, invoiceId, customer, currency } = document;
  if (isReceipt(document)) {
    const { receiptId, amount } = document;
    $app.realtime().publish("ar.receipt.posted", { entity, receiptId, invoiceId, customer, currency, amount, ...journal });
  } else {
    const { total, dueDate } = document;
    $app.realtime().publish("ar.invoice.posted", { entity, invoiceId, customer, currency, total, dueDate, ...journal });
  }
}
