// Bills: draft -> posting -> posted, or post_failed with the code that gl gave; reversed when gl undoes the journal.
import { APPROVERS, CLERKS, DOCUMENTS_PAGE, READERS, findDocument, mustBeDate, mustHaveEntity, pageSize, recordId, setting, sum } from "./common.js";
import { requestBillJournal } from "./posting.js";
import { useSupplier } from "./suppliers.js";

const LINES_MAX = 10_000;

$app.routerAdd("POST", "/api/ap/bills", {
  request: "contracts/bill.json", summary: "Enter a bill as a draft", tags: ["bills"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const { entity } = e.body;
  const billId = e.body.billId ?? `B-${$app.uuid().slice(-12)}`;
  const id = recordId(entity, billId);
  if (dao.findRecordsByIds("ap_bills", [id])[0]) throw new AppError("BILL_EXISTS", `entity ${entity} has a bill ${billId}`, { status: 409 });
  const bill = { id, entity, billId, status: "draft", paid: 0, maker: e.auth.id, ...contentOf(dao, e.body, id) };
  e.setStatus(201);
  return view(dao.saveRecord("ap_bills", bill));
});

$app.routerAdd("PUT", "/api/ap/bills/{id}", {
  request: "contracts/bill.json", summary: "Change a draft", tags: ["bills"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const bill = inState(dao, e.params.id, ["draft"]);
  if (e.body.entity !== bill.entity) throw new AppError("ENTITY_FIXED", `bill ${bill.billId} belongs to ${bill.entity}`, { status: 422 });
  if ((e.body.billId ?? bill.billId) !== bill.billId) throw new AppError("NUMBER_FIXED", `bill ${bill.billId} keeps its number`, { status: 422 });
  return view(dao.saveRecord("ap_bills", { ...bill, ...contentOf(dao, e.body, bill.id), maker: e.auth.id }));
});

$app.routerAdd("POST", "/api/ap/bills/{id}/approve", {
  summary: "Approve a draft and send it to the general ledger", tags: ["bills"], roles: APPROVERS,
}, (e) => {
  const dao = $app.dao();
  const bill = inState(dao, e.params.id, ["draft"]);
  if (setting("separateApprover") && bill.maker === e.auth.id) {
    throw new AppError("SAME_PERSON", "who entered a bill may not approve it", { status: 403 });
  }
  bill.approver = e.auth.id;
  const sent = send(dao, bill);
  const { entity, billId, supplier, date, dueDate, currency, total } = bill;
  $app.realtime().publish("ap.bill.approved", { entity, billId, supplier, date, dueDate, currency, total, approver: e.auth.id });
  return view(sent);
});

$app.routerAdd("POST", "/api/ap/bills/{id}/retry", {
  summary: "Send a refused bill once more", tags: ["bills"], roles: APPROVERS,
}, (e) => {
  const dao = $app.dao();
  return view(send(dao, inState(dao, e.params.id, ["post_failed"])));
});

$app.routerAdd("POST", "/api/ap/bills/{id}/reopen", {
  summary: "Make a refused bill a draft again", tags: ["bills"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const bill = inState(dao, e.params.id, ["post_failed"]);
  return view(dao.saveRecord("ap_bills", { ...bill, status: "draft", approver: "", failureCode: "", failureMessage: "" }));
});

$app.routerAdd("GET", "/api/ap/bills/{id}", {
  summary: "One bill with its payments", tags: ["bills"], roles: READERS, readOnly: true,
}, (e) => {
  const dao = $app.dao();
  const bill = findDocument(dao, "ap_bills", "billId", e.params.id);
  const payments = dao.findRecordsByFilter("ap_payments", { entity: bill.entity, billId: bill.billId });
  return { ...view(bill), payments };
});

$app.routerAdd("GET", "/api/ap/bills", {
  summary: "Bills of an entity by status or supplier", tags: ["bills"], roles: READERS, readOnly: true,
}, (e) => {
  const { entity, status, supplier, limit, cursor } = e.query;
  const filter = { entity: mustHaveEntity(entity) };
  if (status) filter.status = status;
  if (supplier) filter.supplier = supplier;
  return list($app.dao(), filter, pageSize(limit), cursor || undefined);
});

// The last first, from a cursor on; `next` is the cursor behind them. Many lines end a list early, so that it fits into an answer.
function list(dao, filter, limit, after) {
  const bills = [];
  let lines = 0;
  let cursor = after;
  do {
    const most = Math.min(limit - bills.length, DOCUMENTS_PAGE);
    const page = dao.findRecordsByFilter("ap_bills", filter, { sort: "-date", limit: most, cursor });
    for (const bill of page) {
      bills.push(view(bill));
      lines += bill.lines.length;
    }
    cursor = page.cursor;
  } while (cursor && bills.length < limit && lines < LINES_MAX);
  return { bills, next: cursor };
}

function contentOf(dao, body, id) {
  const { entity, supplier, supplierRef, date, dueDate, currency } = body;
  mustBeDate(date, "date");
  mustBeDate(dueDate ?? date, "dueDate");
  useSupplier(dao, entity, supplier);
  if (supplierRef) mustBeNewReference(dao, entity, supplier, supplierRef, id);
  const lines = body.lines.map((line) => ({ ...line, tax: line.tax ?? 0, taxAccount: line.taxAccount ?? setting("taxAccount") }));
  const total = sum(lines.flatMap((line) => [line.net, line.tax]));
  const payablesAccount = body.payablesAccount ?? setting("payablesAccount");
  return { supplier, supplierRef: supplierRef ?? "", date, dueDate: dueDate ?? date, currency, lines, total, payablesAccount };
}

// The same paper twice is the classic way to pay twice.
function mustBeNewReference(dao, entity, supplier, supplierRef, id) {
  const others = dao.findRecordsByFilter("ap_bills", { entity, supplier, supplierRef });
  const other = others.find((bill) => bill.id !== id && bill.status !== "reversed");
  if (other) throw new AppError("DUPLICATE_SUPPLIER_REF", `${supplierRef} of ${supplier} is bill ${other.billId} already`, { status: 409 });
}

// The document's state and the request leave in one unit of work, so neither is ever there without the other.
function send(dao, bill) {
  requestBillJournal(bill);
  return dao.saveRecord("ap_bills", { ...bill, status: "posting", failureCode: "", failureMessage: "" });
}

function inState(dao, id, states) {
  const bill = findDocument(dao, "ap_bills", "billId", id);
  if (states.includes(bill.status)) return bill;
  throw new AppError("BILL_STATE", `bill ${bill.billId} is ${bill.status}, not ${states.join(" or ")}`, { status: 409 });
}

function view(bill) {
  return { ...bill, open: bill.status === "reversed" ? 0 : bill.total - bill.paid };
}
