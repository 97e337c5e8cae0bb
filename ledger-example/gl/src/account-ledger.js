// The lines of one account in the order of date, then chain, with the balance after each.
import { isAccount } from "./names.js";

const MOST_LINES = 5000;

export function accountLedger(dao, book, code, { from, to, limit }) {
  const account = isAccount(code) && dao.findRecordsByIds("gl_accounts", [`${book.id}/${code}`])[0];
  if (!account) throw new AppError("ACCOUNT_NOT_FOUND", `entity ${book.id} has no account ${code}`, { status: 404 });
  const balances = opening(dao, book.id, code, from);
  const before = list(balances);
  const filter = { entity: book.id, account: code, postingDate: { ge: from, le: to } };
  const most = Math.min(Math.max(Math.trunc(limit) || 1, 1), MOST_LINES);
  const found = dao.findRecordsByFilter("gl_lines", filter, { sort: "postingDate,chainSeq,line", limit: most + 1 });
  const lines = found.slice(0, most);
  const journals = byId(dao, lines);
  const rows = lines.map((line) => row(line, journals.get(line.journalId), balances));
  return { entity: book.id, account: code, name: account.name, from, to, opening: before, rows, closing: list(balances), complete: found.length <= most };
}

function opening(dao, entity, account, from) {
  const balances = {};
  const months = dao.findRecordsByFilter("gl_balances", { entity, account, period: { lt: from.slice(0, 7) } });
  const days = dao.findRecordsByFilter("gl_lines", { entity, account, postingDate: { ge: `${from.slice(0, 7)}-01`, lt: from } });
  for (const { currency, debit, credit } of months.concat(days)) balances[currency] = (balances[currency] ?? 0) + debit - credit;
  return balances;
}

function list(balances) {
  return Object.keys(balances).sort().map((currency) => ({ currency, balance: balances[currency] }));
}

function byId(dao, lines) {
  const ids = [...new Set(lines.map((line) => line.journalId))];
  return new Map(dao.findRecordsByIds("gl_journals", ids).map((journal) => [journal.id, journal]));
}

function row(line, journal, balances) {
  const { currency, debit, credit, line: number } = line;
  balances[currency] = (balances[currency] ?? 0) + debit - credit;
  const { memo, party, dims } = journal.request.lines[number - 1];
  return {
    postingDate: line.postingDate,
    journalId: line.journalId,
    journalNo: journal.journalNo,
    line: number,
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
