import { Messages } from "./topics.ts";

const { queued, ...results } = Messages;

$app.onEvent(queued, function send(e) {
  const { messageId, to, text } = e.payload;
  const sent = to !== "";
  if (sent) $app.dao().saveRecord("notices_messages", { messageId, to, text });
  $app.realtime().publish(
    sent ? results.sent : results.failed,
    sent ? { messageId, channel: "letter" } : { messageId, reason: "nobody to send it to" },
  );
});
