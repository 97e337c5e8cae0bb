export const DEFAULTS = { input: "tracker.object_tracker.objects", output: "" };
