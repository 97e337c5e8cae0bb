// The journals that invoices and receipts ask for. The key names the business effect, so a resent request posts nothing twice.
import type { Invoice, JournalLine, NewReceipt } from "./documents.ts";

/** Sends an invoice to the general ledger: the control account, with the customer as party, against income and tax. */
export function requestInvoiceJournal(invoice: Invoice): void {
  $app.realtime().publish("gl.journal.post.request", {
    idempotencyKey: postingKey("invoice", invoice.entity, invoice.invoiceId),
    entity: invoice.entity,
    journal: "AR",
    documentDate: invoice.date,
    postingDate: invoice.date,
    memo: `Invoice ${invoice.invoiceId} of ${invoice.customer}`,
    source: { plugin: "ar", docType: "invoice", docId: invoice.invoiceId },
    lines: invoiceLines(invoice),
  });
}

/** Sends a receipt: the bank against the control account. */
export function requestReceiptJournal(receipt: NewReceipt, invoice: Invoice): void {
  const { entity, receiptId, amount, date } = receipt;
  const { currency } = invoice;
  $app.realtime().publish("gl.journal.post.request", {
    idempotencyKey: postingKey("receipt", entity, receiptId),
    entity,
    journal: "AR",
    documentDate: date,
    postingDate: date,
    memo: `Receipt ${receiptId} of invoice ${invoice.invoiceId}`,
    source: { plugin: "ar", docType: "receipt", docId: receiptId },
    lines: [
      { line: 1, account: receipt.bankAccount, currency, debit: amount, credit: 0 },
      { line: 2, account: invoice.receivablesAccount, currency, debit: 0, credit: amount, party: party(invoice) },
    ],
  });
}

export function postingKey(docType: string, entity: string, docId: string): string {
  return `${entity}/ar/${docType}/${docId}/post`;
}

function invoiceLines(invoice: Invoice): JournalLine[] {
  const { currency } = invoice;
  const owed = { account: invoice.receivablesAccount, currency, debit: invoice.total, credit: 0, party: party(invoice), dueDate: invoice.dueDate };
  const lines: JournalLine[] = [{ line: 1, ...owed }];
  for (const line of invoice.lines) {
    const earned: JournalLine = { line: lines.length + 1, account: line.account, currency, debit: 0, credit: line.net };
    if (line.dims) earned.dims = line.dims;
    if (line.memo) earned.memo = line.memo;
    lines.push(earned);
  }
  for (const [account, tax] of taxes(invoice)) lines.push({ line: lines.length + 1, account, currency, debit: 0, credit: tax });
  return lines;
}

function taxes(invoice: Invoice): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { tax, taxAccount } of invoice.lines) if (tax > 0) sums.set(taxAccount, (sums.get(taxAccount) ?? 0) + tax);
  return sums;
}

function party(invoice: Invoice) {
  return { type: "customer" as const, id: invoice.customer };
}
