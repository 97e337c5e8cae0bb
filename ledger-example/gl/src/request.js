// The shape of a posting request, for the ways in that no contract schema guards: import lines and hand-made calls.
import { isDate, isDayOfMonth } from "./dates.js";
import { isEntity, isEventId } from "./names.js";
import { rejection } from "./rejection.js";

const JOURNALS = { ap: "AP", ar: "AR", fa: "FA", htr: "PR", inventory: "INV" };

/** The posting date; `date` is an accepted name for it. */
export function postingDate(payload) {
  return payload.postingDate ?? payload.date;
}

/** The journal a request goes to; without one, the source decides. */
export function journalOf(payload) {
  return payload.journal ?? JOURNALS[payload.source.plugin] ?? "GEN";
}

/** Gives a request that came by the bus, whose contract has checked its shape. What a schema cannot tell is left. */
export function readChecked(payload) {
  const date = postingDate(payload);
  if (!isDayOfMonth(date)) return { rejected: malformed("postingDate", date, "a date YYYY-MM-DD"), payload };
  if (payload.date && payload.date !== date) return { rejected: malformed("date", payload.date, date), payload };
  return { payload };
}

/** Gives the request with its source, or what makes it unreadable. */
export function readRequest(body) {
  if (body === null || typeof body !== "object" || Array.isArray(body)) return { rejected: malformed("", body, "an object") };
  const { eventId, ...rest } = body;
  const payload = rest.source ? rest : { ...rest, source: { plugin: "gl", docType: "manual", docId: rest.idempotencyKey } };
  const rejected = firstMalformed(payload, eventId);
  return rejected ? { rejected, payload } : { payload, eventId };
}

function firstMalformed(payload, eventId) {
  if (!isEntity(payload.entity)) return malformed("entity", payload.entity, "1 to 32 letters, digits, - or _");
  if (!isName(payload.idempotencyKey)) return malformed("idempotencyKey", payload.idempotencyKey, "a text of 1 to 200 characters");
  if (eventId !== undefined && !isEventId(eventId)) return malformed("eventId", eventId, "1 to 128 visible ASCII characters");
  const date = postingDate(payload);
  if (!isDate(date)) return malformed("postingDate", date, "a date YYYY-MM-DD");
  if (payload.date && payload.date !== date) return malformed("date", payload.date, date);
  if (!isName(payload.source.plugin)) return malformed("source.plugin", payload.source.plugin, "the name of a plugin");
  if (!/^[A-Z][A-Z0-9]{0,7}$/.test(journalOf(payload))) return malformed("journal", payload.journal, "up to 8 capital letters or digits");
  return malformedLines(payload.lines);
}

function malformedLines(lines) {
  if (!Array.isArray(lines) || lines.length > 1000) return malformed("lines", lines?.length ?? null, "a list of 2 to 1000 lines");
  const at = lines.findIndex((line) => line === null || typeof line !== "object");
  return at < 0 ? null : malformed(`lines[${at}]`, lines[at], "an object");
}

function isName(text) {
  return typeof text === "string" && text.length > 0 && text.length <= 200;
}

function malformed(path, got, want) {
  return rejection("INVALID_REQUEST", `${path || "the request"} must be ${want}`, [{ path, got: got ?? null, want }]);
}
