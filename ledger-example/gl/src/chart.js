// The accounts of an import as a tree: each once, with the headers above them that the import does not name.
import { NAMES_BYTES, fitsEntity, isAccount } from "./names.js";

/** The accounts by code. A parent that is not among them becomes a header above them, and so up the chain of its name. */
export function withHeaders(entity, accounts) {
  const chart = new Map();
  for (const account of accounts) {
    mustBeCode(entity, account.code);
    if (account.parent) mustBeCode(entity, account.parent);
    if (chart.has(account.code)) throw invalid(`account ${account.code} stands twice in the import`);
    chart.set(account.code, account);
  }
  for (const account of accounts) {
    let child = account;
    while (child.parent && !chart.has(child.parent)) {
      child = headerOf(child);
      chart.set(child.code, child);
    }
  }
  return chart;
}

/** Refuses accounts that stand below themselves, be it by way of ones that are stored. `stored` is in the chart's order. */
export function mustEnd(dao, entity, chart, stored) {
  const parents = new Map();
  let at = 0;
  for (const { code, header, parent } of chart.values()) {
    const kept = stored[at++];
    parents.set(code, kept && (header || parent === undefined) ? kept.parent : parent);
  }
  const parentOf = (code) => {
    if (!parents.has(code)) parents.set(code, dao.findRecordsByIds("gl_accounts", [`${entity}/${code}`])[0]?.parent);
    return parents.get(code);
  };
  for (const code of chart.keys()) {
    const above = new Set([code]);
    for (let parent = parentOf(code); parent; parent = parentOf(parent)) {
      if (above.has(parent)) throw invalid(`account ${code} would stand below itself, by way of its parent ${parentOf(code)}`);
      above.add(parent);
    }
  }
}

function mustBeCode(entity, code) {
  if (!isAccount(code)) throw invalid(`${code} is no account code: up to 120 ASCII characters (50 of others), no control characters, no |`);
  if (!fitsEntity(entity, code)) throw invalid(`${code} is too long for the entity ${entity}: the names of both together hold at most ${NAMES_BYTES} bytes`);
}

function headerOf(child) {
  const code = child.parent;
  const cut = code.lastIndexOf(":");
  const header = { code, name: code.slice(cut + 1), type: child.type, normalSide: child.normalSide, postable: false, header: true };
  return cut < 0 ? header : { ...header, parent: code.slice(0, cut) };
}

function invalid(message) {
  return new AppError("ACCOUNT_INVALID", message, { status: 422 });
}
