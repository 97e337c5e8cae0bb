// The two answers to a posting request, as topics and REST both give them.

/** The payload of gl.journal.posted. */
export function postedReply(journal, duplicate) {
  const { request } = journal;
  const reply = {
    entity: journal.entity,
    idempotencyKey: journal.idempotencyKey,
    journalId: journal.id,
    journalNo: journal.journalNo,
    period: journal.period,
    postingDate: journal.postingDate,
    postedAt: journal.postedAt,
    totals: journal.totals,
    lineCount: request.lines.length,
    source: request.source,
    duplicate,
    hash: journal.hash,
    chainSeq: journal.chainSeq,
  };
  if (journal.reverses) reply.reverses = journal.reverses;
  return reply;
}

/** The payload of gl.journal.rejected. */
export function rejectedReply(payload, rejected) {
  const reply = { idempotencyKey: payload?.idempotencyKey ?? null, ...rejected };
  if (payload?.entity) reply.entity = payload.entity;
  if (payload?.source) reply.source = payload.source;
  return reply;
}
