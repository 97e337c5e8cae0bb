// The one way a journal gets posted, whether it was asked for by an event, over REST or in an import.
import { addUp } from "./amounts.js";
import { append, journalId } from "./append.js";
import { booksWanted, readBooks, refusedByBooks } from "./books.js";
import { differs } from "./differs.js";
import { postingDate } from "./request.js";
import { rejection } from "./rejection.js";
import { postedReply, rejectedReply } from "./replies.js";

// What is wanted for a request, so that judging it does not work out again what reading ahead did.
const ahead = new WeakMap();

/**
 * Posts a request that was read as {payload, eventId?} or found {rejected}. `caller` is {publisher, anySource}: who asks,
 * and whether it may name any source. `heardAs` is the id of the event it came by, if that may have been answered before.
 * Gives {posted, fresh} or {rejected}, the payload of gl.journal.posted or gl.journal.rejected; `again` where the answer
 * is an earlier one.
 * @param {Trunkline.Dao} dao
 * @param {{payload?: any, eventId?: string, rejected?: any}} request
 * @param {any} caller
 * @param {string} [heardAs]
 */
export function post(dao, { payload, eventId, rejected }, caller, heardAs) {
  if (rejected) return { rejected: rejectedReply(payload, rejected) };
  const wanted = ahead.get(payload) ?? wantedFor(payload, eventId ?? heardAs);
  const books = readBooks(dao, wanted);
  if (books.reply) return again(books.reply, payload);
  const outcome = evaluate(dao, payload, wanted.gl_journals[0], books, caller);
  const reply = outcome.rejected ? { rejected: rejectedReply(payload, outcome.rejected) } : { posted: outcome.posted, fresh: outcome.fresh };
  if (eventId) remember(dao, payload, eventId, reply);
  return reply;
}

/**
 * What `post` will read for a request, for who reads it ahead.
 * @param {any} payload
 * @param {string} [eventId]
 */
export function wantedFor(payload, eventId) {
  const wanted = booksWanted(payload, journalId(payload.entity, payload.idempotencyKey), eventId);
  ahead.set(payload, wanted);
  return wanted;
}

/** What was answered to this event before, if it was: a redelivery is never judged again. */
export function replyTo(dao, payload, eventId) {
  const known = dao.findRecordsByIds("gl_replies", [`${payload.entity}/${eventId}`])[0];
  return known ? again(known, payload) : null;
}

// An id that comes with other content is no redelivery: whoever sent that must not take an answer of before for its own.
function again({ eventId, reply, requestHash }, payload) {
  if (requestHash && requestHash !== $app.hash(payload)) return { rejected: rejectedReply(payload, otherContent(eventId, reply)), again: true };
  return reply.journalId && !reply.code ? { posted: { ...reply, duplicate: true }, fresh: false, again: true } : { rejected: reply, again: true };
}

function otherContent(eventId, { journalId }) {
  const message = `eventId ${eventId} was used for a request with other content; another request needs an id of its own`;
  const details = [{ path: "eventId", got: eventId, want: "an id that is free" }];
  return rejection("IDEMPOTENCY_CONFLICT", message, details, journalId ? { existingJournalId: journalId } : {});
}

/**
 * Keeps the answer to an event for its redeliveries.
 * @param {Trunkline.Dao} dao
 * @param {any} payload
 * @param {string} eventId
 * @param {{posted?: any, rejected?: any}} answer
 */
export function remember(dao, payload, eventId, { posted, rejected }) {
  const { entity } = payload;
  dao.saveRecord("gl_replies", { id: `${entity}/${eventId}`, entity, eventId, requestHash: $app.hash(payload), reply: posted ?? rejected });
}

function evaluate(dao, payload, id, books, caller) {
  const requestHash = $app.hash(payload);
  const known = books.journal;
  if (known) return known.requestHash === requestHash ? { posted: postedReply(known, true), fresh: false } : { rejected: conflict(known, payload) };
  const { rejected, totals } = addUp(payload);
  if (rejected) return { rejected };
  const date = postingDate(payload);
  const period = date.slice(0, 7);
  const refused = refusedByBooks(payload, books, period, date) ?? notAllowed(payload, caller);
  if (refused) return { rejected: refused };
  const done = append(dao, { id, requestHash, payload, book: books.book, period, date, totals, publisher: caller.publisher });
  return done.rejected ? done : { posted: postedReply(done.journal, false), fresh: true };
}

function conflict(known, payload) {
  const details = differs(known.request, payload);
  const message = `the key ${payload.idempotencyKey} was used for journal ${known.journalNo} with other content`;
  return rejection("IDEMPOTENCY_CONFLICT", message, details, { existingJournalId: known.id, differs: details.map(({ path }) => path) });
}

function notAllowed(payload, caller) {
  const { plugin } = payload.source;
  if (caller.anySource || caller.plugin === plugin) return null;
  const want = caller.plugin ?? null;
  return rejection("NOT_ALLOWED", `${caller.publisher} may not post for ${plugin}`, [{ path: "source.plugin", got: plugin, want }]);
}
