// Fastify's side: a document and its outbox row in one SQLite transaction that is synced at commit.
// Arguments: folder of node_modules, port, database file.
import { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";

const [modules, port, file] = process.argv.slice(2);
const fastify = createRequire(`${modules}/`)("fastify");

const db = new DatabaseSync(file);
db.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, title TEXT NOT NULL, amount INTEGER NOT NULL, note TEXT);
  CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload TEXT NOT NULL);
`);
const begin = db.prepare("BEGIN IMMEDIATE");
const commit = db.prepare("COMMIT");
const rollback = db.prepare("ROLLBACK");
const addItem = db.prepare("INSERT INTO items (title, amount, note) VALUES (?, ?, ?)");
const addEvent = db.prepare("INSERT INTO outbox (topic, payload) VALUES ('bench.item.added', ?)");
const count = db.prepare("SELECT min((SELECT count(*) FROM items), (SELECT count(*) FROM outbox)) AS count");

function add({ title, amount, note }) {
  begin.run();
  try {
    const id = Number(addItem.run(title, amount, note).lastInsertRowid);
    addEvent.run(JSON.stringify({ id, title, amount, note }));
    commit.run();
    return id;
  } catch (error) {
    rollback.run();
    throw error;
  }
}

const item = {
  type: "object",
  required: ["title", "amount"],
  properties: { title: { type: "string" }, amount: { type: "integer" }, note: { type: "string" } },
};
const app = fastify();
app.get("/bench/count", () => count.get());
app.post("/bench/items", { schema: { body: item } }, (request, reply) => reply.code(201).send({ id: add(request.body) }));
await app.listen({ host: "127.0.0.1", port: Number(port) });
