// What opens a ticket, and of which kind.
const TRIGGERS = {
  "machines.alarm.raised": "repair",
  "machines.state.down": "repair",
};

const SERVICE_PIECES = 100_000;

export function register({ open, counted }) {
  Object.entries(TRIGGERS).forEach(([topic, kind]) => {
    $app.onEvent(topic, { name: `open on ${topic}` }, ({ payload }) => open(payload.machine, kind));
  });
  $app.onEvent("quality.gauge.drifted", ({ payload: { gauge } }) => open(gauge, "calibration"));
  $app.onEvent("machines.cycle.finished", function countPieces(e) {
    const { machine, pieces } = e.payload;
    if (counted(machine, pieces) > SERVICE_PIECES) open(machine, "service");
  });
}
