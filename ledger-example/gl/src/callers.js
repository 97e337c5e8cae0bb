// Who asks for a posting. The daemon stamps the publisher, so what the payload claims can be held against it.
import { POSTERS } from "./roles.js";

/** The caller behind an event: a plugin posts for itself only, a client outside as its roles allow over REST. */
export function busCaller({ publisher, roles }) {
  if (publisher.startsWith("plugin:")) return { publisher, plugin: publisher.slice(7), anySource: false };
  const poster = POSTERS.some((role) => roles.includes(role));
  return { publisher, plugin: poster ? "gl" : null, anySource: roles.includes("gl.import") };
}

/** The caller behind a verb: `gl.import` may name any source, an accountant posts for gl. */
export function restCaller(auth) {
  return { publisher: `rest:${auth.id}`, plugin: "gl", anySource: auth.roles.includes("gl.import") };
}
