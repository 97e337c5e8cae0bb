// What of a request can be judged without looking at the books: its lines and their sums.
// Amounts are integers in minor units. Every sum is kept within 2^53-1, where integers are exact.
import { rejection } from "./rejection.js";

const MAX = Number.MAX_SAFE_INTEGER;
const SIDES = ["debit", "credit", "fnDebit", "fnCredit"];

/** Checks the lines and adds them up: gives {rejected} or {totals: [{currency, debit, credit}]}. */
export function addUp(payload) {
  const lines = payload.lines;
  if (lines.length < 2) {
    return { rejected: rejection("TOO_FEW_LINES", "a journal needs at least two lines", [{ path: "lines", got: lines.length, want: 2 }]) };
  }
  const usual = usualTotal(lines);
  if (usual) return { totals: [usual] };
  const amount = firstAmount(lines);
  if (amount) return { rejected: amount };
  const { totals, functional, tooLarge } = sums(lines);
  const rejected = tooLarge ?? firstLine(lines) ?? onSomeLines(functional, lines.length) ?? unbalanced(totals, functional);
  return rejected ? { rejected } : { totals };
}

// Most journals are in one currency without functional amounts, and right. One pass tells; null sends the others the
// long way, rule by rule, which knows what is wrong and in which order it is answered.
function usualTotal(lines) {
  const { currency } = lines[0];
  if (typeof currency !== "string" || currency === "") return null;
  let debits = 0;
  let credits = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const { debit = 0, credit = 0 } = line;
    if (typeof debit !== "number" || typeof credit !== "number" || debit % 1 !== 0 || credit % 1 !== 0) return null;
    if (debit < 0 || credit < 0 || (debit > 0) === (credit > 0)) return null;
    if (line.currency !== currency || line.fnDebit !== undefined || line.fnCredit !== undefined) return null;
    if (typeof line.account !== "string" || line.account === "") return null;
    debits += debit;
    credits += credit;
    if (debits > MAX || credits > MAX) return null;
  }
  return debits === credits ? { currency, debit: debits, credit: credits } : null;
}

// An absent amount counts as zero, so that a line may name its one side only. One that is null is an amount that got lost.
function firstAmount(lines) {
  for (let at = 0; at < lines.length; at++) {
    const wrong = SIDES.find((side) => !isAmount(lines[at][side]));
    if (wrong) return badAmount(at, wrong, lines[at][wrong]);
  }
  return null;
}

function isAmount(amount) {
  return amount === undefined || Number.isSafeInteger(amount) && amount >= 0;
}

function badAmount(at, side, got) {
  const message = `lines[${at}].${side} must be a whole number of minor units from 0 to ${MAX}`;
  return rejection("INVALID_AMOUNT", message, [{ path: `lines[${at}].${side}`, got: typeof got === "bigint" ? String(got) : got, want: "integer" }]);
}

function firstLine(lines) {
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const debit = line.debit ?? 0;
    const credit = line.credit ?? 0;
    if ((debit > 0) === (credit > 0)) return badLine(at, { debit, credit }, "exactly one of debit and credit above zero");
    if (typeof line.account !== "string" || line.account === "") return badLine(at, line.account ?? null, "an account code", "account");
    if (typeof line.currency !== "string" || line.currency === "") return badLine(at, line.currency ?? null, "a currency code", "currency");
    if ((line.fnDebit ?? 0) > 0 && credit > 0 || (line.fnCredit ?? 0) > 0 && debit > 0) {
      return badLine(at, { fnDebit: line.fnDebit ?? 0, fnCredit: line.fnCredit ?? 0 }, "the functional amount on the side of the amount");
    }
  }
  return null;
}

function badLine(at, got, want, field) {
  const path = field ? `lines[${at}].${field}` : `lines[${at}]`;
  return rejection("INVALID_LINE", `${path} needs ${want}`, [{ path, got, want }]);
}

function sums(lines) {
  const totals = [];
  const functional = { currency: "functional", debit: 0, credit: 0, lines: 0 };
  for (const line of lines) {
    const total = totalOf(totals, line.currency);
    total.debit += line.debit ?? 0;
    total.credit += line.credit ?? 0;
    if (total.debit > MAX || total.credit > MAX) return { totals, functional, tooLarge: tooLarge(line.currency) };
    if (line.fnDebit !== undefined || line.fnCredit !== undefined) {
      functional.debit += line.fnDebit ?? 0;
      functional.credit += line.fnCredit ?? 0;
      functional.lines += 1;
      if (functional.debit > MAX || functional.credit > MAX) return { totals, functional, tooLarge: tooLarge("functional currency") };
    }
  }
  return { totals, functional, tooLarge: null };
}

function totalOf(totals, currency) {
  for (const total of totals) if (total.currency === currency) return total;
  const total = { currency, debit: 0, credit: 0 };
  totals.push(total);
  return total;
}

function tooLarge(currency) {
  return rejection("INVALID_AMOUNT", `the sum of the lines in ${currency || "no currency"} is above ${MAX}; split the journal`, [{ path: "lines", got: currency ?? null, want: MAX }]);
}

function onSomeLines(functional, count) {
  if (functional.lines === 0 || functional.lines === count) return null;
  const details = [{ path: "lines", got: functional.lines, want: count }];
  return rejection("INVALID_LINE", "functional amounts are given on some lines only; give them on all or on none", details);
}

function unbalanced(totals, functional) {
  for (const total of totals) if (total.debit !== total.credit) return outOfBalance(total);
  return functional.debit === functional.credit ? null : outOfBalance(functional);
}

function outOfBalance({ currency, debit, credit }) {
  const message = `debits ${debit} and credits ${credit} differ in ${currency}`;
  return rejection("UNBALANCED", message, [{ path: `totals.${currency}`, got: { debit, credit }, want: { difference: 0 } }]);
}
