// Payments of bills. An amount is taken off the bill at once, so that two payments cannot both use it, and given back when gl refuses.
import { CLERKS, READERS, findDocument, mustBeDate, recordId, setting } from "./common.js";
import { requestPaymentJournal } from "./posting.js";

$app.routerAdd("POST", "/api/ap/payments", {
  request: "contracts/payment.json", summary: "Pay a posted bill, in whole or in part", tags: ["payments"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const bill = findDocument(dao, "ap_bills", "billId", e.body.billId, e.body.entity);
  const paymentId = e.body.paymentId ?? `P-${$app.uuid().slice(-12)}`;
  const id = recordId(bill.entity, paymentId);
  if (dao.findRecordsByIds("ap_payments", [id])[0]) throw new AppError("PAYMENT_EXISTS", `entity ${bill.entity} has a payment ${paymentId}`, { status: 409 });
  const date = mustBeDate(e.body.date, "date");
  const payment = {
    id, entity: bill.entity, paymentId, billId: bill.billId, supplier: bill.supplier, currency: bill.currency, date,
    amount: e.body.amount, bankAccount: e.body.bankAccount ?? setting("bankAccount"), status: "posting", maker: e.auth.id,
  };
  e.setStatus(201);
  return take(dao, bill, payment);
});

$app.routerAdd("POST", "/api/ap/payments/{id}/retry", {
  summary: "Send a refused payment once more", tags: ["payments"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const payment = findDocument(dao, "ap_payments", "paymentId", e.params.id);
  const bill = dao.findRecordById("ap_bills", recordId(payment.entity, payment.billId));
  if (payment.status !== "post_failed") throw new AppError("PAYMENT_STATE", `payment ${payment.paymentId} is ${payment.status}, not post_failed`, { status: 409 });
  return take(dao, bill, { ...payment, status: "posting", failureCode: "", failureMessage: "" });
});

$app.routerAdd("GET", "/api/ap/payments/{id}", {
  summary: "One payment", tags: ["payments"], roles: READERS, readOnly: true,
}, (e) => findDocument($app.dao(), "ap_payments", "paymentId", e.params.id));

function take(dao, bill, payment) {
  if (bill.status !== "posted") throw new AppError("BILL_STATE", `bill ${bill.billId} is ${bill.status}; only a posted bill can be paid`, { status: 409 });
  const open = bill.total - bill.paid;
  if (payment.amount > open) throw new AppError("AMOUNT_ABOVE_OPEN", `bill ${bill.billId} has ${open} open, ${payment.amount} is more`, { status: 422 });
  bill.paid += payment.amount;
  dao.saveRecord("ap_bills", bill);
  requestPaymentJournal(payment, bill);
  return dao.saveRecord("ap_payments", payment);
}
