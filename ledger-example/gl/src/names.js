// What entities, accounts and events may be called. Record ids are made of these names and hold 200 bytes.
const ENTITY = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
// A `|` would make the lines of the trial balance's checksum ambiguous; outside the basic plane, order by bytes and by code units differ.
const ACCOUNT = /^(?:[ -{}~]{1,120}|[^\u0000-\u001f\u007f|\ud800-\udfff]{1,50})$/;
const EVENT = /^[!-~]{1,128}$/;
const JOURNAL = /^j[0-9a-f]{24}$/;

export function isEntity(text) {
  return typeof text === "string" && ENTITY.test(text);
}

/** 120 ASCII characters, or 50 of any others of the basic plane. */
export function isAccount(text) {
  return typeof text === "string" && ACCOUNT.test(text);
}

export function isEventId(text) {
  return typeof text === "string" && EVENT.test(text);
}

export function isJournalId(text) {
  return typeof text === "string" && JOURNAL.test(text);
}
