// A posting that is refused. Every check gives one of these or null, and the first one answers the request.
const STATUS = { IDEMPOTENCY_CONFLICT: 409 };

/** `details` is a list of {path, got, want}; `retryable` says whether the same request may succeed later. */
export function rejection(code, message, details, more) {
  return { code, message, details: details ?? [], retryable: RETRYABLE.has(code), ...more };
}

export function statusOf(rejected) {
  return STATUS[rejected.code] ?? 422;
}

// These hang on the state of the books, which somebody can change; the others hang on the request itself.
const RETRYABLE = new Set([
  "ENTITY_NOT_FOUND", "ACCOUNT_NOT_FOUND", "ACCOUNT_INACTIVE", "ACCOUNT_NOT_POSTABLE", "CURRENCY_NOT_ALLOWED",
  "PERIOD_NOT_FOUND", "PERIOD_CLOSED",
]);
