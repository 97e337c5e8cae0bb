export const DEFAULTS = { input: "tracker.objects.detected", output: "" };
