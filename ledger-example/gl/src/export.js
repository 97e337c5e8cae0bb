// The books as text for other programs: hledger and beancount journals, and CSV with one line a posting.
import { beancountName, hledgerName, namesFor } from "./export-names.js";
import { chain } from "./chain.js";
import { pages } from "./pages.js";

// What one answer holds; its lines and the text made of them must fit into the memory of a worker side by side.
const TEXT_MAX = 8 * 1024 * 1024;

// How each format is written: what stands before the journals, and each of them; and whether a comment can say what is left.
const FORMATS = {
  hledger: { names: (accounts) => namesFor(accounts, hledgerName), head: hledgerHead, entry: hledgerEntry, comments: true },
  beancount: { names: (accounts) => namesFor(accounts, beancountName), head: beancountHead, entry: beancountEntry, comments: true },
  csv: { names: () => new Map(), head: csvHead, entry: csvEntry, comments: false },
};

/**
 * The text of the entity's books, or null for an unknown format. With `limit` a part: of so many journals behind `after`,
 * or of fewer where that is a lot of text. The parts one after another are the text of the whole.
 */
export function exported(dao, book, format, { after, limit }) {
  const write = Object.hasOwn(FORMATS, format) ? FORMATS[format] : null;
  if (!write) return null;
  const accounts = [...pages(dao, "gl_accounts", { entity: book.id }, "id")];
  const names = write.names(accounts);
  const out = after === 0 ? [write.head(book, accounts, names, sinceWhen(dao, book))] : [];
  let last = after;
  let size = 0;
  for (const journal of chain(dao, book.id, after, limit)) {
    if (size > TEXT_MAX) {
      if (limit === undefined) throw tooLarge(book, last);
      break;
    }
    const entry = write.entry(book, journal, names);
    out.push(entry);
    size += entry.length;
    last = journal.chainSeq;
  }
  if (write.comments && last < book.length) out.push(`\n; ${book.length - last} more journals: after=${last}\n`);
  return out.join("");
}

function tooLarge(book, last) {
  const message = `the books of ${book.id} are too large for one export, which ends behind journal ${last} of ${book.length}; take them in parts, by \`limit\` and \`after\``;
  return new AppError("EXPORT_TOO_LARGE", message, { status: 422 });
}

// No posting date is before the first period.
function sinceWhen(dao, book) {
  return dao.findRecordsByFilter("gl_periods", { entity: book.id }, { sort: "period", limit: 1 })[0]?.from ?? "1970-01-01";
}

const TYPES = { asset: "A", liability: "L", equity: "E", income: "R", expense: "X" };

function hledgerHead(book, accounts, names) {
  const out = [`; ${book.id} ${oneLine(book.name)}`];
  for (const [code, scale] of Object.entries(book.currencies)) out.push(`commodity ${decimal(0, scale, true)} ${quoted(code)}`);
  for (const { code, type } of accounts) out.push(`account ${names.get(code)}  ; type: ${TYPES[type]}`);
  return `${out.join("\n")}\n`;
}

function hledgerEntry(book, { journalNo, postingDate, request }, names) {
  const postings = request.lines.map((line) => `    ${names.get(line.account)}  ${amount(book, line)} ${quoted(line.currency)}\n`);
  return `\n${postingDate} (${journalNo}) ${oneLine(request.memo)}\n${postings.join("")}`;
}

// Symbols with digits need quotes.
function quoted(code) {
  return /^[A-Za-z]+$/.test(code) ? code : `"${code}"`;
}

function beancountHead(book, accounts, names, since) {
  const out = [`option "title" ${JSON.stringify(book.name)}`, `option "operating_currency" "${book.functionalCurrency}"`];
  for (const { code } of accounts) out.push(`${since} open ${names.get(code)}`);
  return `${out.join("\n")}\n`;
}

function beancountEntry(book, { journalNo, postingDate, request }, names) {
  const postings = request.lines.map((line) => `  ${names.get(line.account)}  ${amount(book, line)} ${line.currency}\n`);
  return `\n${postingDate} * ${JSON.stringify(oneLine(request.memo))} ^${journalNo}\n${postings.join("")}`;
}

function csvHead() {
  return "chainSeq,journalNo,journalId,postingDate,period,line,account,currency,debit,credit,memo,sourcePlugin,sourceType,sourceId\n";
}

function csvEntry(book, journal) {
  const { plugin, docType, docId } = journal.request.source;
  const before = [journal.chainSeq, journal.journalNo, journal.id, journal.postingDate, journal.period].map(cell).join(",");
  const behind = [oneLine(journal.request.memo), plugin, docType ?? "", docId ?? ""].map(cell).join(",");
  const rows = journal.request.lines.map(({ account, currency, debit, credit }, at) => {
    const scale = book.currencies[currency];
    return `${before},${at + 1},${cell(account)},${currency},${decimal(debit ?? 0, scale)},${decimal(credit ?? 0, scale)},${behind}\n`;
  });
  return rows.join("");
}

// A leading =, +, - or @ would be run as a formula by a spreadsheet, so such a text gets an apostrophe.
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function oneLine(text) {
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
