export const TOPICS = Object.freeze({ line: "maps.line.loaded" });
