// The shapes of this plugin's documents, as its collections hold them. Amounts are integers in minor units.
export type Invoice = Trunkline.Stored<"ar_invoices"> & { lines: InvoiceLine[] };
export type Receipt = Trunkline.Stored<"ar_receipts">;
/** Before it is stored. */
export type NewReceipt = Omit<Receipt, "created" | "updated" | "revision">;
export type Status = Invoice["status"];

/** What an invoice and a receipt have in common: both become a journal. */
export type Document = Pick<Invoice & Receipt, "entity" | "invoiceId" | "customer" | "currency">;

export interface InvoiceLine {
  account: string;
  net: number;
  tax: number;
  taxAccount: string;
  memo?: string;
  dims?: Record<string, string>;
}

/** A line of the journal that gl is asked for. */
export type JournalLine = NonNullable<Trunkline.Publishes["gl.journal.post.request"]["lines"]>[number];
