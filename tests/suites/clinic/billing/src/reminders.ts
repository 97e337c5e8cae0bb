import { invoiceTopic, tellInvoice as tell } from "./invoices.ts";

const OVERDUE_DAYS = 30;

$jobs.cron("billing.reminders", "0 6 * * 1-5", function remind() {
  const dao = $app.dao();
  dao.findRecordsByFilter("billing_invoices", { status: "open" }).forEach((invoice) => {
    const days = invoice.days + 1;
    dao.saveRecord("billing_invoices", { ...invoice, days });
    if (days === OVERDUE_DAYS) tell({ invoiceId: invoice.invoiceId, patientId: invoice.patientId, days }, invoiceTopic("overdue"));
  });
});
