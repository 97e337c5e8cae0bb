// What entities, accounts and events may be called. Record ids are made of these names and hold 200 bytes.
const ENTITY = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
// A `|` would make the lines of the trial balance's checksum ambiguous; outside the basic plane, order by bytes and by code units differ.
const ACCOUNT = /^(?:[ -{}~]{1,120}|[^\u0000-\u001f\u007f|\ud800-\udfff]{1,50})$/;
const EVENT = /^[!-~]{1,128}$/;
const CURRENCY = /^[A-Z][A-Z0-9]{1,11}$/;
const JOURNAL = /^j[0-9a-f]{24}$/;

export function isEntity(text) {
  return typeof text === "string" && ENTITY.test(text);
}

/** 120 ASCII characters, or 50 of any others of the basic plane. */
export function isAccount(text) {
  return typeof text === "string" && ACCOUNT.test(text);
}

export function isCurrency(text) {
  return typeof text === "string" && CURRENCY.test(text);
}

/** What `entity/account/currency/period` leaves of an id of 200 bytes to the first two. */
export const NAMES_BYTES = 200 - "/".length * 3 - "CURRENCY9012".length - "2026-01".length;

/** Whether the turnover of an account in any currency and month has an id that is not too long. */
export function fitsEntity(entity, account) {
  return entity.length + bytesOf(account) <= NAMES_BYTES;
}

// Of characters of the basic plane, which is all that an account may have.
function bytesOf(text) {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) bytes += unit > 0x7ff ? 2 : 1;
  }
  return bytes;
}

export function isEventId(text) {
  return typeof text === "string" && EVENT.test(text);
}

export function isJournalId(text) {
  return typeof text === "string" && JOURNAL.test(text);
}
