// The hash chain of an entity: each journal's hash covers its own content and the hash before it.
import { sealed } from "./append.js";

const PAGE = 500;

/** The journals of an entity in the order of their chain. */
export function* chain(dao, entity) {
  let last = 0;
  for (;;) {
    const page = dao.findRecordsByFilter("gl_journals", { entity, chainSeq: { gt: last } }, { sort: "chainSeq", limit: PAGE });
    yield* page;
    if (page.length < PAGE) return;
    last = page.at(-1).chainSeq;
  }
}

/** Recomputes every hash. `firstBroken` is the chainSeq of the first journal that is missing or is not as it was posted. */
export function verifyChain(dao, book) {
  let head = "";
  let length = 0;
  for (const journal of chain(dao, book.id)) {
    if (!follows(journal, length, head)) return { ok: false, length: book.length, head: book.head, firstBroken: length + 1 };
    head = journal.hash;
    length += 1;
  }
  const whole = length === book.length && head === book.head;
  return { ok: whole, length: book.length, head: book.head, firstBroken: whole ? null : length + 1 };
}

function follows(journal, length, head) {
  return journal.chainSeq === length + 1
    && journal.prevHash === head
    && journal.requestHash === $app.hash(journal.request)
    && journal.hash === $app.hash({ prev: head, journal: sealed(journal) });
}
