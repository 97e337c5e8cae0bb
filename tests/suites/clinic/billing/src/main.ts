import "./charges.ts";
import "./claims.ts";
import "./payments.ts";
import "./reminders.ts";
