import { prescriptions } from "./prescriptions.ts";
import "./stock.ts";
import "./results.ts";

prescriptions($app);
