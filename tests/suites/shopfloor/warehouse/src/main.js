import { answering } from "./answering.js";
import { reserve, withdraw } from "./bins.js";
import REQUESTS from "./requests.json" with { type: "json" };

$app.onEvent(REQUESTS.material, { name: "material" }, answering(reserve));
$app.onEvent(REQUESTS.part, { name: "part" }, answering(withdraw));
