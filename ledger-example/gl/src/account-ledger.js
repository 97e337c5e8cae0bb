// The lines of one account in the order of date, then chain, with the balance after each.
import { isAccount } from "./names.js";
import { pages } from "./turnover.js";

const MOST_LINES = 5000;
const ORDER = "postingDate,chainSeq";

export function accountLedger(dao, book, code, { from, to, limit }) {
  const account = isAccount(code) && dao.findRecordsByIds("gl_accounts", [`${book.id}/${code}`])[0];
  if (!account) throw new AppError("ACCOUNT_NOT_FOUND", `entity ${book.id} has no account ${code}`, { status: 404 });
  const balances = opening(dao, book.id, code, from);
  const before = list(balances);
  const most = Math.min(limit, MOST_LINES);
  // A journal has at least one line of the account, so that as many journals as lines are enough.
  const journals = dao.findRecordsByFilter("gl_journals", wanted(book.id, code, { ge: from, le: to }), { sort: ORDER, limit: most + 1 });
  const found = [...linesOf(journals, code)];
  const rows = found.slice(0, most).map((line) => row(line, balances));
  return { entity: book.id, account: code, name: account.name, from, to, opening: before, rows, closing: list(balances), complete: found.length <= most };
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
  const balances = {};
  const add = ({ currency, debit, credit }) => {
    balances[currency] = (balances[currency] ?? 0) + (debit ?? 0) - (credit ?? 0);
  };
  for (const sum of pages(dao, "gl_balances", { entity, account, period: { lt: month } }, "period")) add(sum);
  const days = pages(dao, "gl_journals", wanted(entity, account, { ge: `${month}-01`, lt: from }), ORDER);
  for (const { line } of linesOf(days, account)) add(line);
  return balances;
}

function list(balances) {
  return Object.keys(balances).sort().map((currency) => ({ currency, balance: balances[currency] }));
}

function row({ journal, line, at }, balances) {
  const { currency, memo, party, dims } = line;
  const debit = line.debit ?? 0;
  const credit = line.credit ?? 0;
  balances[currency] = (balances[currency] ?? 0) + debit - credit;
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
    debit,
    credit,
    balance: balances[currency],
  };
}
