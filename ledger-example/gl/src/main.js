// The general ledger: routes and subscriptions. What they do stands in the modules beside this one.
import "./entities.js";
import "./accounts.js";
import "./periods.js";
import "./journals.js";
import "./bus.js";
import "./reports.js";
