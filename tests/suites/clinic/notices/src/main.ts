import "./register.ts";
import "./outbox.ts";
