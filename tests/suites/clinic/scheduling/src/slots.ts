import { SlotTopics } from "./events.ts";

interface Hold {
  slot: string;
  patientId: string;
}

const { HOLD: { ASK } } = SlotTopics;

function refuse(e, slot: string, reason: string): void {
  e.reject({ slot, reason });
}

$app.onEvent(ASK, function holdSlot(e) {
  const { slot, patientId } = e.payload as Hold;
  const dao = $app.dao();
  const taken = dao.findFirstRecordByFilter("scheduling_slots", { slot });
  if (taken && taken.patientId !== patientId) return refuse(e, slot, "taken");
  dao.saveRecord("scheduling_slots", { ...taken, slot, patientId });
  e.reply({ slot, patientId, until: new Date($app.now()).toISOString() });
});
