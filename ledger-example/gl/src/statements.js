// The three statements. All balances are debit minus credit unless a statement says otherwise.
import { inOrder, pages, turnover } from "./turnover.js";

/** Rows of turnover up to a day, and the SHA-256 of the lines `account|currency|balance` of the non-zero ones. */
export function trialBalance(dao, book, { asOf, currency }) {
  const rows = inOrder(turnover(dao, book.id, { to: asOf, currency })).map(row);
  const lines = rows.filter((one) => one.balance !== 0).map((one) => `${one.account}|${one.currency}|${one.balance}\n`);
  return { entity: book.id, asOf, rows, sha256: $app.sha256(lines.join("")) };
}

function row({ account, currency, debit, credit }) {
  return { account, currency, debitTurnover: debit, creditTurnover: credit, balance: debit - credit };
}

/** Income is positive where it was earned, expense where it was spent; net is the one minus the other. */
export function incomeStatement(dao, book, { from, to }) {
  const types = typesOf(dao, book.id);
  const rows = [];
  const totals = {};
  for (const { account, currency, debit, credit } of inOrder(turnover(dao, book.id, { from, to }))) {
    const type = types.get(account);
    if (type !== "income" && type !== "expense") continue;
    const balance = type === "income" ? credit - debit : debit - credit;
    rows.push({ account, currency, type, balance });
    const total = totals[currency] ??= { income: 0, expense: 0, net: 0 };
    total[type] += balance;
    total.net = total.income - total.expense;
  }
  return { entity: book.id, from, to, rows, totals };
}

/** Assets = liabilities + equity + retainedAndCurrentEarnings in every currency, because every journal balances. */
export function balanceSheet(dao, book, asOf) {
  const types = typesOf(dao, book.id);
  const totals = {};
  for (const { account, currency, debit, credit } of inOrder(turnover(dao, book.id, { to: asOf }))) {
    const total = totals[currency] ??= { assets: 0, liabilities: 0, equity: 0, retainedAndCurrentEarnings: 0 };
    const type = types.get(account);
    if (type === "asset") total.assets += debit - credit;
    else if (type === "liability") total.liabilities += credit - debit;
    else if (type === "equity") total.equity += credit - debit;
    else total.retainedAndCurrentEarnings += credit - debit;
  }
  return { entity: book.id, asOf, totals };
}

function typesOf(dao, entity) {
  const types = new Map();
  for (const account of pages(dao, "gl_accounts", { entity }, "id")) types.set(account.code, account.type);
  return types;
}
