import { Appointments } from "./appointments.ts";
import { routes } from "./routes.ts";
import "./slots.ts";
import "./merges.ts";

routes(new Appointments());
