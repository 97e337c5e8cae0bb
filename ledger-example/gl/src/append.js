// Writes a journal: number, place in the chain, lines and turnover, all in the caller's unit of work.
import { timestamp } from "./dates.js";
import { rejection } from "./rejection.js";
import { journalOf } from "./request.js";

const MAX = Number.MAX_SAFE_INTEGER;

/** One idempotency key of an entity is one journal id, so two postings of one key cannot both be stored. */
export function journalId(entity, idempotencyKey) {
  return `j${$app.hash([entity, idempotencyKey]).slice(0, 24)}`;
}

/** What the hash of a journal is taken over. The request stands in it by its own hash. */
export function sealed(journal) {
  return {
    entity: journal.entity,
    idempotencyKey: journal.idempotencyKey,
    requestHash: journal.requestHash,
    journal: journal.journal,
    journalNo: journal.journalNo,
    chainSeq: journal.chainSeq,
    period: journal.period,
    postingDate: journal.postingDate,
    postedAt: journal.postedAt,
    publisher: journal.publisher,
    reverses: journal.reverses ?? null,
  };
}

/** Stores the journal and gives {journal} or {rejected}. The checks are the caller's. */
export function append(dao, posting) {
  const { payload, book, period, date, totals, publisher, reverses } = posting;
  const rejected = addTurnover(dao, payload, period);
  if (rejected) return { rejected };
  const series = `${journalOf(payload)}-${date.slice(0, 4)}`;
  const number = (book.numbers[series] ?? 0) + 1;
  const journal = {
    id: posting.id,
    entity: payload.entity,
    idempotencyKey: payload.idempotencyKey,
    requestHash: posting.requestHash,
    journal: journalOf(payload),
    journalNo: `${series}-${String(number).padStart(6, "0")}`,
    chainSeq: book.length + 1,
    period,
    postingDate: date,
    postedAt: timestamp(),
    publisher,
    sourcePlugin: payload.source.plugin,
    totals,
    request: payload,
    prevHash: book.head,
  };
  if (reverses) journal.reverses = reverses;
  journal.hash = $app.hash({ prev: book.head, journal: sealed(journal) });
  book.numbers[series] = number;
  book.length = journal.chainSeq;
  book.head = journal.hash;
  dao.saveRecords("gl_books", [book]);
  dao.saveRecords("gl_journals", [journal]);
  addLines(dao, journal);
  return { journal };
}

// A line record is what the ledger of an account is read by; the journal's request stays the source. It gets an id of
// its own making, because for a given one the daemon would first have to look whether it is there.
function addLines(dao, journal) {
  const { id, entity, postingDate, chainSeq, request } = journal;
  dao.saveRecords("gl_lines", request.lines.map((line, at) => ({
    entity,
    account: line.account,
    currency: line.currency,
    postingDate,
    chainSeq,
    line: at + 1,
    journalId: id,
    debit: line.debit ?? 0,
    credit: line.credit ?? 0,
  })));
}

function addTurnover(dao, payload, period) {
  const { entity, lines } = payload;
  const places = new Map();
  for (const line of lines) {
    const id = `${entity}/${line.account}/${line.currency}/${period}`;
    const turnover = places.get(id);
    if (turnover === undefined) {
      places.set(id, { id, entity, account: line.account, currency: line.currency, period, debit: line.debit ?? 0, credit: line.credit ?? 0 });
    } else {
      turnover.debit += line.debit ?? 0;
      turnover.credit += line.credit ?? 0;
    }
  }
  const sums = [...places.values()];
  const stored = dao.findRecordsByIds("gl_balances", sums.map((sum) => sum.id));
  for (let at = 0; at < sums.length; at++) {
    const balance = stored[at];
    if (!balance) continue;
    balance.debit += sums[at].debit;
    balance.credit += sums[at].credit;
    sums[at] = balance;
  }
  // A refusal is stored too, so nothing may be saved before every sum is known to fit.
  const full = sums.find((sum) => sum.debit > MAX || sum.credit > MAX);
  if (full) return tooLarge(full);
  dao.saveRecords("gl_balances", sums);
  return null;
}

function tooLarge({ account, currency }) {
  const message = `the turnover of ${account} in ${currency} would pass ${MAX} minor units`;
  return rejection("INVALID_AMOUNT", message, [{ path: "lines", got: account, want: MAX }]);
}
