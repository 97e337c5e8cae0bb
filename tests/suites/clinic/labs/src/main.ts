import "./orders.ts";
import "./readings.ts";
export { onCancelled } from "./cancellations.ts";
