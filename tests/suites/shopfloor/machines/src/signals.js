import { LIMITS, STATES, TOPICS } from "./constants/index.js";

const bus = $app.realtime();

/** One function a signal. */
export const handlers = {
  state({ machine, value, at }) {
    // The controllers count: 0 down, 1 idle, 2 running.
    const topic = value === 2 ? STATES.run : value === 1 ? STATES.idle : STATES.down;
    bus.publish(topic, { machine, since: at });
  },

  temperature({ machine, value }) {
    if (value > LIMITS.temperature) raise(machine, "hot", "high");
    else clear(machine, "hot");
  },

  cycle({ machine, value }) {
    const { cycle } = TOPICS;
    bus.publish(cycle.finished, { machine, orderId: "", pieces: value });
  },

  other({ machine, signal }) {
    raise(machine, signal, "low");
  },
};

function raise(machine, code, severity) {
  bus?.publish(TOPICS.alarm.raised, { machine, code, severity });
}

function clear(machine, code) {
  bus.publish(TOPICS["alarm"]["cleared"], { machine, code });
}
