class Refusal extends Error {
  constructor(payload) {
    super("refused");
    this.payload = payload;
  }
}

function take(article, pieces) {
  const dao = $app.dao();
  const bin = dao.findFirstRecordByFilter("warehouse_bins", { article }) ?? { article, bin: "", pieces: 0 };
  if (bin.pieces < pieces) return { bin, short: pieces - bin.pieces };
  return { bin: dao.saveRecord("warehouse_bins", { ...bin, pieces: bin.pieces - pieces }), short: 0 };
}

export function reserve({ orderId, article, pieces }) {
  const { bin, short } = take(article, pieces);
  if (short > 0) throw new Refusal({ orderId, article, short });
  return { orderId, article, bin: bin.bin };
}

export function withdraw({ ticketId, part }) {
  const { bin, short } = take(part, 1);
  if (short > 0) throw new Refusal({ ticketId, part });
  return { ticketId, part, left: bin.pieces };
}
