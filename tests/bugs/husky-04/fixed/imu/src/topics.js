export { DATA as sampled } from "./names.js";
