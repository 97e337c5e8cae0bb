// The verbs that post, import, reverse and show journals.
import { restCaller } from "./callers.js";
import { chain } from "./chain.js";
import { LINES_MAX } from "./pages.js";
import { post, wantedFor } from "./post.js";
import { bookOf, wholeNumber } from "./query.js";
import { statusOf } from "./rejection.js";
import { ORDER, readRequest } from "./request.js";
import { reverse } from "./reverse.js";
import { BOOKKEEPERS, POSTERS, READERS } from "./roles.js";

const PAGE_MAX = 500;

$app.routerAdd("POST", "/api/gl/journals", {
  request: ORDER,
  summary: "Post a journal",
  tags: ["journals"],
  roles: POSTERS,
  key: "/entity",
  prefetch: (e) => wantedBy(readRequest(e.body)),
}, (e) => {
  const outcome = post($app.dao(), readRequest(e.body), restCaller(e.auth));
  tellBus(outcome);
  return answer(e, outcome);
});

$app.routerAdd("POST", "/api/gl/journals/import", {
  request: ORDER,
  summary: "Post journals, one a line",
  tags: ["journals"],
  roles: POSTERS,
  key: "/entity",
  stream: "ndjson",
  prefetch: (e) => wantedBy(readRequest(e.body)),
}, (e) => {
  const outcome = post($app.dao(), readRequest(e.body), restCaller(e.auth));
  tellBus(outcome);
  if (outcome.rejected) return { status: statusOf(outcome.rejected), topic: "gl.journal.rejected", ...outcome.rejected };
  return { status: outcome.posted.duplicate ? 200 : 201, topic: "gl.journal.posted", ...outcome.posted };
});

$app.routerAdd("POST", "/api/gl/journals/{id}/reverse", {
  request: "contracts/journal-reverse.json",
  summary: "Reverse a journal",
  tags: ["journals"],
  roles: BOOKKEEPERS,
  key: "/entity",
}, (e) => {
  const dao = $app.dao();
  const body = e.body ?? {};
  const entity = body.entity ?? dao.findRecordById("gl_journals", e.params.id).entity;
  const outcome = reverse(dao, { ...body, entity, journalId: e.params.id }, { ...restCaller(e.auth), anySource: true });
  tellBus(outcome);
  if (outcome.fresh) $app.realtime().publish("gl.journal.reversed", outcome.reversed);
  return answer(e, outcome);
});

$app.routerAdd("GET", "/api/gl/journals/{id}", {
  summary: "One journal with its lines and its reversal",
  tags: ["journals"],
  roles: READERS,
  readOnly: true,
}, (e) => {
  const dao = $app.dao();
  const journal = dao.findRecordById("gl_journals", e.params.id);
  return view(journal, dao.findRecordsByIds("gl_reversals", [journal.id])[0]);
});

$app.routerAdd("GET", "/api/gl/journals", {
  summary: "The journals of an entity in the order of their chain",
  tags: ["journals"],
  roles: READERS,
  readOnly: true,
}, (e) => {
  const dao = $app.dao();
  const after = wholeNumber(e.query.after, 0, "after", 0);
  const limit = Math.min(wholeNumber(e.query.limit, 100, "limit", 1), PAGE_MAX);
  const journals = [];
  let lines = 0;
  for (const journal of chain(dao, bookOf(dao, e).id, after, limit)) {
    journals.push(view(journal, null));
    lines += journal.request.lines.length;
    if (lines >= LINES_MAX) break;
  }
  return { journals, next: journals.at(-1)?.chainSeq ?? null };
});

/**
 * @param {{payload?: any, eventId?: string, rejected?: any}} request
 */
function wantedBy({ payload, eventId, rejected }) {
  return rejected ? {} : wantedFor(payload, eventId);
}

// A posting over REST is a fact like any other; only a new one is news.
function tellBus(outcome) {
  if (outcome.fresh) $app.realtime().publish("gl.journal.posted", outcome.posted);
}

// A refusal is answered raw rather than thrown, because what is kept for a redelivered eventId must be stored.
function answer(e, outcome) {
  if (outcome.rejected) {
    const { code, message, ...details } = outcome.rejected;
    return e.json(statusOf(outcome.rejected), { success: false, data: null, error: { code, message, details } });
  }
  e.setStatus(outcome.posted.duplicate ? 200 : 201);
  return outcome.posted;
}

function view(journal, reversal) {
  const { request } = journal;
  return {
    journalId: journal.id,
    entity: journal.entity,
    journalNo: journal.journalNo,
    journal: journal.journal,
    period: journal.period,
    postingDate: journal.postingDate,
    documentDate: request.documentDate ?? null,
    postedAt: journal.postedAt,
    publisher: journal.publisher,
    idempotencyKey: journal.idempotencyKey,
    memo: request.memo ?? "",
    source: request.source,
    totals: journal.totals,
    lines: request.lines,
    fx: request.fx ?? null,
    attachments: request.attachments ?? [],
    reverses: journal.reverses ?? null,
    reversedBy: reversal?.reversedBy ?? null,
    chainSeq: journal.chainSeq,
    prevHash: journal.prevHash,
    hash: journal.hash,
  };
}
