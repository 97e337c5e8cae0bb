export const TOPICS = Object.freeze({ vector: "maps.vector_class.loaded" });
