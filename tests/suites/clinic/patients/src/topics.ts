// Every topic of this plugin, built from its parts.
const NS = "patients";

const topic = (group: string, verb: string): string => [NS, group, verb].join(".");

export const REGISTERED = topic("record", "registered");
export const MERGED = topic("record", "merged");
export const LOOKUP: string = `${NS}.lookup.request`;

/** Stands in for an enum, which type erasure cannot keep. */
export const Consent = Object.freeze({
  Given: NS + ".consent.given",
  Withdrawn: NS.concat(".consent.", "withdrawn"),
} as const);

export default "patients.audit.kept";
