// The requests that other plugins and outside clients send over the bus.
import { busCaller } from "./callers.js";
import { post, remember, replyTo, wantedFor } from "./post.js";
import { readChecked } from "./request.js";
import { reverse } from "./reverse.js";

$app.onEvent("gl.journal.post.request", { prefetch: (e) => wantedFor(e.payload, heardAs(e)) }, function postJournal(e) {
  const dao = $app.dao();
  const outcome = post(dao, readChecked(e.payload), busCaller(e), heardAs(e));
  // A posting is found again by its idempotency key; a rejection only by the event that it answered.
  if (outcome.rejected && !outcome.again) remember(dao, e.payload, e.id, outcome);
  if (outcome.rejected) e.reject(outcome.rejected);
  else e.reply(outcome.posted);
});

$app.onEvent("gl.journal.reverse.request", function reverseJournal(e) {
  const outcome = answered(e, (dao, caller) => reverse(dao, e.payload, caller));
  if (outcome.rejected) e.reject(outcome.rejected);
  else e.reply(outcome.posted);
  if (outcome.fresh) $app.realtime().publish("gl.journal.reversed", outcome.reversed);
});

// Gives what was answered to this event before, or judges it and keeps a rejection for its redeliveries.
function answered(e, judge) {
  const dao = $app.dao();
  const before = comesAgain(e) ? replyTo(dao, e.payload, e.id) : null;
  if (before) return before;
  const outcome = judge(dao, busCaller(e));
  if (outcome.rejected) remember(dao, e.payload, e.id, outcome);
  return outcome;
}

function heardAs(e) {
  return comesAgain(e) ? e.id : undefined;
}

// The inbox keeps an event of a plugin from being handled twice. A replay comes again on purpose, and an outside
// client may have sent the same eventId to a verb before.
function comesAgain(e) {
  return e.replay || e.publisher.startsWith("rest:");
}
