export const TOPICS = Object.freeze({ vector: "maps.vector.loaded" });
