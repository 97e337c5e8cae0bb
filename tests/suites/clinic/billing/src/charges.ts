// What is charged for, by the topic that says it was done.
import { openInvoice } from "./invoices.ts";
import { submit } from "./claims.ts";

const RATE_A_MINUTE = 250;

const CHARGES = [
  { topic: "scheduling.appointment.completed", total: (done) => done.minutes * RATE_A_MINUTE },
  { topic: "labs.result.ready", total: () => 4_500 },
];

for (const { topic, total } of CHARGES) {
  $app.onEvent(topic, { name: `charge ${topic}` }, (e) => {
    submit(openInvoice(e.payload.patientId, total(e.payload)));
  });
}
