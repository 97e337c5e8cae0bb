// Undoing a journal: a mirror journal that nets every account, dimension and party to zero. Journals are never edited.
import { append, journalId } from "./append.js";
import { isDate, timestamp } from "./dates.js";
import { refusedByPeriod } from "./books.js";
import { isEntity, isJournalId } from "./names.js";
import { rejection } from "./rejection.js";
import { postedReply, rejectedReply } from "./replies.js";

const KEY_MAX = 200;
const REVERSE = "/reverse";

/**
 * Reverses {entity, journalId, reason, postingDate?, idempotencyKey?}. Gives {posted, fresh, reversed} or {rejected};
 * `reversed` is the payload of gl.journal.reversed. Without a key every call is a new attempt.
 */
export function reverse(dao, order, caller) {
  const outcome = evaluate(dao, order, caller);
  return outcome.rejected ? { rejected: rejectedReply(order, outcome.rejected) } : outcome;
}

function evaluate(dao, order, caller) {
  const misread = malformed(order);
  if (misread) return { rejected: misread };
  const known = order.idempotencyKey && dao.findRecordsByIds("gl_journals", [journalId(order.entity, order.idempotencyKey)])[0];
  if (known) return sameOrder(known, order);
  const original = dao.findRecordsByIds("gl_journals", [order.journalId])[0];
  const refused = notReversible(dao, order, original, caller);
  if (refused) return { rejected: refused };
  const date = order.postingDate ?? defaultDate(dao, original);
  if (date && date < original.postingDate) return { rejected: tooEarly(date, original) };
  const period = date ? date.slice(0, 7) : original.period;
  const closed = refusedByPeriod({}, dao.findRecordsByIds("gl_periods", [`${original.entity}/${period}`])[0], period);
  if (closed) return { rejected: closed };
  return write(dao, order, original, { date, period, publisher: caller.publisher });
}

function sameOrder(known, order) {
  const differs = [];
  if (known.reverses !== order.journalId) differs.push("journalId");
  if (known.request.memo !== order.reason) differs.push("reason");
  if (order.postingDate && known.postingDate !== order.postingDate) differs.push("postingDate");
  if (differs.length === 0) return { posted: postedReply(known, true), fresh: false };
  const message = `the key ${order.idempotencyKey} was used for journal ${known.journalNo} with other content`;
  return { rejected: rejection("IDEMPOTENCY_CONFLICT", message, differs.map((path) => ({ path, got: order[path] ?? null, want: null })), { existingJournalId: known.id, differs }) };
}

function malformed(order) {
  if (!isEntity(order.entity) || !isJournalId(order.journalId)) {
    return rejection("NOT_FOUND", `entity ${order.entity} has no journal ${order.journalId}`, [{ path: "journalId", got: order.journalId ?? null, want: "a journal of the entity" }]);
  }
  if (typeof order.reason !== "string" || order.reason.trim() === "") {
    return rejection("REASON_REQUIRED", "a reversal needs a reason", [{ path: "reason", got: order.reason ?? null, want: "a text" }]);
  }
  if (order.postingDate === undefined || isDate(order.postingDate)) return null;
  return rejection("INVALID_REQUEST", "postingDate must be a date YYYY-MM-DD", [{ path: "postingDate", got: order.postingDate, want: "date" }]);
}

function notReversible(dao, order, original, caller) {
  if (!original || original.entity !== order.entity) {
    return rejection("NOT_FOUND", `entity ${order.entity} has no journal ${order.journalId}`, [{ path: "journalId", got: order.journalId, want: "a journal of the entity" }]);
  }
  const done = dao.findRecordsByIds("gl_reversals", [original.id])[0];
  if (done) {
    const details = [{ path: "journalId", got: original.id, want: "a journal that is not reversed" }];
    return rejection("ALREADY_REVERSED", `journal ${original.journalNo} was reversed by ${done.reversedBy}`, details, { existingJournalId: done.reversedBy });
  }
  if (original.reverses) {
    return rejection("ALREADY_REVERSED", `journal ${original.journalNo} is a reversal; post the original anew instead`, [{ path: "journalId", got: original.id, want: "a journal that reverses nothing" }]);
  }
  if (caller.anySource || caller.plugin === original.sourcePlugin) return null;
  return rejection("NOT_ALLOWED", `${caller.publisher} may not reverse a journal of ${original.sourcePlugin}`, [{ path: "journalId", got: caller.plugin ?? null, want: original.sourcePlugin }]);
}

// On the days between the two the books would hold the undoing of what was not there yet.
function tooEarly(date, { journalNo, postingDate }) {
  const message = `postingDate ${date} is before ${postingDate}, the day of journal ${journalNo}, which it would reverse`;
  return rejection("INVALID_REQUEST", message, [{ path: "postingDate", got: date, want: `${postingDate} or later` }]);
}

// The original's own date while its period is open, else the first day of the first open period after it.
function defaultDate(dao, original) {
  const own = dao.findRecordsByIds("gl_periods", [`${original.entity}/${original.period}`])[0];
  if (own?.status === "open") return original.postingDate;
  const filter = { entity: original.entity, status: "open", period: { gt: original.period } };
  const next = dao.findRecordsByFilter("gl_periods", filter, { sort: "period", limit: 1 })[0];
  return next ? next.from : null;
}

function write(dao, order, original, { date, period, publisher }) {
  const idempotencyKey = order.idempotencyKey ?? keyOf(original);
  const payload = mirror(original, idempotencyKey, date, order.reason);
  const book = dao.findRecordsByIds("gl_books", [original.entity])[0];
  const id = journalId(original.entity, idempotencyKey);
  const taken = order.idempotencyKey ? null : dao.findRecordsByIds("gl_journals", [id])[0];
  if (taken) return { rejected: keyTaken(taken) };
  const done = append(dao, {
    id, payload, book, period, date, publisher, requestHash: $app.hash(payload), totals: original.totals, reverses: original.id,
  });
  if (done.rejected) return done;
  const link = { entity: original.entity, journalId: original.id, reversedBy: id, reason: order.reason, postingDate: date };
  dao.saveRecord("gl_reversals", { id: original.id, entity: link.entity, reversedBy: id, reason: link.reason, postingDate: date, at: timestamp(), publisher });
  return { posted: postedReply(done.journal, false), fresh: true, reversed: { ...link, source: original.request.source } };
}

// The key that a reversal has by itself; the journal's id stands in for a key that leaves no room behind it.
function keyOf({ id, idempotencyKey }) {
  const stem = idempotencyKey.length + REVERSE.length > KEY_MAX ? id : idempotencyKey;
  return stem + REVERSE;
}

// That key, where somebody gave it to another journal.
function keyTaken({ id, idempotencyKey, journalNo }) {
  const message = `the key ${idempotencyKey} was used for journal ${journalNo}; name another as idempotencyKey`;
  return rejection("IDEMPOTENCY_CONFLICT", message, [{ path: "idempotencyKey", got: idempotencyKey, want: "a key that is free" }], { existingJournalId: id });
}

function mirror(original, idempotencyKey, postingDate, memo) {
  const { request } = original;
  return {
    idempotencyKey,
    entity: original.entity,
    journal: original.journal,
    postingDate,
    memo,
    source: request.source,
    lines: request.lines.map(swapped),
  };
}

function swapped(line) {
  const other = { ...line, debit: line.credit ?? 0, credit: line.debit ?? 0 };
  if (line.fnDebit !== undefined || line.fnCredit !== undefined) {
    other.fnDebit = line.fnCredit ?? 0;
    other.fnCredit = line.fnDebit ?? 0;
  }
  return other;
}
