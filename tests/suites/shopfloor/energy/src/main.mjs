import "./meters.mjs";
import { tariffs } from "./tariffs.mjs";

tariffs($jobs, $app.realtime().publish.bind(null));
