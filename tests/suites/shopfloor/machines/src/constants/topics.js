const ROOT = "machines";
const under = (group) => (name) => `${ROOT}.${group}.${name}`;
const state = under("state");

export const STATES = Object.freeze({
  run: state("running"),
  idle: state("idle"),
  down: state("down"),
});

export const TOPICS = Object.freeze({
  signal: { received: ROOT + ".signal.received" },
  alarm: Object.freeze({ raised: "machines.alarm.raised", cleared: "machines.alarm.cleared" }),
  cycle: { ...{ finished: "machines.cycle.finished" } },
});
