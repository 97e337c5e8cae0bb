// Accounts receivable: customers, invoices, receipts and ageing. Journals are asked for over the bus and answered over it.
import "./customers.ts";
import "./invoices.ts";
import "./receipts.ts";
import "./aging.ts";
import "./outcomes.ts";
