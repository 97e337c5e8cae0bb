// Restate's side: a handler that answers an event with an event.
// Arguments: folder of node_modules, port that the server calls the handler on.
import { createRequire } from "node:module";

const [modules, port] = process.argv.slice(2);
const restate = createRequire(`${modules}/`)("@restatedev/restate-sdk");

const bench = restate.service({
  name: "bench",
  handlers: { echo: async (_context, event) => ({ title: event.title, amount: event.amount, note: event.note }) },
});

await restate.serve({ services: [bench], port: Number(port) });
