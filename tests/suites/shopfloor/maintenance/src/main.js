import { register } from "./register.js";
import * as tickets from "./tickets.js";
import "./parts.js";

register(tickets);
