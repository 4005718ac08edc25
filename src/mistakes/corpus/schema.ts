import { INITIAL_THRESHOLD, TARGET_ADMIT_RATE } from "./novelty.js";

/** Marks a SQLite file as a corpus: "Erta" in ASCII, `PRAGMA application_id`. */
export const APPLICATION_ID = 0x45727461;

/** Version of {@link SCHEMA}, `PRAGMA user_version`. */
export const SCHEMA_VERSION = 2;

/**
 * The tables of a corpus. No column holds a time: content is a function of what was admitted.
 *
 * `mistake` is one wrong step with its counts, `trace` a whole wrong attempt kept for an expert,
 * `answer` and `mistake_source` count what was seen (also beyond the traces kept), `cell` how many
 * mistakes each quota has to bear, `cluster` names what no rule recognises, `outcome` says what other models got right and wrong, and `event` is the append-only log of verdicts that `mistake.status` is replayed from.
 */
export const SCHEMA: string = `
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE admission (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  threshold REAL NOT NULL,
  admit_rate REAL NOT NULL,
  admitted INTEGER NOT NULL DEFAULT 0,
  merged INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  held_out_rejected INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO admission (id, threshold, admit_rate) VALUES (1, ${INITIAL_THRESHOLD}, ${TARGET_ADMIT_RATE});

CREATE TABLE held_out (
  hash BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE mistake (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  identity BLOB NOT NULL UNIQUE,
  domain TEXT NOT NULL,
  level TEXT NOT NULL,
  task TEXT NOT NULL,
  signature TEXT NOT NULL,
  state TEXT NOT NULL,
  wrong_step TEXT NOT NULL,
  answer TEXT NOT NULL,
  correct_step TEXT,
  source TEXT NOT NULL,
  evidence TEXT NOT NULL,
  confidence REAL NOT NULL,
  embedding BLOB NOT NULL,
  novelty REAL NOT NULL,
  support INTEGER NOT NULL,
  recurrence REAL NOT NULL,
  same_answers INTEGER NOT NULL,
  confusability REAL NOT NULL DEFAULT 1,
  learnability REAL NOT NULL DEFAULT 1,
  quality REAL NOT NULL,
  exposures INTEGER NOT NULL DEFAULT 0,
  replications TEXT NOT NULL DEFAULT '',
  last_exposure INTEGER,
  retired INTEGER NOT NULL DEFAULT 0,
  suspected INTEGER NOT NULL DEFAULT 0,
  fixed_step TEXT,
  status TEXT NOT NULL,
  step INTEGER NOT NULL,
  last_step INTEGER NOT NULL
) STRICT;
CREATE INDEX mistake_cell ON mistake (domain, level);
CREATE INDEX mistake_quality ON mistake (domain, signature, quality, support, id);

CREATE TABLE cell (
  domain TEXT NOT NULL,
  signature TEXT NOT NULL,
  size INTEGER NOT NULL,
  PRIMARY KEY (domain, signature)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER mistake_admitted AFTER INSERT ON mistake BEGIN
  INSERT INTO cell (domain, signature, size) VALUES (new.domain, new.signature, 1)
  ON CONFLICT DO UPDATE SET size = size + 1;
END;
CREATE TRIGGER mistake_deleted AFTER DELETE ON mistake BEGIN
  UPDATE cell SET size = size - 1 WHERE domain = old.domain AND signature = old.signature;
  DELETE FROM cell WHERE size = 0;
END;

CREATE TABLE cluster (
  id INTEGER PRIMARY KEY,
  domain TEXT NOT NULL,
  family TEXT NOT NULL,
  centroid BLOB NOT NULL,
  size INTEGER NOT NULL
) STRICT;
CREATE INDEX cluster_family ON cluster (domain, family);

CREATE TABLE mistake_source (
  mistake INTEGER NOT NULL REFERENCES mistake ON DELETE CASCADE,
  source TEXT NOT NULL,
  signature TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (mistake, source, signature)
) STRICT, WITHOUT ROWID;

CREATE TABLE trace (
  id INTEGER PRIMARY KEY,
  mistake INTEGER NOT NULL REFERENCES mistake ON DELETE CASCADE,
  digest BLOB NOT NULL,
  domain TEXT NOT NULL,
  level TEXT NOT NULL,
  task TEXT NOT NULL,
  signature TEXT NOT NULL,
  source TEXT NOT NULL,
  answer TEXT NOT NULL,
  same_answers INTEGER NOT NULL,
  count INTEGER NOT NULL,
  step INTEGER NOT NULL,
  steps TEXT NOT NULL,
  UNIQUE (mistake, source, digest)
) STRICT;
CREATE INDEX trace_signature ON trace (domain, signature, step);

CREATE TABLE answer (
  domain TEXT NOT NULL,
  task TEXT NOT NULL,
  answer TEXT NOT NULL,
  mistake INTEGER NOT NULL REFERENCES mistake ON DELETE CASCADE,
  source TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (domain, task, answer, mistake, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_mistake ON answer (mistake);

CREATE TABLE outcome (
  domain TEXT NOT NULL,
  task TEXT NOT NULL,
  source TEXT NOT NULL,
  digest BLOB NOT NULL,
  occurrence INTEGER NOT NULL,
  correct INTEGER NOT NULL,
  answer TEXT NOT NULL,
  outputs TEXT NOT NULL,
  signature TEXT NOT NULL,
  put INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (domain, task, source, digest, occurrence)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcome_source ON outcome (domain, source);

CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  mistake INTEGER NOT NULL REFERENCES mistake ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('verdict', 'revoke')),
  author TEXT,
  verdict TEXT,
  note TEXT,
  fix TEXT,
  revokes INTEGER REFERENCES event ON DELETE CASCADE
) STRICT;
CREATE INDEX event_mistake ON event (mistake);
CREATE INDEX event_revokes ON event (revokes);
CREATE TRIGGER event_append_only BEFORE UPDATE ON event
BEGIN SELECT raise(ABORT, 'events are append-only'); END;
`;
