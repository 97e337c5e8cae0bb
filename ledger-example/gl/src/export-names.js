// What the accounts are called in other programs, which allow less in a name than a chart does. No two are called the same.

/** Map of code to name. Of two accounts that would have one name the latter gets a number. */
export function namesFor(accounts, nameOf) {
  const names = new Map();
  const taken = new Set();
  for (const account of accounts) {
    const plain = nameOf(account);
    let name = plain;
    for (let number = 2; taken.has(name); number++) name = `${plain}-${number}`;
    taken.add(name);
    names.set(account.code, name);
  }
  return names;
}

/** Two blanks end an account's name in hledger, `;` starts a comment, and what a posting begins with may be a mark of its own. */
export function hledgerName({ code }) {
  const name = code.replace(/\s+/g, " ").trim().replace(/;/g, ",").replace(/^[([!*=]/, "_");
  return name === "" ? "_" : name;
}

const ROOTS = { asset: "Assets", liability: "Liabilities", equity: "Equity", income: "Income", expense: "Expenses" };

/** Beancount wants one of five roots and parts that start with a capital or a digit and hold letters, digits and dashes. */
export function beancountName({ code, type }) {
  const root = ROOTS[type];
  const parts = code.split(":");
  if (parts[0] === root && parts.length > 1) parts.shift();
  return [root, ...parts.map(beancountPart)].join(":");
}

function beancountPart(part) {
  const known = part.replace(/[^A-Za-z0-9-]/g, "-");
  if (/^[a-z]/.test(known)) return known[0].toUpperCase() + known.slice(1);
  return /^[A-Z0-9]/.test(known) ? known : `X${known}`;
}
