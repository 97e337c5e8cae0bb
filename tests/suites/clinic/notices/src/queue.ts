import { Messages } from "./topics.ts";

export function queue(to: string, text: string): void {
  $app.realtime().publish(Messages.queued, { messageId: $app.uuid(), to, text });
}
