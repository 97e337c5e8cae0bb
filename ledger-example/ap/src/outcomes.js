// What the general ledger answered. It tells everybody; only what this plugin asked for is heard, and only documents that it knows are touched.
// Its topics are public, so a client may publish on them, too: the daemon stamps the publisher, and only the ledger's word counts.
// Each topic has a place of its own in the log, so that what was told later may be heard earlier.
import { mayBeDocument, recordId } from "./common.js";
import { postingKey } from "./posting.js";

const LEDGER = "plugin:gl";
const OURS = { when: "source.plugin = 'ap'" };
const COLLECTIONS = { bill: "ap_bills", payment: "ap_payments" };

$app.onEvent("gl.journal.posted", OURS, function stampPosted(e) {
  const { payload } = e;
  if (e.publisher !== LEDGER) return;
  // A reversal tells of itself in gl.journal.reversed.
  if (payload.reverses) return;
  const dao = $app.dao();
  const document = documentOf(dao, payload);
  if (!document || document.status === "posted" || document.status === "reversed") return;
  const { journalId, journalNo, postedAt } = payload;
  const stamped = { ...document, status: "posted", journalId, journalNo, postedAt, failureCode: "", failureMessage: "" };
  dao.saveRecord(COLLECTIONS[payload.source.docType], stamped);
  // A replayed answer may find what a refusal gave back.
  if (payload.source.docType === "payment" && document.status === "post_failed") move(dao, document, document.amount);
  tell(stamped, payload.source.docType);
  undoIfReversed(dao, stamped, payload.source.docType);
});

$app.onEvent("gl.journal.rejected", OURS, function stampRejected(e) {
  const { payload } = e;
  if (e.publisher !== LEDGER) return;
  const dao = $app.dao();
  const document = documentOf(dao, payload);
  if (document?.status !== "posting" || !payload.source) return;
  dao.saveRecord(COLLECTIONS[payload.source.docType], { ...document, status: "post_failed", failureCode: payload.code, failureMessage: payload.message });
  if (payload.source.docType === "payment") move(dao, document, -document.amount);
});

$app.onEvent("gl.journal.reversed", OURS, function stampReversed(e) {
  if (e.publisher !== LEDGER) return;
  const { journalId, reversedBy, postingDate, source } = e.payload;
  const dao = $app.dao();
  const document = sourceOf(dao, e.payload);
  if (!document || document.status === "reversed") return;
  const reversal = { id: journalId, reversedBy, reversedOn: postingDate };
  if (document.journalId === journalId) undo(dao, document, source.docType, reversal);
  else if (!document.journalId) dao.saveRecord("ap_reversals", reversal);
});

// A reversal that was heard before the posting waits under the id of the journal, for only the posting says whose that is.
function undoIfReversed(dao, document, docType) {
  const reversal = dao.findRecordsByIds("ap_reversals", [document.journalId])[0];
  if (!reversal) return;
  dao.deleteRecord("ap_reversals", reversal.id);
  undo(dao, document, docType, reversal);
}

function undo(dao, document, docType, { reversedBy, reversedOn }) {
  dao.saveRecord(COLLECTIONS[docType], { ...document, status: "reversed", reversedBy, reversedOn });
  if (docType === "payment") move(dao, document, -document.amount);
}

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

function move(dao, payment, amount) {
  const bill = dao.findRecordById("ap_bills", recordId(payment.entity, payment.billId));
  dao.saveRecord("ap_bills", { ...bill, paid: bill.paid + amount });
}

function tell(document, docType) {
  const { entity, billId, supplier, currency, journalId, journalNo } = document;
  if (docType === "bill") {
    $app.realtime().publish("ap.bill.posted", {
      entity, billId, supplier, currency, total: document.total, dueDate: document.dueDate, journalId, journalNo,
    });
  } else {
    const { paymentId, amount } = document;
    $app.realtime().publish("ap.payment.posted", {
      entity, paymentId, billId, supplier, currency, amount, journalId, journalNo,
    });
  }
}
