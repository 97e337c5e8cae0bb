export const TOPICS = Object.freeze({ point: "maps.point_class.loaded" });
