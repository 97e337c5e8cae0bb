export { STATES, TOPICS } from "./topics.js";
export { default as LIMITS } from "./limits.js";
