// The requests that other plugins and outside clients send over the bus.
import { busCaller } from "./callers.js";
import { post, remember, replyTo } from "./post.js";
import { reverse } from "./reverse.js";

$app.onEvent("gl.journal.post.request", function postJournal(e) {
  answer(e, (dao) => post(dao, e.payload, busCaller(e.publisher)));
});

$app.onEvent("gl.journal.reverse.request", function reverseJournal(e) {
  const dao = $app.dao();
  const outcome = sticky(e, dao) ?? reverse(dao, e.payload, busCaller(e.publisher));
  if (outcome.rejected) refuse(e, dao, outcome.rejected);
  else {
    e.reply(outcome.posted);
    if (outcome.fresh) $app.realtime().publish("gl.journal.reversed", outcome.reversed);
  }
});

function answer(e, evaluate) {
  const dao = $app.dao();
  const outcome = sticky(e, dao) ?? evaluate(dao);
  if (outcome.rejected) refuse(e, dao, outcome.rejected);
  else e.reply(outcome.posted);
}

// The inbox already keeps an event from being handled twice. Only a replay comes here again, and it must hear the
// same rejection; a posting it would find by its idempotency key.
function sticky(e, dao) {
  return e.replay ? replyTo(dao, e.payload.entity, e.id) : null;
}

function refuse(e, dao, rejected) {
  if (!e.replay) remember(dao, e.payload.entity, e.id, { rejected });
  e.reject(rejected);
}
