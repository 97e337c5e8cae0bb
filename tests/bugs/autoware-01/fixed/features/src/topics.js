export const TOPICS = Object.freeze({ point: "maps.point.loaded" });
