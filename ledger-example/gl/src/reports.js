// Trial balance, income statement, balance sheet, the ledger of an account, the chain, and the export.
import { balanceSheet, incomeStatement, trialBalance } from "./statements.js";
import { accountLedger } from "./account-ledger.js";
import { verifyChain } from "./chain.js";
import { exported } from "./export.js";
import { isDate, isMonth, lastDay } from "./dates.js";
import { isEntity } from "./names.js";
import { READERS } from "./roles.js";

const LONG = "30s";

$app.routerAdd("GET", "/api/gl/trial-balance", {
  summary: "Turnover and balance of every account, with a checksum", tags: ["reports"], roles: READERS, readOnly: true, timeout: LONG,
}, (e) => trialBalance($app.dao(), known(e), { asOf: day(e.query.asOf, "9999-12-31", "asOf"), currency: e.query.currency }));

$app.routerAdd("GET", "/api/gl/income-statement", {
  summary: "Income and expense of a span of days", tags: ["reports"], roles: READERS, readOnly: true, timeout: LONG,
}, (e) => incomeStatement($app.dao(), known(e), span(e)));

$app.routerAdd("GET", "/api/gl/balance-sheet", {
  summary: "Assets, liabilities and equity on a day", tags: ["reports"], roles: READERS, readOnly: true, timeout: LONG,
}, (e) => balanceSheet($app.dao(), known(e), day(e.query.asOf, "9999-12-31", "asOf")));

$app.routerAdd("GET", "/api/gl/ledger/{account}", {
  summary: "The lines of one account with a running balance", tags: ["reports"], roles: READERS, readOnly: true, timeout: LONG,
}, (e) => accountLedger($app.dao(), known(e), e.params.account, { ...span(e), limit: Number(e.query.limit ?? 1000) }));

$app.routerAdd("GET", "/api/gl/chain/verify", {
  summary: "Recomputes the hash chain of an entity", tags: ["audit"], roles: READERS, readOnly: true, timeout: "60s",
}, (e) => verifyChain($app.dao(), known(e)));

$app.routerAdd("GET", "/api/gl/export", {
  summary: "All journals as hledger, beancount or CSV text", tags: ["reports"], roles: READERS, readOnly: true, timeout: "60s",
}, (e) => {
  const { format } = e.query;
  const text = exported($app.dao(), known(e), format);
  if (text === null) throw new AppError("INVALID_REQUEST", `format ${format} is none of hledger, beancount, csv`, { status: 400 });
  return e.text(200, text);
});

function span(e) {
  return { from: day(e.query.from, "0001-01-01", "from"), to: day(e.query.to, "9999-12-31", "to") };
}

// A month stands for its first day, or for its last where a span ends.
function day(text, otherwise, name) {
  if (text === undefined || text === "") return otherwise;
  if (isMonth(text)) return name === "from" ? `${text}-01` : lastDay(text);
  if (isDate(text)) return text;
  throw new AppError("INVALID_REQUEST", `${name} must be a date YYYY-MM-DD or a month YYYY-MM, not ${text}`, { status: 400 });
}

function known(e) {
  const { entity } = e.query;
  const book = isEntity(entity) && $app.dao().findRecordsByIds("gl_books", [entity])[0];
  if (book) return book;
  throw new AppError("ENTITY_NOT_FOUND", `there is no entity ${entity ?? "(the query names none)"}`, { status: 404 });
}
