// Who asks for a posting. The daemon stamps the publisher, so what the payload claims can be held against it.

/** The caller behind an event: a plugin posts for itself only; what came in over REST was let in by its token. */
export function busCaller(publisher) {
  if (publisher.startsWith("plugin:")) return { publisher, plugin: publisher.slice(7), anySource: false };
  return { publisher, plugin: null, anySource: publisher.startsWith("rest:") };
}

/** The caller behind a verb: `gl.import` may name any source, an accountant posts for gl. */
export function restCaller(auth) {
  return { publisher: `rest:${auth.id}`, plugin: "gl", anySource: auth.roles.includes("gl.import") };
}
