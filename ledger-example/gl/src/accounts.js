// The chart of accounts. An account is deactivated, never deleted.
import { mustEnd, withHeaders } from "./chart.js";
import { BOOKKEEPERS } from "./roles.js";

const FIELDS = ["name", "type", "normalSide", "parent", "postable", "active", "currency", "controlFor", "requires", "openedOn"];
const MOST_CHANGES = 900;

$app.routerAdd("POST", "/api/gl/accounts/import", {
  request: "contracts/accounts-import.json",
  summary: "Create and change accounts",
  tags: ["accounts"],
  roles: BOOKKEEPERS,
}, (e) => {
  const { entity, accounts } = e.body;
  const dao = $app.dao();
  if (!dao.findRecordsByIds("gl_books", [entity])[0]) throw new AppError("ENTITY_NOT_FOUND", `there is no entity ${entity}`, { status: 404 });
  const chart = withHeaders(entity, accounts);
  const stored = dao.findRecordsByIds("gl_accounts", [...chart.keys()].map((code) => `${entity}/${code}`));
  mustEnd(dao, entity, chart, stored);
  const count = { created: 0, updated: 0, deactivated: 0, unchanged: 0 };
  let at = 0;
  for (const given of chart.values()) count[save(dao, entity, given, stored[at++])] += 1;
  if (chart.size - count.unchanged > MOST_CHANGES) {
    throw new AppError("TOO_MANY_ACCOUNTS", `one import changes at most ${MOST_CHANGES} accounts; send the chart in parts`, { status: 422 });
  }
  return { entity, ...count };
});

function save(dao, entity, given, stored) {
  if (stored && given.header) return "unchanged";
  const account = stored ? { ...stored } : { id: `${entity}/${given.code}`, entity, code: given.code, postable: true, active: true, requires: [] };
  for (const field of FIELDS) if (given[field] !== undefined) account[field] = given[field];
  account.normalSide ??= account.type === "asset" || account.type === "expense" ? "debit" : "credit";
  const change = changeBetween(stored, account);
  if (change === "unchanged") return change;
  dao.saveRecord("gl_accounts", account);
  $app.realtime().publish("gl.account.changed", payload(account, change));
  return change;
}

function changeBetween(stored, account) {
  if (!stored) return "created";
  if (stored.active && !account.active) return "deactivated";
  const same = FIELDS.every((field) => JSON.stringify(stored[field] ?? null) === JSON.stringify(account[field] ?? null));
  return same ? "unchanged" : "updated";
}

function payload(account, change) {
  const { entity, code, name, type, normalSide, parent, postable, active, controlFor, requires } = account;
  return { entity, code, name, type, normalSide, parent: parent ?? null, postable, active, controlFor: controlFor ?? null, requires: requires ?? [], change };
}
