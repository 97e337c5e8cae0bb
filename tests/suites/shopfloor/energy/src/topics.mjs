export const PEAK = (() => {
  const family = ["energy", "peak"];
  return { entered: family.concat("entered").join("."), left: [...family, "left"].join(".") };
})();
