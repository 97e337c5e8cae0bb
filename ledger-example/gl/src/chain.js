// The hash chain of an entity: each journal's hash covers its own content and the hash before it.
import { sealed } from "./append.js";
import { JOURNALS_PAGE } from "./pages.js";

/** The journals of an entity in the order of their chain, from the one behind `after` on, and of them as many as `limit` says. */
export function* chain(dao, entity, after = 0, limit = Infinity) {
  let last = after;
  for (let left = limit; left > 0;) {
    const most = Math.min(left, JOURNALS_PAGE);
    const page = dao.findRecordsByFilter("gl_journals", { entity, chainSeq: { gt: last } }, { sort: "chainSeq", limit: most });
    yield* page;
    if (page.length < most) return;
    last = page.at(-1).chainSeq;
    left -= most;
  }
}

/**
 * Recomputes the hashes of `limit` journals behind `after`, of all if neither is said. `through` is the last that was looked
 * at, `firstBroken` the chainSeq of the first journal that is missing or is not as it was posted.
 */
export function verifyChain(dao, book, after = 0, limit = Infinity) {
  const told = (firstBroken, through) => ({ ok: firstBroken === null, length: book.length, head: book.head, firstBroken, through });
  let head = "";
  let length = 0;
  if (after > 0) {
    const before = dao.findRecordsByFilter("gl_journals", { entity: book.id, chainSeq: after }, { limit: 1 })[0];
    if (!before) return told(after, after);
    head = before.hash;
    length = after;
  }
  const end = after + limit;
  for (const journal of chain(dao, book.id, after, limit)) {
    if (!follows(journal, length, head)) return told(length + 1, length);
    head = journal.hash;
    length += 1;
  }
  const isWhole = length < book.length ? length === end : length === book.length && head === book.head;
  return told(isWhole ? null : length + 1, length);
}

function follows(journal, length, head) {
  return journal.chainSeq === length + 1
    && journal.prevHash === head
    && journal.requestHash === $app.hash(journal.request)
    && journal.hash === $app.hash({ prev: head, journal: sealed(journal) });
}
