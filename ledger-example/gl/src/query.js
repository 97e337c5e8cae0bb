// What the query of a report says. Who asks for what makes no sense is told so, and not shown something else.
import { isDate, isMonth, lastDay } from "./dates.js";
import { isEntity } from "./names.js";

/** The books that a query asks about. */
export function bookOf(dao, e) {
  const { entity } = e.query;
  if (!entity) throw invalid("the query needs `entity`, such as ?entity=ACME");
  const book = isEntity(entity) && dao.findRecordsByIds("gl_books", [entity])[0];
  if (book) return book;
  throw new AppError("ENTITY_NOT_FOUND", `there is no entity ${entity}`, { status: 404 });
}

/** A whole number of a query, or what stands for it where the query has none. */
export function wholeNumber(text, otherwise, name, least) {
  if (text === undefined || text === "") return otherwise;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (number >= least) return number;
  throw invalid(`\`${name}\` must be a whole number from ${least}, not ${text}`);
}

/** The days from one to another; without them, all that there are. */
export function span({ query }) {
  const from = day(query.from, "0001-01-01", "from");
  const to = day(query.to, "9999-12-31", "to");
  if (from <= to) return { from, to };
  throw invalid(`\`from\` ${query.from} is after \`to\` ${query.to}`);
}

/** A day of a query. A month stands for its first day in `from`, and for its last elsewhere. */
export function day(text, otherwise, name) {
  if (text === undefined || text === "") return otherwise;
  if (isMonth(text)) return name === "from" ? `${text}-01` : lastDay(text);
  if (isDate(text)) return text;
  throw invalid(`\`${name}\` must be a date YYYY-MM-DD or a month YYYY-MM, not ${text}`);
}

export function invalid(message) {
  return new AppError("INVALID_REQUEST", message, { status: 400 });
}
