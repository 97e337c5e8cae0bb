$app.routerAdd("POST", "/api/pid/verifications", { summary: "Report" }, (e) => {
  $app.log("info", "verified", { id: e.body.id });
  return { done: true };
});

export { persist } from "./outbox.js";
