// What the modules of this plugin share: roles, settings, names and checks of dates and amounts.
export const READERS = ["ar.viewer", "ar.clerk", "ar.approver"];
export const CLERKS = ["ar.clerk"];
export const APPROVERS = ["ar.approver"];

const DEFAULTS: Trunkline.Config = { receivablesAccount: "1100", bankAccount: "1000", taxAccount: "2300", separateIssuer: false, knownCustomersOnly: false };

/** A setting of config.schema.json, or its default. */
export function setting<Name extends keyof Trunkline.Config>(name: Name): Trunkline.Config[Name] {
  return $app.config?.[name] ?? DEFAULTS[name];
}

const DOCUMENT = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$/;

/** A document's record id. It stands in URLs, so it holds no slash. */
export function recordId(entity: string, document: string): string {
  return `${entity}.${document}`;
}

export function mayBeDocument(text: unknown): text is string {
  return typeof text === "string" && DOCUMENT.test(text);
}

/** Finds a document by its record id, or by its number: in the entity, or else where only one entity has it. */
export function findDocument<C extends "ar_invoices" | "ar_receipts">(dao: Trunkline.Dao, collection: C, field: string, id: string, entity?: string): Trunkline.Stored<C> {
  const ids = (entity ? [id, recordId(entity, id)] : [id]).filter(mayBeDocument);
  const found = dao.findRecordsByIds(collection, ids).find((one) => one && (!entity || one.entity === entity));
  if (found) return found;
  if (entity) throw new AppError("NOT_FOUND", `entity ${entity} has no ${field.replace("Id", "")} ${id}`, { status: 404 });
  const named = dao.findRecordsByFilter(collection, { [field]: id } as Trunkline.Filter<C>, { limit: 2 });
  if (named.length === 1) return named[0];
  if (named.length === 0) throw new AppError("NOT_FOUND", `there is no ${field.replace("Id", "")} ${id}`, { status: 404 });
  throw new AppError("AMBIGUOUS", `${id} exists in several entities; use the id <entity>.${id}`, { status: 409 });
}

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Refuses a date that no calendar has; the pattern in the contract lets 2026-02-30 pass. */
export function mustBeDate(text: string, field: string): string {
  const [year, month, day] = text.split("-").map(Number);
  const leap = month === 2 && (year % 4 === 0 && year % 100 !== 0 || year % 400 === 0);
  if (day > LENGTHS[month - 1] + (leap ? 1 : 0)) throw new AppError("INVALID_DATE", `${field} ${text} is no date`, { status: 422 });
  return text;
}

/** Adds up amounts in minor units; beyond 2^53-1 integers are no longer exact, so that is refused. */
export function sum(amounts: number[]): number {
  let total = 0;
  for (const amount of amounts) {
    total += amount;
    if (total > Number.MAX_SAFE_INTEGER) throw new AppError("INVALID_AMOUNT", "the amounts add up to more than 2^53-1 minor units", { status: 422 });
  }
  return total;
}

/** The entity that a list is asked about. */
export function mustHaveEntity(entity: string | undefined): string {
  if (entity) return entity;
  throw new AppError("INVALID_REQUEST", "the query needs `entity`, such as ?entity=ACME", { status: 400 });
}

/** How many rows a list may have: 100 if its query does not say, and never more than 1000. */
export function pageSize(limit: string | undefined): number {
  if (!limit) return 100;
  if (/^[1-9]\d{0,8}$/.test(limit)) return Math.min(Number(limit), 1000);
  throw new AppError("INVALID_REQUEST", `\`limit\` must be a whole number from 1, not ${limit}`, { status: 400 });
}

/** How many documents are read at a time: each may have 400 lines. */
export const DOCUMENTS_PAGE = 20;

export function today(): string {
  return new Date($app.now()).toISOString().slice(0, 10);
}
