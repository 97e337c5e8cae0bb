// Patients: registering and merging, consents, and the lookup that other plugins ask for.
import "./registry.ts";
import "./consents.ts";
import "./lookup.ts";
import "./audit.ts";
