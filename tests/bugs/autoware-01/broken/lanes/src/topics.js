export const TOPICS = Object.freeze({ line: "maps.line_class.loaded" });
