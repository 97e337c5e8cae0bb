// The lines of one account in the order of date, then chain, with the balance after each.
import { isAccount } from "./names.js";
import { pages } from "./pages.js";
import { tooLarge } from "./turnover.js";

const MOST_LINES = 5000;
const ORDER = "postingDate,chainSeq";

export function accountLedger(dao, book, code, { from, to, limit }) {
  const account = isAccount(code) && dao.findRecordsByIds("gl_accounts", [`${book.id}/${code}`])[0];
  if (!account) throw new AppError("ACCOUNT_NOT_FOUND", `entity ${book.id} has no account ${code}`, { status: 404 });
  const balances = opening(dao, book.id, code, from);
  const before = list(balances);
  const most = Math.min(limit, MOST_LINES);
  const journals = pages(dao, "gl_journals", wanted(book.id, code, { ge: from, le: to }), ORDER);
  const rows = [];
  let complete = true;
  for (const line of linesOf(journals, code)) {
    complete = rows.length < most;
    if (!complete) break;
    rows.push(row(line, balances));
  }
  return { entity: book.id, account: code, name: account.name, from, to, opening: before, rows, closing: list(balances), complete };
}

function wanted(entity, account, postingDate) {
  return { entity, accounts: { contains: account }, postingDate };
}

// The lines of an account as {journal, line, at}, in the order of the journals, then of their place.
function* linesOf(journals, account) {
  for (const journal of journals) {
    for (const [at, line] of journal.request.lines.entries()) if (line.account === account) yield { journal, line, at };
  }
}

function opening(dao, entity, account, from) {
  const month = from.slice(0, 7);
  const balances = { __proto__: null };
  for (const sum of pages(dao, "gl_balances", { entity, account, period: { lt: month } }, "period")) add(balances, account, sum, sum.period);
  const days = pages(dao, "gl_journals", wanted(entity, account, { ge: `${month}-01`, lt: from }), ORDER);
  for (const { journal, line } of linesOf(days, account)) add(balances, account, line, journal.postingDate);
  return balances;
}

function add(balances, account, { currency, debit, credit }, day) {
  const balance = (balances[currency] ?? 0) + (debit ?? 0) - (credit ?? 0);
  if (!Number.isSafeInteger(balance)) throw tooLarge(`the balance of ${account} in ${currency}`, `ask for days before ${day}`);
  balances[currency] = balance;
}

function list(balances) {
  return Object.keys(balances).sort().map((currency) => ({ currency, balance: balances[currency] }));
}

function row({ journal, line, at }, balances) {
  const { account, currency, memo, party, dims } = line;
  add(balances, account, line, journal.postingDate);
  return {
    postingDate: journal.postingDate,
    journalId: journal.id,
    journalNo: journal.journalNo,
    line: at + 1,
    memo: memo ?? journal.request.memo ?? "",
    source: journal.request.source,
    party: party ?? null,
    dims: dims ?? {},
    currency,
    debit: line.debit ?? 0,
    credit: line.credit ?? 0,
    balance: balances[currency],
  };
}
