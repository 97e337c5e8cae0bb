// The books as text for other programs: hledger and beancount journals, and CSV with one line a posting.
import { chain } from "./chain.js";
import { pages } from "./pages.js";

const FORMATS = { hledger, beancount, csv };

/** The text of the entity's books, or null for an unknown format. */
export function exported(dao, book, format) {
  const write = Object.hasOwn(FORMATS, format) ? FORMATS[format] : null;
  if (!write) return null;
  const accounts = [...pages(dao, "gl_accounts", { entity: book.id }, "id")];
  return write(book, accounts, chain(dao, book.id));
}

function hledger(book, accounts, journals) {
  const out = [`; ${book.id} ${book.name}`];
  for (const [code, scale] of Object.entries(book.currencies)) out.push(`commodity ${decimal(0, scale, true)} ${quoted(code)}`);
  const types = { asset: "A", liability: "L", equity: "E", income: "R", expense: "X" };
  for (const { code, type, postable } of accounts) if (postable) out.push(`account ${plain(code)}  ; type: ${types[type]}`);
  for (const { journalNo, postingDate, request } of journals) {
    out.push("", `${postingDate} (${journalNo}) ${memo(request)}`);
    for (const line of request.lines) out.push(`    ${plain(line.account)}  ${amount(book, line)} ${quoted(line.currency)}`);
  }
  return out.join("\n") + "\n";
}

// Two blanks end an account's name in hledger, and `;` starts a comment.
function plain(code) {
  return code.replace(/ {2,}/g, " ").replace(/;/g, ",");
}

// Symbols with digits need quotes.
function quoted(code) {
  return /^[A-Za-z]+$/.test(code) ? code : `"${code}"`;
}

const ROOTS = { asset: "Assets", liability: "Liabilities", equity: "Equity", income: "Income", expense: "Expenses" };

function beancount(book, accounts, journals) {
  const names = new Map(accounts.map((account) => [account.code, beanName(account)]));
  const body = [];
  let first = null;
  for (const { journalNo, postingDate, request } of journals) {
    if (first === null || postingDate < first) first = postingDate;
    body.push("", `${postingDate} * ${JSON.stringify(memo(request))} ^${journalNo}`);
    for (const line of request.lines) body.push(`  ${names.get(line.account)}  ${amount(book, line)} ${line.currency}`);
  }
  const out = [`option "title" ${JSON.stringify(book.name)}`, `option "operating_currency" "${book.functionalCurrency}"`];
  for (const { code, postable } of accounts) if (postable) out.push(`${first ?? "1970-01-01"} open ${names.get(code)}`);
  return out.concat(body).join("\n") + "\n";
}

// Beancount wants one of five roots and parts that start with a capital or a digit and hold letters, digits and dashes.
function beanName({ code, type }) {
  const root = ROOTS[type];
  const parts = code.split(":");
  if (parts[0] === root && parts.length > 1) parts.shift();
  return [root, ...parts.map((part) => part.replace(/[^A-Za-z0-9-]/g, "-").replace(/^[^A-Z0-9]/, (first) => /[a-z]/.test(first) ? first.toUpperCase() : `X${first}`))].join(":");
}

function csv(book, _accounts, journals) {
  const out = ["chainSeq,journalNo,journalId,postingDate,period,line,account,currency,debit,credit,memo,sourcePlugin,sourceType,sourceId"];
  for (const journal of journals) {
    const { plugin, docType, docId } = journal.request.source;
    journal.request.lines.forEach((line, at) => {
      const scale = book.currencies[line.currency];
      const cells = [journal.chainSeq, journal.journalNo, journal.id, journal.postingDate, journal.period, at + 1, line.account, line.currency,
        decimal(line.debit ?? 0, scale), decimal(line.credit ?? 0, scale), memo(journal.request), plugin, docType ?? "", docId ?? ""];
      out.push(cells.map(cell).join(","));
    });
  }
  return out.join("\n") + "\n";
}

// A leading =, +, - or @ would be run as a formula by a spreadsheet, so such a text gets an apostrophe.
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function memo({ memo: text }) {
  return (text ?? "").replace(/[\r\n;]+/g, " ").trim();
}

function amount(book, line) {
  return decimal((line.debit ?? 0) - (line.credit ?? 0), book.currencies[line.currency]);
}

// Minor units as a decimal text. hledger wants a decimal mark in a commodity's format even without decimals.
function decimal(minor, scale, format) {
  if (scale === 0) return format ? "0." : String(minor);
  const digits = String(Math.abs(minor)).padStart(scale + 1, "0");
  return `${minor < 0 ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
