// Signals come in from the controllers' gateways; what they mean goes out.
import { TOPICS } from "./constants/index.js";
import { handlers } from "./signals.js";

$app.onEvent(TOPICS.signal.received, function interpret({ payload }) {
  const handle = handlers[payload.signal] ?? handlers.other;
  handle(payload);
});
