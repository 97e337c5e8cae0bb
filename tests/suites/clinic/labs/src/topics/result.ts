const family = "LABS.Result".toLowerCase();

export const ready = `${family}.ready`;
export const critical = "labs/result/critical".replaceAll("/", ".");
