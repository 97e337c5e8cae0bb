// Turnover of the accounts over a span of days: whole months from gl_balances, days of a broken month from its journals.
import { lastDay, nextMonth } from "./dates.js";
import { pages } from "./pages.js";

/**
 * Map of `account\0currency` to {account, currency, debit, credit}, from and to included; no `from` is since ever. With
 * `types` only of accounts that are in it.
 * @param {Trunkline.Dao} dao
 * @param {string} entity
 * @param {{from?: string, to: string, currency?: string, types?: Map<string, string>}} span
 */
export function turnover(dao, entity, { from, to, currency, types }) {
  const sums = new Map();
  const add = adder(sums, types, from ? "ask for a shorter span" : "ask for an earlier day");
  const span = wholeMonths(from, to);
  if (span.first === null || span.first <= span.last) addMonths(dao, add, entity, span, currency);
  for (const [start, end] of brokenSpans(from, to, span)) addDays(dao, add, entity, start, end, currency);
  return sums;
}

/** The sums in the order of account, then currency, as bytes: NUL sorts before every character of a code. */
export function inOrder(sums) {
  return [...sums.keys()].sort().map((key) => sums.get(key));
}

function wholeMonths(from, to) {
  const last = to === lastDay(to.slice(0, 7)) ? to.slice(0, 7) : monthBefore(to.slice(0, 7));
  if (!from) return { first: null, last };
  return { first: from.endsWith("-01") ? from.slice(0, 7) : nextMonth(from.slice(0, 7)), last };
}

function monthBefore(month) {
  const number = Number(month.slice(5));
  if (number > 1) return month.slice(0, 5) + String(number - 1).padStart(2, "0");
  return `${String(Number(month.slice(0, 4)) - 1).padStart(4, "0")}-12`;
}

function brokenSpans(from, to, { first, last }) {
  if (from && first > last) return splitAtMonth(from, to);
  const spans = [];
  if (from && !from.endsWith("-01")) spans.push([from, lastDay(from.slice(0, 7))]);
  const month = to.slice(0, 7);
  if (last < month) spans.push([`${month}-01`, to]);
  return spans;
}

// Without a whole month in it the span lies within one month or over the edge of two.
function splitAtMonth(from, to) {
  const end = lastDay(from.slice(0, 7));
  return to <= end ? [[from, to]] : [[from, end], [`${to.slice(0, 7)}-01`, to]];
}

function addMonths(dao, add, entity, { first, last }, currency) {
  const filter = { entity, period: first === null ? { le: last } : { ge: first, le: last } };
  if (currency) filter.currency = currency;
  for (const row of pages(dao, "gl_balances", filter, "period")) add(row.account, row.currency, row.debit, row.credit);
}

function addDays(dao, add, entity, from, to, currency) {
  for (const journal of pages(dao, "gl_journals", { entity, postingDate: { ge: from, le: to } }, "postingDate")) {
    for (const line of journal.request.lines) {
      if (!currency || line.currency === currency) add(line.account, line.currency, line.debit ?? 0, line.credit ?? 0);
    }
  }
}

function adder(sums, types, advice) {
  return (account, currency, debit, credit) => {
    if (types && !types.has(account)) return;
    const key = `${account}\u0000${currency}`;
    let sum = sums.get(key);
    if (sum === undefined) {
      sum = { account, currency, debit: 0, credit: 0 };
      sums.set(key, sum);
    }
    sum.debit += debit;
    sum.credit += credit;
    if (sum.debit > Number.MAX_SAFE_INTEGER || sum.credit > Number.MAX_SAFE_INTEGER) {
      throw tooLarge(`the turnover of ${account} in ${currency}`, advice);
    }
  };
}

/** Beyond 2^53-1 integers are not exact any more, and a sum that is not is refused rather than rounded. */
export function tooLarge(what, advice) {
  return new AppError("AMOUNT_TOO_LARGE", `${what} passes 2^53-1 minor units; ${advice}`, { status: 422 });
}
