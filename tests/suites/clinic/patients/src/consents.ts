import * as topics from "./topics.ts";
import { tell } from "./bus.ts";

type Verb = "give" | "withdraw";

const BY_VERB: Record<Verb, string> = {
  give: topics.Consent.Given,
  withdraw: topics.Consent.Withdrawn,
};

for (const verb of Object.keys(BY_VERB) as Verb[]) {
  $app.routerAdd("POST", `/api/patients/people/{id}/consents/${verb}`, { roles: ["patients.reception"], summary: `To ${verb} a consent` }, (e) => {
    tell(BY_VERB[verb], { patientId: e.params.id, purpose: e.body.purpose });
    return { done: verb };
  });
}
