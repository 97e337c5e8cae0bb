// Reading page by page, so that years of books fit into the memory of a worker.

const PAGE = 500;

/** How many journals a page has: each may have a thousand lines. */
export const JOURNALS_PAGE = 8;

/** How many lines the journals of one answer have, about. */
export const LINES_MAX = 10_000;

/**
 * All records that match, read in pages in this order. Where an index gives it, each page goes on where the one before
 * ended.
 */
export function* pages(dao, collection, filter, sort) {
  const limit = collection === "gl_journals" ? JOURNALS_PAGE : PAGE;
  let cursor;
  do {
    const page = dao.findRecordsByFilter(collection, filter, { sort, limit, cursor });
    yield* page;
    cursor = page.cursor;
  } while (cursor);
}
