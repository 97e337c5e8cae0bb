// Entities: companies within a tenant, each with its own chart, periods, numbers and chain.
import { READERS, BOOKKEEPERS } from "./roles.js";

$app.routerAdd("POST", "/api/gl/entities", {
  request: "contracts/entity.json",
  summary: "Open the books of an entity, or add currencies to them",
  tags: ["entities"],
  roles: BOOKKEEPERS,
}, (e) => {
  const dao = $app.dao();
  const { entity, name, functionalCurrency, currencies } = e.body;
  const scales = scalesOf(functionalCurrency, currencies);
  const book = dao.findRecordsByIds("gl_books", [entity])[0];
  if (book) return view(dao.saveRecord("gl_books", changed(book, name, functionalCurrency, scales)));
  e.setStatus(201);
  return view(dao.saveRecord("gl_books", { id: entity, name, functionalCurrency, currencies: scales, numbers: {}, length: 0, head: "" }));
});

$app.routerAdd("GET", "/api/gl/entities", {
  summary: "The entities of the tenant",
  tags: ["entities"],
  roles: READERS,
  readOnly: true,
}, () => ({ entities: $app.dao().findRecordsByFilter("gl_books", {}).map(view) }));

function scalesOf(functionalCurrency, currencies) {
  const scales = {};
  for (const { code, scale } of currencies ?? []) {
    if ((scales[code] ?? scale) !== scale) {
      throw new AppError("CURRENCY_INVALID", `${code} stands twice, with ${scales[code]} and with ${scale} decimals`, { status: 422 });
    }
    scales[code] = scale;
  }
  scales[functionalCurrency] ??= 2;
  return scales;
}

// Stored amounts are counted in the scale they were posted in, so a scale never changes and a currency never goes.
function changed(book, name, functionalCurrency, scales) {
  if (functionalCurrency !== book.functionalCurrency) {
    throw new AppError("CURRENCY_FIXED", `the books of ${book.id} are kept in ${book.functionalCurrency}`, { status: 409 });
  }
  for (const code of Object.keys(scales)) {
    if ((book.currencies[code] ?? scales[code]) !== scales[code]) {
      throw new AppError("CURRENCY_FIXED", `${code} has ${book.currencies[code]} decimals in the books of ${book.id}`, { status: 409 });
    }
  }
  book.name = name;
  book.currencies = { ...book.currencies, ...scales };
  return book;
}

function view(book) {
  const currencies = Object.entries(book.currencies).map(([code, scale]) => ({ code, scale }));
  return { entity: book.id, name: book.name, functionalCurrency: book.functionalCurrency, currencies, journals: book.length };
}
