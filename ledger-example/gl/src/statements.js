// The three statements. All balances are debit minus credit unless a statement says otherwise.
import { pages } from "./pages.js";
import { inOrder, tooLarge, turnover } from "./turnover.js";

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
  const types = typesOf(dao, book.id, ["income", "expense"]);
  const rows = [];
  const totals = { __proto__: null };
  for (const { account, currency, debit, credit } of inOrder(turnover(dao, book.id, { from, to, types }))) {
    const type = types.get(account);
    const balance = type === "income" ? credit - debit : debit - credit;
    rows.push({ account, currency, type, balance });
    const total = totals[currency] ??= { income: 0, expense: 0, net: 0 };
    total[type] += balance;
    total.net = total.income - total.expense;
    mustBeExact(total, currency, "ask for a shorter span");
  }
  return { entity: book.id, from, to, rows, totals };
}

/** Assets = liabilities + equity + retainedAndCurrentEarnings in every currency, because every journal balances. */
export function balanceSheet(dao, book, asOf) {
  const types = typesOf(dao, book.id);
  const totals = { __proto__: null };
  for (const { account, currency, debit, credit } of inOrder(turnover(dao, book.id, { to: asOf }))) {
    const total = totals[currency] ??= { assets: 0, liabilities: 0, equity: 0, retainedAndCurrentEarnings: 0 };
    const type = types.get(account);
    if (type === "asset") total.assets += debit - credit;
    else if (type === "liability") total.liabilities += credit - debit;
    else if (type === "equity") total.equity += credit - debit;
    else total.retainedAndCurrentEarnings += credit - debit;
    mustBeExact(total, currency, "ask for an earlier day");
  }
  return { entity: book.id, asOf, totals };
}

function mustBeExact(total, currency, advice) {
  for (const name of Object.keys(total)) if (!Number.isSafeInteger(total[name])) throw tooLarge(`${name} in ${currency}`, advice);
}

// The types of the accounts by code; only of those types, if some are named.
function typesOf(dao, entity, only) {
  const types = new Map();
  for (const { code, type } of pages(dao, "gl_accounts", { entity }, "id")) if (!only || only.includes(type)) types.set(code, type);
  return types;
}
