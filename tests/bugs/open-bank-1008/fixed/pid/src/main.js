import { persist } from "./outbox.js";

$app.routerAdd("POST", "/api/pid/verifications", { summary: "Report" }, (e) => {
  persist(e.body.id);
  return { done: true };
});
