// A posting that is refused. Every check gives one of these or null, and the first one answers the request.
const STATUS = { IDEMPOTENCY_CONFLICT: 409 };

// What is told again of a request may be of any length, and the contract of gl.journal.rejected allows no more than this.
const MESSAGE_MAX = 2000;
const PATH_MAX = 200;
const VALUE_MAX = 2000;

/**
 * `details` is a list of {path, got, want}; `retryable` says whether the same request may succeed later.
 * @param {string} code
 * @param {string} message
 * @param {{path: string, got: any, want: any}[]} details
 * @param {{existingJournalId?: string, differs?: string[]}} [more]
 */
export function rejection(code, message, details, { differs, ...more } = {}) {
  const rejected = { code, message: cut(message, MESSAGE_MAX), details: details.map(fitting), retryable: RETRYABLE.has(code), ...more };
  return differs ? { ...rejected, differs: differs.map((path) => cut(path, PATH_MAX)) } : rejected;
}

function fitting({ path, got, want }) {
  return { path: cut(path, PATH_MAX), got: short(got), want: short(want) };
}

// A tree that is too large is shown as the beginning of its text.
function short(value) {
  if (typeof value === "string") return cut(value, VALUE_MAX);
  if (value === null || typeof value !== "object") return value;
  const text = JSON.stringify(value, (_name, part) => (typeof part === "bigint" ? String(part) : part));
  return text.length > VALUE_MAX ? cut(text, VALUE_MAX) : value;
}

// Half a character is none, so that a pair of code units stays together.
function cut(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

export function statusOf(rejected) {
  return STATUS[rejected.code] ?? 422;
}

// These hang on the state of the books, which somebody can change; the others hang on the request itself.
const RETRYABLE = new Set([
  "ENTITY_NOT_FOUND", "ACCOUNT_NOT_FOUND", "ACCOUNT_INACTIVE", "ACCOUNT_NOT_POSTABLE", "CURRENCY_NOT_ALLOWED",
  "PERIOD_NOT_FOUND", "PERIOD_CLOSED",
]);
