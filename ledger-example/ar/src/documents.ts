// The shapes of this plugin's documents, as its collections hold them. Amounts are integers in minor units.
export type Status = "draft" | "posting" | "posted" | "post_failed" | "reversed";

export interface InvoiceLine {
  account: string;
  net: number;
  tax: number;
  taxAccount: string;
  memo?: string;
  dims?: Record<string, string>;
}

/** What an invoice and a receipt have in common: both become a journal. */
export interface Document {
  id: string;
  entity: string;
  invoiceId: string;
  customer: string;
  currency: string;
  date: string;
  status: Status;
  maker?: string;
  journalId?: string;
  journalNo?: string;
  reversedOn?: string;
  failureCode?: string;
  failureMessage?: string;
}

export interface Invoice extends Document {
  customerRef: string;
  dueDate: string;
  lines: InvoiceLine[];
  total: number;
  paid: number;
  receivablesAccount: string;
  issuer?: string;
}

export interface Receipt extends Document {
  receiptId: string;
  amount: number;
  bankAccount: string;
}

/** A line of the journal that gl is asked for. */
export interface JournalLine {
  line: number;
  account: string;
  currency: string;
  debit: number;
  credit: number;
  party?: { type: string; id: string };
  dueDate?: string;
  dims?: Record<string, string>;
  memo?: string;
}
