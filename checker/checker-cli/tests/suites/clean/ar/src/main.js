import { POST, POSTED } from "./topics.js";

$app.routerAdd("POST", "/api/ar/invoices/{id}/issue", () => $app.request(POST, { id: 1 }, { timeout: "5s" }));
$app.onEvent(POSTED, (e) => $app.log("info", e.topic));
