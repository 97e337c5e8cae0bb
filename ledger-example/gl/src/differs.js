// Names the fields in which two requests with one idempotency key differ, like `lines[0].debit`.
const MOST = 20;

export function differs(before, after, path = "", found = []) {
  if (found.length >= MOST || before === after) return found;
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) {
    found.push(path);
    return found;
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const name of names) {
    differs(before[name], after[name], Array.isArray(before) ? `${path}[${name}]` : path ? `${path}.${name}` : name, found);
  }
  return found;
}

function isTree(value) {
  return value !== null && typeof value === "object";
}
