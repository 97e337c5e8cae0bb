import { invoiceTopic, tellInvoice } from "./invoices.ts";

$app.routerAdd("POST", "/api/billing/invoices/{id}/pay", { roles: ["billing.clerk"], summary: "Take a payment" }, (e) => {
  const dao = $app.dao();
  const invoice = dao.findFirstRecordByFilter("billing_invoices", { invoiceId: e.params.id });
  if (!invoice) throw new AppError("INVOICE_NOT_FOUND", `there is no invoice ${e.params.id}`, { status: 404 });
  dao.saveRecord("billing_invoices", { ...invoice, status: "paid" });
  tellInvoice({ invoiceId: invoice.invoiceId, total: invoice.total, currency: invoice.currency }, invoiceTopic("paid"));
  return { paid: true };
});
