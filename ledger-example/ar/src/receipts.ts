// Receipts of invoices. An amount is taken off the invoice at once, so that two receipts cannot both use it, and given back when gl refuses.
import type { Invoice, NewReceipt, Receipt } from "./documents.ts";
import { CLERKS, READERS, findDocument, mustBeDate, recordId, setting } from "./common.ts";
import { requestReceiptJournal } from "./posting.ts";

$app.routerAdd("POST", "/api/ar/receipts", {
  request: "contracts/receipt.json", summary: "Record money for a posted invoice, in whole or in part", tags: ["receipts"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const invoice = findDocument(dao, "ar_invoices", "invoiceId", e.body.invoiceId, e.body.entity);
  const receiptId = e.body.receiptId ?? `R-${$app.uuid().slice(-12)}`;
  const id = recordId(invoice.entity, receiptId);
  if (dao.findRecordsByIds("ar_receipts", [id])[0]) throw new AppError("RECEIPT_EXISTS", `entity ${invoice.entity} has a receipt ${receiptId}`, { status: 409 });
  const date = mustBeDate(e.body.date, "date");
  const receipt: NewReceipt = {
    id, entity: invoice.entity, receiptId, invoiceId: invoice.invoiceId, customer: invoice.customer, currency: invoice.currency, date,
    amount: e.body.amount, bankAccount: e.body.bankAccount ?? setting("bankAccount"), status: "posting", maker: e.auth.id,
  };
  e.setStatus(201);
  return take(dao, invoice, receipt);
});

$app.routerAdd("POST", "/api/ar/receipts/{id}/retry", {
  summary: "Send a refused receipt once more", tags: ["receipts"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const receipt = findDocument(dao, "ar_receipts", "receiptId", e.params.id);
  const invoice = dao.findRecordById("ar_invoices", recordId(receipt.entity, receipt.invoiceId));
  if (receipt.status !== "post_failed") throw new AppError("RECEIPT_STATE", `receipt ${receipt.receiptId} is ${receipt.status}, not post_failed`, { status: 409 });
  return take(dao, invoice, { ...receipt, status: "posting", failureCode: "", failureMessage: "" });
});

$app.routerAdd("GET", "/api/ar/receipts/{id}", {
  summary: "One receipt", tags: ["receipts"], roles: READERS, readOnly: true,
}, (e) => findDocument($app.dao(), "ar_receipts", "receiptId", e.params.id));

function take(dao: Trunkline.Dao, invoice: Invoice, receipt: Receipt | NewReceipt): Receipt {
  if (invoice.status !== "posted") throw new AppError("INVOICE_STATE", `invoice ${invoice.invoiceId} is ${invoice.status}; only a posted invoice takes a receipt`, { status: 409 });
  const open = invoice.total - invoice.paid;
  if (receipt.amount > open) throw new AppError("AMOUNT_ABOVE_OPEN", `invoice ${invoice.invoiceId} has ${open} open, ${receipt.amount} is more`, { status: 422 });
  invoice.paid += receipt.amount;
  dao.saveRecord("ar_invoices", invoice);
  requestReceiptJournal(receipt, invoice);
  return dao.saveRecord("ar_receipts", receipt);
}
