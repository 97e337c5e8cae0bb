// What the general ledger answered. It tells everybody; only what this plugin asked for is heard, and only documents that it knows are touched.
import type { Receipt } from "./documents.ts";
import { mayBeDocument, recordId } from "./common.ts";
import { postingKey } from "./posting.ts";

const OURS = { when: "source.plugin = 'ar'" };
const COLLECTIONS: Record<string, string> = { invoice: "ar_invoices", receipt: "ar_receipts" };

$app.onEvent("gl.journal.posted", OURS, function stampPosted(e) {
  const { payload } = e;
  // A reversal tells of itself in gl.journal.reversed.
  if (payload.reverses) return;
  const dao = $app.dao();
  const document = documentOf(dao, payload);
  if (!document || document.status === "posted" || document.status === "reversed") return;
  const { journalId, journalNo, postedAt } = payload;
  const stamped = { ...document, status: "posted", journalId, journalNo, postedAt, failureCode: "", failureMessage: "" };
  dao.saveRecord(COLLECTIONS[payload.source.docType], stamped);
  // A replayed answer may find what a refusal gave back.
  if (payload.source.docType === "receipt" && document.status === "post_failed") move(dao, document, document.amount);
  tell(stamped, payload.source.docType);
});

$app.onEvent("gl.journal.rejected", OURS, function stampRejected(e) {
  const { payload } = e;
  const dao = $app.dao();
  const document = documentOf(dao, payload);
  if (document?.status !== "posting") return;
  dao.saveRecord(COLLECTIONS[payload.source.docType], { ...document, status: "post_failed", failureCode: payload.code, failureMessage: payload.message });
  if (payload.source.docType === "receipt") move(dao, document, -document.amount);
});

$app.onEvent("gl.journal.reversed", OURS, function stampReversed(e) {
  const { payload } = e;
  const dao = $app.dao();
  const document = sourceOf(dao, payload);
  if (document?.journalId !== payload.journalId || document.status === "reversed") return;
  dao.saveRecord(COLLECTIONS[payload.source.docType], { ...document, status: "reversed", reversedBy: payload.reversedBy, reversedOn: payload.postingDate });
  if (payload.source.docType === "receipt") move(dao, document, -document.amount);
});

function documentOf(dao, payload) {
  const document = sourceOf(dao, payload);
  const { entity, source } = payload;
  return document && payload.idempotencyKey === postingKey(source.docType, entity, source.docId) ? document : null;
}

function sourceOf(dao, { entity, source }) {
  if (!Object.hasOwn(COLLECTIONS, source.docType)) return null;
  const id = recordId(entity, source.docId);
  return mayBeDocument(id) ? dao.findRecordsByIds(COLLECTIONS[source.docType], [id])[0] : null;
}

function move(dao, receipt: Receipt, amount: number): void {
  const invoice = dao.findRecordById("ar_invoices", recordId(receipt.entity, receipt.invoiceId));
  dao.saveRecord("ar_invoices", { ...invoice, paid: invoice.paid + amount });
}

function tell(document, docType) {
  const { entity, invoiceId, customer, currency, journalId, journalNo } = document;
  if (docType === "invoice") {
    $app.realtime().publish("ar.invoice.posted", {
      entity, invoiceId, customer, currency, total: document.total, dueDate: document.dueDate, journalId, journalNo,
    });
  } else {
    const { receiptId, amount } = document;
    $app.realtime().publish("ar.receipt.posted", {
      entity, receiptId, invoiceId, customer, currency, amount, journalId, journalNo,
    });
  }
}
