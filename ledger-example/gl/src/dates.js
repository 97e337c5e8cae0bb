// Calendar dates as text. Texts of this form sort like the days they name, so no Date object is needed to compare.
const DAY = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;
const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function isDate(text) {
  return typeof text === "string" && DAY.test(text) && isDayOfMonth(text);
}

/** Whether a text that looks like a date names a day that its month has. */
export function isDayOfMonth(text) {
  return text.slice(8) <= "28" || text <= lastDay(text.slice(0, 7));
}

export function isMonth(text) {
  return typeof text === "string" && MONTH.test(text);
}

export function lastDay(month) {
  const year = Number(month.slice(0, 4));
  const number = Number(month.slice(5));
  const leap = number === 2 && (year % 4 === 0 && year % 100 !== 0 || year % 400 === 0);
  return `${month}-${LENGTHS[number - 1] + (leap ? 1 : 0)}`;
}

export function nextMonth(month) {
  const number = Number(month.slice(5));
  if (number < 12) return month.slice(0, 5) + String(number + 1).padStart(2, "0");
  return `${String(Number(month.slice(0, 4)) + 1).padStart(4, "0")}-01`;
}

/** The months from the first to the last, both included, and no more than so many. */
export function months(from, to, most) {
  const list = from <= to ? [from] : [];
  while (list.length > 0 && list.length < most && list.at(-1) !== to) list.push(nextMonth(list.at(-1)));
  return list;
}

/** The time of this call as RFC 3339 text. */
export function timestamp() {
  return new Date($app.now()).toISOString();
}
