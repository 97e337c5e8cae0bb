// What the books say about a request: accounts, parties, currencies, dimensions, period. All of it is read with one question.
import { fitsEntity, isAccount, isCurrency } from "./names.js";
import { postingDate } from "./request.js";
import { rejection } from "./rejection.js";

const OF_ACCOUNT = ["active", "postable", "controlFor", "currency", "requires", "openedOn"];
// An account and a currency of so many characters fit into an id, whichever they are.
const SHORT = 40;
const CURRENCY_MAX = 12;

/**
 * Reads what `booksWanted` named: {book, period, accounts, journal, reply}, null for what is not
 * there; accounts in the order of the lines. The turnover of the accounts is read as well, for who adds to it.
 */
export function readBooks(dao, wanted) {
  const found = dao.findAcross({
    ...wanted,
    gl_accounts: { ids: wanted.gl_accounts, fields: OF_ACCOUNT },
    gl_balances: { ids: wanted.gl_balances, fields: [] },
  });
  return {
    accounts: found.gl_accounts,
    book: found.gl_books[0],
    journal: found.gl_journals[0],
    period: found.gl_periods[0],
    reply: found.gl_replies[0] ?? null,
  };
}

/** The ids of all that `readBooks` will read, by collection. */
export function booksWanted(payload, journalId, eventId) {
  const { entity, lines } = payload;
  const period = postingDate(payload).slice(0, 7);
  const accounts = [];
  const balances = [];
  for (let at = 0; at < lines.length; at++) {
    const { account, currency } = lines[at];
    const short = typeof account === "string" && account.length <= SHORT && typeof currency === "string" && currency.length <= CURRENCY_MAX;
    const named = short || isAccount(account) && fitsEntity(entity, account);
    accounts.push(named ? `${entity}/${account}` : entity);
    if (short || named && isCurrency(currency)) balances.push(`${entity}/${account}/${currency}/${period}`);
  }
  return {
    gl_accounts: accounts,
    gl_balances: balances,
    gl_books: [entity],
    gl_journals: [journalId],
    gl_periods: [`${entity}/${period}`],
    gl_replies: eventId ? [`${entity}/${eventId}`] : [],
  };
}

/** The first thing in the books that forbids this posting, in the documented order of the codes. */
export function refusedByBooks(payload, books, period, date) {
  if (!books.book) {
    return rejection("ENTITY_NOT_FOUND", `there is no entity ${payload.entity}`, [{ path: "entity", got: payload.entity, want: "an entity of POST /api/gl/entities" }]);
  }
  if (isUsual(payload, books, date)) return refusedByPeriod(payload, books.period, period);
  const { lines, source } = payload;
  return firstOf(lines, books, missing)
    ?? firstOf(lines, books, inactive)
    ?? firstOf(lines, books, notPostable)
    ?? firstOf(lines, books, controlled, source.plugin)
    ?? firstOf(lines, books, wrongParty)
    ?? wrongFunctional(payload, books.book)
    ?? firstOf(lines, books, wrongCurrency)
    ?? firstOf(lines, books, lacksDimension)
    ?? refusedByPeriod(payload, books.period, period)
    ?? firstOf(lines, books, notYetOpen, date);
}

// Most requests have nothing against them but perhaps their period. One pass tells; only the others are asked rule by
// rule, because the order of the rules decides which of several faults is answered.
function isUsual(payload, { book, accounts }, date) {
  const { lines, source: { plugin }, functionalCurrency } = payload;
  if (functionalCurrency && functionalCurrency !== book.functionalCurrency) return false;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const account = accounts[at];
    if (!account || !account.active || !account.postable || account.requires || account.openedOn > date) return false;
    if (account.controlFor ? account.controlFor !== plugin || !line.party?.id || !line.party.type : line.party) return false;
    const scale = book.currencies[line.currency];
    // What an object has by itself, such as `constructor`, is no number.
    if (typeof scale !== "number" || (line.scale ?? scale) !== scale) return false;
    if (account.currency && account.currency !== line.currency) return false;
  }
  return true;
}

function firstOf(lines, books, check, fact) {
  for (let at = 0; at < lines.length; at++) {
    const found = check(lines[at], books.accounts[at], at, books, fact);
    if (found) return found;
  }
  return null;
}

function about(code, at, field, message, got, want) {
  return rejection(code, message, [{ path: `lines[${at}].${field}`, got: got ?? null, want }]);
}

function missing(line, account, at) {
  if (account) return null;
  return about("ACCOUNT_NOT_FOUND", at, "account", `there is no account ${line.account}`, line.account, "an account of the chart");
}

function inactive(line, account, at) {
  if (account.active) return null;
  return about("ACCOUNT_INACTIVE", at, "account", `account ${line.account} is not active`, line.account, "an active account");
}

// Judged after the period: a date in a closed period is the more telling fault.
function notYetOpen(line, account, at, _books, date) {
  if (!(account.openedOn > date)) return null;
  return about("ACCOUNT_INACTIVE", at, "account", `account ${line.account} opens on ${account.openedOn}`, date, `${account.openedOn} or later`);
}

function notPostable(line, account, at) {
  if (account.postable) return null;
  return about("ACCOUNT_NOT_POSTABLE", at, "account", `account ${line.account} is a header; post to one below it`, line.account, "a postable account");
}

function controlled(line, account, at, _books, plugin) {
  if (!account.controlFor || account.controlFor === plugin) return null;
  return about("CONTROL_ACCOUNT", at, "account", `account ${line.account} is posted by ${account.controlFor} only`, plugin, account.controlFor);
}

function wrongParty(line, account, at) {
  if (account.controlFor) {
    if (line.party?.id && line.party.type) return null;
    return about("PARTY_REQUIRED", at, "party", `account ${line.account} needs a party on each line`, line.party, "{type, id}");
  }
  if (!line.party) return null;
  return about("PARTY_NOT_ALLOWED", at, "party", `account ${line.account} is no control account and takes no party`, line.party, null);
}

function wrongFunctional(payload, book) {
  const got = payload.functionalCurrency;
  if (!got || got === book.functionalCurrency) return null;
  return rejection("CURRENCY_NOT_ALLOWED", `the books of ${payload.entity} are kept in ${book.functionalCurrency}`, [{ path: "functionalCurrency", got, want: book.functionalCurrency }]);
}

function wrongCurrency(line, account, at, books) {
  const { currencies } = books.book;
  if (!Object.hasOwn(currencies, line.currency)) {
    return about("CURRENCY_NOT_ALLOWED", at, "currency", `the entity keeps no books in ${line.currency}`, line.currency, Object.keys(currencies));
  }
  const scale = currencies[line.currency];
  if ((line.scale ?? scale) !== scale) {
    return about("CURRENCY_NOT_ALLOWED", at, "scale", `${line.currency} has ${scale} decimals here`, line.scale, scale);
  }
  if (!account.currency || account.currency === line.currency) return null;
  return about("CURRENCY_NOT_ALLOWED", at, "currency", `account ${line.account} is kept in ${account.currency}`, line.currency, account.currency);
}

function lacksDimension(line, account, at) {
  for (const name of account.requires ?? []) {
    if (!hasDimension(line, name)) return about("DIMENSION_REQUIRED", at, `dims.${name}`, `account ${line.account} needs dimension ${name}`, null, "a value");
  }
  return null;
}

function hasDimension({ dims }, name) {
  return dims !== undefined && Object.hasOwn(dims, name) && dims[name] !== "";
}

/** Whether the period takes a posting: it must exist, hold the date and be open. */
export function refusedByPeriod(payload, period, name) {
  if (payload.period && payload.period !== name) {
    return rejection("PERIOD_NOT_FOUND", `the posting date is in period ${name}, not ${payload.period}`, [{ path: "period", got: payload.period, want: name }]);
  }
  if (!period) return rejection("PERIOD_NOT_FOUND", `period ${name} was never opened`, [{ path: "postingDate", got: name, want: "an open period" }]);
  if (period.status === "open") return null;
  return rejection("PERIOD_CLOSED", `period ${name} is closed`, [{ path: "postingDate", got: name, want: "an open period" }]);
}
