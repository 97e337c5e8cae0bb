// Invoices: draft -> posting -> posted, or post_failed with the code that gl gave; reversed when gl undoes the journal.
import type { Invoice, Status } from "./documents.ts";
import { APPROVERS, CLERKS, DOCUMENTS_PAGE, READERS, findDocument, mustBeDate, mustHaveEntity, pageSize, recordId, setting, sum } from "./common.ts";
import { requestInvoiceJournal } from "./posting.ts";
import { useCustomer } from "./customers.ts";

const LINES_MAX = 10_000;

$app.routerAdd("POST", "/api/ar/invoices", {
  request: "contracts/invoice.json", summary: "Enter an invoice as a draft", tags: ["invoices"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const { entity } = e.body;
  const invoiceId = e.body.invoiceId ?? `I-${$app.uuid().slice(-12)}`;
  const id = recordId(entity, invoiceId);
  if (dao.findRecordsByIds("ar_invoices", [id])[0]) throw new AppError("INVOICE_EXISTS", `entity ${entity} has an invoice ${invoiceId}`, { status: 409 });
  const invoice = { id, entity, invoiceId, status: "draft", paid: 0, maker: e.auth.id, ...contentOf(dao, e.body) };
  e.setStatus(201);
  return view(dao.saveRecord("ar_invoices", invoice));
});

$app.routerAdd("PUT", "/api/ar/invoices/{id}", {
  request: "contracts/invoice.json", summary: "Change a draft", tags: ["invoices"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const invoice = inState(dao, e.params.id, ["draft"]);
  if (e.body.entity !== invoice.entity) throw new AppError("ENTITY_FIXED", `invoice ${invoice.invoiceId} belongs to ${invoice.entity}`, { status: 422 });
  if ((e.body.invoiceId ?? invoice.invoiceId) !== invoice.invoiceId) throw new AppError("NUMBER_FIXED", `invoice ${invoice.invoiceId} keeps its number`, { status: 422 });
  return view(dao.saveRecord("ar_invoices", { ...invoice, ...contentOf(dao, e.body), maker: e.auth.id }));
});

$app.routerAdd("POST", "/api/ar/invoices/{id}/issue", {
  summary: "Issue a draft: send it to the general ledger", tags: ["invoices"], roles: APPROVERS,
}, (e) => {
  const dao = $app.dao();
  const invoice = inState(dao, e.params.id, ["draft"]);
  if (setting("separateIssuer") && invoice.maker === e.auth.id) {
    throw new AppError("SAME_PERSON", "who entered an invoice may not issue it", { status: 403 });
  }
  invoice.issuer = e.auth.id;
  const sent = send(dao, invoice);
  const { entity, invoiceId, customer, date, dueDate, currency, total } = invoice;
  $app.realtime().publish("ar.invoice.issued", { entity, invoiceId, customer, date, dueDate, currency, total, issuer: e.auth.id });
  return view(sent);
});

$app.routerAdd("POST", "/api/ar/invoices/{id}/retry", {
  summary: "Send a refused invoice once more", tags: ["invoices"], roles: APPROVERS,
}, (e) => {
  const dao = $app.dao();
  return view(send(dao, inState(dao, e.params.id, ["post_failed"])));
});

$app.routerAdd("POST", "/api/ar/invoices/{id}/reopen", {
  summary: "Make a refused invoice a draft again", tags: ["invoices"], roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const invoice = inState(dao, e.params.id, ["post_failed"]);
  return view(dao.saveRecord("ar_invoices", { ...invoice, status: "draft", issuer: "", failureCode: "", failureMessage: "" }));
});

$app.routerAdd("GET", "/api/ar/invoices/{id}", {
  summary: "One invoice with its receipts", tags: ["invoices"], roles: READERS, readOnly: true,
}, (e) => {
  const dao = $app.dao();
  const invoice = findDocument(dao, "ar_invoices", "invoiceId", e.params.id);
  const receipts = dao.findRecordsByFilter("ar_receipts", { entity: invoice.entity, invoiceId: invoice.invoiceId });
  return { ...view(invoice), receipts };
});

$app.routerAdd("GET", "/api/ar/invoices", {
  summary: "Invoices of an entity by status or customer", tags: ["invoices"], roles: READERS, readOnly: true,
}, (e) => {
  const { entity, status, customer, limit, cursor } = e.query;
  const filter: Record<string, string> = { entity: mustHaveEntity(entity) };
  if (status) filter.status = status;
  if (customer) filter.customer = customer;
  return list($app.dao(), filter, pageSize(limit), cursor || undefined);
});

// The last first, from a cursor on; `next` is the cursor behind them. Many lines end a list early, so that it fits into an answer.
function list(dao: Trunkline.Dao, filter: Record<string, string>, limit: number, after?: string) {
  const invoices: ReturnType<typeof view>[] = [];
  let lines = 0;
  let cursor = after;
  do {
    const most = Math.min(limit - invoices.length, DOCUMENTS_PAGE);
    const page = dao.findRecordsByFilter("ar_invoices", filter, { sort: "-date", limit: most, cursor });
    for (const invoice of page) {
      invoices.push(view(invoice));
      lines += invoice.lines.length;
    }
    cursor = page.cursor;
  } while (cursor && invoices.length < limit && lines < LINES_MAX);
  return { invoices, next: cursor };
}

function contentOf(dao: Trunkline.Dao, body: Trunkline.SchemaFiles["contracts/invoice.json"]) {
  const { entity, customer, customerRef, date, dueDate, currency } = body;
  mustBeDate(date, "date");
  mustBeDate(dueDate ?? date, "dueDate");
  useCustomer(dao, entity, customer);
  const lines = body.lines.map((line) => ({ ...line, tax: line.tax ?? 0, taxAccount: line.taxAccount ?? setting("taxAccount") }));
  const total = sum(lines.flatMap((line) => [line.net, line.tax]));
  const receivablesAccount = body.receivablesAccount ?? setting("receivablesAccount");
  return { customer, customerRef: customerRef ?? "", date, dueDate: dueDate ?? date, currency, lines, total, receivablesAccount };
}

// The document's state and the request leave in one unit of work, so neither is ever there without the other.
function send(dao: Trunkline.Dao, invoice: Invoice): Invoice {
  requestInvoiceJournal(invoice);
  return dao.saveRecord("ar_invoices", { ...invoice, status: "posting", failureCode: "", failureMessage: "" });
}

function inState(dao: Trunkline.Dao, id: string, states: Status[]): Invoice {
  const invoice = findDocument(dao, "ar_invoices", "invoiceId", id);
  if (states.includes(invoice.status)) return invoice;
  throw new AppError("INVOICE_STATE", `invoice ${invoice.invoiceId} is ${invoice.status}, not ${states.join(" or ")}`, { status: 409 });
}

function view(invoice: Invoice) {
  return { ...invoice, open: invoice.status === "reversed" ? 0 : invoice.total - invoice.paid };
}
