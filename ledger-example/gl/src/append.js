// Writes a journal: number, place in the chain and turnover, all in the caller's unit of work.
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
    accounts: accountsOf(payload.lines),
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
  return { journal };
}

// Each account once, for the index that the ledger of an account is read by.
function accountsOf(lines) {
  const accounts = [];
  for (let at = 0; at < lines.length; at++) {
    const { account } = lines[at];
    if (!accounts.includes(account)) accounts.push(account);
  }
  return accounts;
}

function addTurnover(dao, payload, period) {
  const { entity, lines } = payload;
  const turnover = [];
  for (let at = 0; at < lines.length; at++) {
    const { account, currency, debit, credit } = lines[at];
    turnover.push({ id: `${entity}/${account}/${currency}/${period}`, entity, account, currency, period, debit: debit ?? 0, credit: credit ?? 0 });
  }
  try {
    dao.addToRecords("gl_balances", turnover, ["debit", "credit"]);
    return null;
  } catch (error) {
    const full = error.code === "RECORD_INVALID" && turnover.find(({ id }) => id === error.details?.id);
    if (!full) throw error;
    return tooLarge(full);
  }
}

function tooLarge({ account, currency }) {
  const message = `the turnover of ${account} in ${currency} would pass ${MAX} minor units`;
  return rejection("INVALID_AMOUNT", message, [{ path: "lines", got: account, want: MAX }]);
}
