export * from "./order.ts";
export * as result from "./result.ts";
export { ready as resultReady } from "./result.ts";
