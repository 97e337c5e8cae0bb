// Periods are calendar months. A posting date decides its period, and a closed period takes no posting.
import { isMonth, lastDay, months } from "./dates.js";
import { bookOf } from "./query.js";
import { BOOKKEEPERS, CONTROLLERS, READERS } from "./roles.js";

const MONTHS_MAX = 600;

$app.routerAdd("POST", "/api/gl/periods/open", {
  request: "contracts/periods-open.json",
  summary: "Open the months from one to another",
  tags: ["periods"],
  roles: BOOKKEEPERS,
  key: "/entity",
}, (e) => {
  const { entity, from, to } = e.body;
  const names = months(monthOf(from), monthOf(to), MONTHS_MAX + 1);
  if (names.length === 0 || names.length > MONTHS_MAX) {
    throw new AppError("PERIOD_INVALID", `from ${from} to ${to} is no span of 1 to ${MONTHS_MAX} months`, { status: 422 });
  }
  const dao = $app.dao();
  mustHaveEntity(dao, entity);
  const stored = dao.findRecordsByIds("gl_periods", names.map((name) => `${entity}/${name}`));
  const periods = names.map((name, at) => stored[at] ?? open(dao, entity, name, e.auth.id));
  e.setStatus(stored.includes(null) ? 201 : 200);
  return { entity, periods: periods.map(view) };
});

$app.routerAdd("POST", "/api/gl/periods/{period}/close", {
  request: "contracts/period-change.json",
  summary: "Close a period",
  tags: ["periods"],
  roles: ["gl.accountant", "gl.controller"],
  key: "/entity",
}, (e) => {
  const dao = $app.dao();
  const period = find(dao, e.body.entity, e.params.period);
  if (period.status === "closed") return view(period);
  const closed = change(dao, period, "closed", e.auth.id, e.body.reason);
  $app.realtime().publish("gl.period.closed", fact(closed));
  return view(closed);
});

$app.routerAdd("POST", "/api/gl/periods/{period}/reopen", {
  request: "contracts/period-change.json",
  summary: "Open a closed period again",
  tags: ["periods"],
  roles: CONTROLLERS,
  key: "/entity",
}, (e) => {
  const { entity, reason } = e.body;
  if (!reason?.trim()) throw new AppError("REASON_REQUIRED", "opening a closed period needs a reason", { status: 422 });
  const dao = $app.dao();
  const period = find(dao, entity, e.params.period);
  if (period.status === "open") return view(period);
  const reopened = change(dao, period, "open", e.auth.id, reason);
  $app.realtime().publish("gl.period.reopened", fact(reopened));
  return view(reopened);
});

$app.routerAdd("GET", "/api/gl/periods", {
  summary: "The periods of an entity",
  tags: ["periods"],
  roles: READERS,
  readOnly: true,
}, (e) => {
  const dao = $app.dao();
  const entity = bookOf(dao, e).id;
  return { entity, periods: dao.findRecordsByFilter("gl_periods", { entity }, { sort: "period" }).map(view) };
});

function monthOf(text) {
  if (isMonth(text)) return text;
  throw new AppError("PERIOD_INVALID", `${text} is no month YYYY-MM`, { status: 422 });
}

function mustHaveEntity(dao, entity) {
  if (dao.findRecordsByIds("gl_books", [entity])[0]) return;
  throw new AppError("ENTITY_NOT_FOUND", `there is no entity ${entity}`, { status: 404 });
}

function find(dao, entity, name) {
  const period = isMonth(name) && dao.findRecordsByIds("gl_periods", [`${entity}/${name}`])[0];
  if (period) return period;
  throw new AppError("PERIOD_NOT_FOUND", `period ${name} of ${entity} was never opened`, { status: 404 });
}

function open(dao, entity, name, by) {
  const period = dao.saveRecord("gl_periods", {
    id: `${entity}/${name}`, entity, period: name, from: `${name}-01`, to: lastDay(name), status: "open", by,
  });
  $app.realtime().publish("gl.period.opened", fact(period));
  return period;
}

function change(dao, period, status, by, reason) {
  period.status = status;
  period.by = by;
  period.reason = reason ?? "";
  return dao.saveRecord("gl_periods", period);
}

function fact({ entity, period, from, to, by, reason }) {
  return { entity, period, from, to, scope: /** @type {const} */ ("all"), by, reason: reason ?? "" };
}

/** @param {Trunkline.Stored<"gl_periods">} period */
function view({ entity, period, from, to, status, by, reason }) {
  return { entity, period, from, to, status, by, reason: reason ?? "" };
}
