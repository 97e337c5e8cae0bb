const STATES = ["queued", "sent", "failed"] as const;

/** `notices.message.<state>` by state. */
export const Messages: Record<(typeof STATES)[number], string> = {
  [STATES[0]]: "notices.message.queued",
  [STATES[1]]: "notices.message.sent",
  [STATES[2]]: "notices.message.failed",
};
