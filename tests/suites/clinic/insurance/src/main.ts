import claims from "./claims.ts";
import "./batches.ts";

claims.listen();
