// Names the fields in which two requests with one idempotency key differ, like `lines[0].debit`, with what stands in each.
const MOST = 20;

/** A list of {path, got, want}: `want` is what was there before. */
export function differs(before, after, path = "", found = []) {
  if (found.length >= MOST || before === after) return found;
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) {
    found.push({ path, got: after ?? null, want: before ?? null });
    return found;
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const name of names) {
    differs(own(before, name), own(after, name), Array.isArray(before) ? `${path}[${name}]` : path ? `${path}.${name}` : name, found);
  }
  return found;
}

// A name such as `constructor` is one that every object knows.
function own(tree, name) {
  return Object.hasOwn(tree, name) ? tree[name] : undefined;
}

function isTree(value) {
  return value !== null && typeof value === "object";
}
