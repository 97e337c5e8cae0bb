// Customers of an entity.
import { CLERKS, READERS, setting } from "./common.ts";

$app.routerAdd("POST", "/api/ar/customers", {
  request: "contracts/customer.json",
  summary: "Add or change a customer",
  tags: ["customers"],
  roles: CLERKS,
}, (e) => {
  const dao = $app.dao();
  const id = customerId(e.body.entity, e.body.customer);
  const stored = dao.findRecordsByIds("ar_customers", [id])[0];
  if (!stored) e.setStatus(201);
  return dao.saveRecord("ar_customers", { active: true, ...stored, ...e.body, id });
});

$app.routerAdd("GET", "/api/ar/customers", {
  summary: "The customers of an entity",
  tags: ["customers"],
  roles: READERS,
  readOnly: true,
}, (e) => ({ customers: $app.dao().findRecordsByFilter("ar_customers", { entity: e.query.entity ?? "" }, { limit: 1000 }) }));

/** A customer that is met for the first time is added, unless the settings want it known before. */
export function useCustomer(dao: Trunkline.Dao, entity: string, customer: string): void {
  const id = customerId(entity, customer);
  const stored = dao.findRecordsByIds("ar_customers", [id])[0];
  if (stored?.active) return;
  if (stored) throw new AppError("CUSTOMER_INACTIVE", `customer ${customer} is not active`, { status: 422 });
  if (setting("knownCustomersOnly")) {
    throw new AppError("CUSTOMER_NOT_FOUND", `entity ${entity} has no customer ${customer}; add it with POST /api/ar/customers`, { status: 422 });
  }
  dao.saveRecord("ar_customers", { id, entity, customer, name: customer, active: true });
}

function customerId(entity: string, customer: string): string {
  return `${entity}.${customer}`;
}
