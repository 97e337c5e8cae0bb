// Accounts payable: suppliers, bills, payments and ageing. Journals are asked for over the bus and answered over it.
import "./suppliers.js";
import "./bills.js";
import "./payments.js";
import "./aging.js";
import "./outcomes.js";
