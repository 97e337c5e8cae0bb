// Trial balance, income statement, balance sheet, the ledger of an account, the chain, and the export.
import { balanceSheet, incomeStatement, trialBalance } from "./statements.js";
import { accountLedger } from "./account-ledger.js";
import { verifyChain } from "./chain.js";
import { exported } from "./export.js";
import { bookOf, day, invalid, span, wholeNumber } from "./query.js";
import { READERS } from "./roles.js";

const LONG = "30s";

$app.routerAdd("GET", "/api/gl/trial-balance", {
  summary: "Turnover and balance of every account, with a checksum", tags: ["reports"], roles: READERS, readOnly: true, timeout: LONG,
}, (e) => {
  const dao = $app.dao();
  return trialBalance(dao, bookOf(dao, e), { asOf: day(e.query.asOf, "9999-12-31", "asOf"), currency: e.query.currency });
});

$app.routerAdd("GET", "/api/gl/income-statement", {
  summary: "Income and expense of a span of days", tags: ["reports"], roles: READERS, readOnly: true, timeout: LONG,
}, (e) => {
  const dao = $app.dao();
  return incomeStatement(dao, bookOf(dao, e), span(e));
});

$app.routerAdd("GET", "/api/gl/balance-sheet", {
  summary: "Assets, liabilities and equity on a day", tags: ["reports"], roles: READERS, readOnly: true, timeout: LONG,
}, (e) => {
  const dao = $app.dao();
  return balanceSheet(dao, bookOf(dao, e), day(e.query.asOf, "9999-12-31", "asOf"));
});

$app.routerAdd("GET", "/api/gl/ledger/{account}", {
  summary: "The lines of one account with a running balance", tags: ["reports"], roles: READERS, readOnly: true, timeout: LONG,
}, (e) => {
  const dao = $app.dao();
  return accountLedger(dao, bookOf(dao, e), e.params.account, { ...span(e), limit: wholeNumber(e.query.limit, 1000, "limit", 1) });
});

$app.routerAdd("GET", "/api/gl/chain/verify", {
  summary: "Recomputes the hash chain of an entity", tags: ["audit"], roles: READERS, readOnly: true, timeout: "60s",
}, (e) => {
  const dao = $app.dao();
  const book = bookOf(dao, e);
  return verifyChain(dao, book, placeIn(book, e), wholeNumber(e.query.limit, Infinity, "limit", 1));
});

$app.routerAdd("GET", "/api/gl/export", {
  summary: "The journals as hledger, beancount or CSV text, all or a part", tags: ["reports"], roles: READERS, readOnly: true, timeout: "60s",
}, (e) => {
  const dao = $app.dao();
  const { format } = e.query;
  const book = bookOf(dao, e);
  const text = exported(dao, book, format, { after: placeIn(book, e), limit: wholeNumber(e.query.limit, undefined, "limit", 1) });
  if (text === null) throw invalid(`\`format\` must be hledger, beancount or csv, ${format ? `not ${format}` : "and the query has none"}`);
  return e.text(200, text);
});

// The journal behind which a part of the chain begins.
function placeIn(book, e) {
  const after = wholeNumber(e.query.after, 0, "after", 0);
  if (after <= book.length) return after;
  throw invalid(`\`after\` is ${after}, but the chain of ${book.id} has ${book.length} journals`);
}
