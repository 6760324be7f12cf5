// What an accepted webhook is kept in: SQLite, one durable transaction for each.

import Database from "better-sqlite3";

/** Opens the database; `keep` returns false for a webhook that is here already. */
export function openInbox(file) {
  const database = new Database(file);
  database.pragma("busy_timeout = 5000");
  database.pragma("journal_mode = WAL");
  // FULL: a webhook that was answered survives a power cut.
  database.pragma("synchronous = FULL");
  database.exec(`CREATE TABLE IF NOT EXISTS webhooks (
    id TEXT PRIMARY KEY,
    shop TEXT NOT NULL,
    topic TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    body BLOB NOT NULL
  ) WITHOUT ROWID`);
  const insert = database.prepare(
    "INSERT INTO webhooks (id, shop, topic, received_at, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
  );
  return {
    keep: ({ id, shop, topic, body }) => insert.run(id, shop, topic, Date.now(), body).changes === 1,
  };
}
