// The journals that bills and payments ask for. The key names the business effect, so a resent request posts nothing twice.

/** Sends a bill to the general ledger: expense and tax against the control account, with the supplier as party. */
export function requestBillJournal(bill) {
  $app.realtime().publish("gl.journal.post.request", {
    idempotencyKey: postingKey("bill", bill.entity, bill.billId),
    entity: bill.entity,
    journal: "AP",
    documentDate: bill.date,
    postingDate: bill.date,
    memo: `Bill ${bill.billId} of ${bill.supplier}`,
    source: { plugin: "ap", docType: "bill", docId: bill.billId },
    lines: billLines(bill),
  });
}

/** Sends a payment: the control account against the bank. */
export function requestPaymentJournal(payment, bill) {
  const { entity, paymentId, amount, date } = payment;
  const { currency } = bill;
  $app.realtime().publish("gl.journal.post.request", {
    idempotencyKey: postingKey("payment", entity, paymentId),
    entity,
    journal: "AP",
    documentDate: date,
    postingDate: date,
    memo: `Payment ${paymentId} of bill ${bill.billId}`,
    source: { plugin: "ap", docType: "payment", docId: paymentId },
    lines: [
      { line: 1, account: bill.payablesAccount, currency, debit: amount, credit: 0, party: party(bill) },
      { line: 2, account: payment.bankAccount, currency, debit: 0, credit: amount },
    ],
  });
}

export function postingKey(docType, entity, docId) {
  return `${entity}/ap/${docType}/${docId}/post`;
}

function billLines(bill) {
  const { currency } = bill;
  const lines = bill.lines.map((line, at) => {
    const debit = { line: at + 1, account: line.account, currency, debit: line.net, credit: 0 };
    if (line.dims) debit.dims = line.dims;
    if (line.memo) debit.memo = line.memo;
    return debit;
  });
  for (const [account, tax] of taxes(bill)) lines.push({ line: lines.length + 1, account, currency, debit: tax, credit: 0 });
  const owed = { account: bill.payablesAccount, currency, debit: 0, credit: bill.total, party: party(bill), dueDate: bill.dueDate };
  return lines.concat({ line: lines.length + 1, ...owed });
}

function taxes(bill) {
  const sums = new Map();
  for (const { tax, taxAccount } of bill.lines) if (tax > 0) sums.set(taxAccount, (sums.get(taxAccount) ?? 0) + tax);
  return sums;
}

function party(bill) {
  return { type: /** @type {const} */ ("supplier"), id: bill.supplier };
}
