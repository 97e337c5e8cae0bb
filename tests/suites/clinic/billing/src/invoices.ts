export const CURRENCY = "EUR";

export interface Invoice {
  invoiceId: string;
  patientId: string;
  total: number;
  currency: string;
}

const INVOICE = "billing.invoice";

/** Tells what became of an invoice; a new one unless said otherwise. */
export function tellInvoice(payload: object, topic = `${INVOICE}.created`): void {
  $app.realtime().publish(topic, payload);
}

export const invoiceTopic = (what: "paid" | "overdue"): string => `${INVOICE}.${what}`;

export function openInvoice(patientId: string, total: number): Invoice {
  const invoice: Invoice = { invoiceId: $app.uuid(), patientId, total, currency: CURRENCY };
  $app.dao().saveRecord("billing_invoices", { ...invoice, status: "open", days: 0 });
  tellInvoice({ invoiceId: invoice.invoiceId, patientId, total, currency: CURRENCY });
  return invoice;
}
