// What a posting request says. Its shape is guarded by its contract, on the bus and over HTTP; what no schema can tell is left.
import contract from "../contracts/gl.journal.post.request.json" with { type: "json" };
import { isDayOfMonth } from "./dates.js";
import { rejection } from "./rejection.js";

const JOURNALS = { __proto__: null, ap: "AP", ar: "AR", fa: "FA", htr: "PR", inventory: "INV" };

/** The posting date; `date` is an accepted name for it. */
export function postingDate(payload) {
  return payload.postingDate ?? payload.date;
}

/** The journal a request goes to; without one, the source decides. */
export function journalOf(payload) {
  return payload.journal ?? JOURNALS[payload.source.plugin] ?? "GEN";
}

/** The contract as clients outside have it: they may leave the document behind a journal out, and name their delivery. */
export const ORDER = {
  ...contract,
  title: "A journal to post",
  required: ["idempotencyKey", "entity", "lines"],
  properties: {
    ...contract.properties,
    source: { ...contract.properties.source, required: ["plugin"] },
    eventId: { type: "string", pattern: "^[!-~]{1,128}$", description: "The caller's identity of this delivery." },
  },
};

/** Gives a request that came by the bus, or what makes it unreadable. */
export function readChecked(payload) {
  const { documentDate, date } = payload;
  const posting = postingDate(payload);
  if (!isDayOfMonth(posting)) return { rejected: malformed("postingDate", posting, "a date YYYY-MM-DD"), payload };
  if (date && date !== posting) return { rejected: malformed("date", date, posting), payload };
  if (documentDate && !isDayOfMonth(documentDate)) return { rejected: malformed("documentDate", documentDate, "a date YYYY-MM-DD"), payload };
  return { payload };
}

/** Gives a request that came over HTTP, with its source: without one it is a manual journal of this plugin. */
export function readRequest(body) {
  const { eventId, ...rest } = body;
  const payload = rest.source ? rest : { ...rest, source: { plugin: "gl", docType: "manual", docId: rest.idempotencyKey } };
  return { ...readChecked(payload), eventId };
}

function malformed(path, got, want) {
  return rejection("INVALID_REQUEST", `${path} must be ${want}`, [{ path, got, want }]);
}
