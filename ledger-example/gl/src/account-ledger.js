// The lines of one account in the order of date, then chain, with the balance after each.
import { isAccount } from "./names.js";

const MOST_LINES = 5000;

export function accountLedger(dao, book, code, { from, to, limit }) {
  const account = isAccount(code) && dao.findRecordsByIds("gl_accounts", [`${book.id}/${code}`])[0];
  if (!account) throw new AppError("ACCOUNT_NOT_FOUND", `entity ${book.id} has no account ${code}`, { status: 404 });
  const balances = opening(dao, book.id, code, from);
  const before = list(balances);
  const most = Math.min(limit, MOST_LINES);
  // A journal has at least one line of the account, so that as many journals as lines are enough.
  const found = linesOf(dao, { entity: book.id, account: code, postingDate: { ge: from, le: to } }, most + 1);
  const rows = found.slice(0, most).map((line) => row(line, balances));
  return { entity: book.id, account: code, name: account.name, from, to, opening: before, rows, closing: list(balances), complete: found.length <= most };
}

// The lines of an account as {journal, line, at}, in the order of date, then chain, then place.
function linesOf(dao, { entity, account, postingDate }, limit) {
  const filter = { entity, accounts: { contains: account }, postingDate };
  const lines = [];
  for (const journal of dao.findRecordsByFilter("gl_journals", filter, { sort: "postingDate,chainSeq", limit })) {
    journal.request.lines.forEach((line, at) => {
      if (line.account === account) lines.push({ journal, line, at });
    });
  }
  return lines;
}

function opening(dao, entity, account, from) {
  const balances = {};
  const months = dao.findRecordsByFilter("gl_balances", { entity, account, period: { lt: from.slice(0, 7) } });
  const days = linesOf(dao, { entity, account, postingDate: { ge: `${from.slice(0, 7)}-01`, lt: from } });
  for (const { currency, debit, credit } of months.concat(days.map(({ line }) => line))) {
    balances[currency] = (balances[currency] ?? 0) + (debit ?? 0) - (credit ?? 0);
  }
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
