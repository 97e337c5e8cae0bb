// Suppliers of an entity.
import { CLERKS, READERS, setting } from "./common.js";

$app.routerAdd("POST", "/api/ap/suppliers", {
  request: "contracts/supplier.json",
  summary: "Add or change a supplier",
  tags: ["suppliers"],
  roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const id = supplierId(e.body.entity, e.body.supplier);
  const stored = dao.findRecordsByIds("ap_suppliers", [id])[0];
  if (!stored) e.setStatus(201);
  return dao.saveRecord("ap_suppliers", { active: true, ...stored, ...e.body, id });
});

$app.routerAdd("GET", "/api/ap/suppliers", {
  summary: "The suppliers of an entity",
  tags: ["suppliers"],
  roles: READERS,
  readOnly: true,
}, (e) => ({ suppliers: $app.dao().findRecordsByFilter("ap_suppliers", { entity: e.query.entity ?? "" }, { limit: 1000 }) }));

/** A supplier that is met for the first time is added, unless the settings want it known before. */
export function useSupplier(dao, entity, supplier) {
  const id = supplierId(entity, supplier);
  const stored = dao.findRecordsByIds("ap_suppliers", [id])[0];
  if (stored?.active) return;
  if (stored) throw new AppError("SUPPLIER_INACTIVE", `supplier ${supplier} is not active`, { status: 422 });
  if (setting("knownSuppliersOnly")) {
    throw new AppError("SUPPLIER_NOT_FOUND", `entity ${entity} has no supplier ${supplier}; add it with POST /api/ap/suppliers`, { status: 422 });
  }
  dao.saveRecord("ap_suppliers", { id, entity, supplier, name: supplier, active: true });
}

function supplierId(entity, supplier) {
  return `${entity}.${supplier}`;
}
