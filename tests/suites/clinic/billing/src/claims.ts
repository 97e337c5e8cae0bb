import type { Invoice } from "./invoices.ts";

const CLAIM = Object.freeze({
  submit: "insurance.claim.submit.request",
  answers: ["insurance.claim.settled", "insurance.claim.denied"],
});

export function submit({ invoiceId, total, currency }: Invoice): void {
  $app.realtime().publish(CLAIM.submit, { claimId: $app.uuid(), invoiceId, payer: "public", total, currency });
}

function mark(status: string) {
  return (e) => {
    const dao = $app.dao();
    const invoice = dao.findFirstRecordByFilter("billing_invoices", { invoiceId: e.payload.invoiceId });
    if (invoice) dao.saveRecord("billing_invoices", { ...invoice, status });
  };
}

const [SETTLED, DENIED] = CLAIM.answers;
$app.onEvent(SETTLED, { name: "settled" }, mark("paid"));
$app.onEvent(DENIED, { name: "denied" }, mark("denied"));
