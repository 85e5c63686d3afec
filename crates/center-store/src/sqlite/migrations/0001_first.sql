-- Handles begin with the time at which their code or token was made, so new rows go to the end of a table and its tree
-- stays small in the cache. Moments are milliseconds since 1970.

CREATE TABLE device_grants (
  handle       BLOB    NOT NULL PRIMARY KEY,
  user_code    TEXT    NOT NULL UNIQUE,
  client       BLOB    NOT NULL,
  client_name  TEXT    NOT NULL,
  scopes       INTEGER NOT NULL,
  workflow     TEXT    NOT NULL,
  started_from TEXT    NOT NULL,
  expires_at   INTEGER NOT NULL,
  state        TEXT    NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'redeemed')),
  -- Who decided; must stand there once somebody has.
  person       TEXT    CHECK (person IS NOT NULL OR state IN ('pending', 'redeemed'))
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id       TEXT    NOT NULL PRIMARY KEY,
  person   TEXT    NOT NULL,
  client   BLOB    NOT NULL,
  scopes   INTEGER NOT NULL,
  workflow TEXT    NOT NULL,
  began_at INTEGER NOT NULL,
  ends_at  INTEGER NOT NULL,
  ended_at INTEGER
) STRICT, WITHOUT ROWID;

-- For forgetting.
CREATE INDEX sessions_by_end ON sessions (ends_at);

CREATE TABLE access_tokens (
  handle     BLOB    NOT NULL PRIMARY KEY,
  session    TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  presented  INTEGER NOT NULL,
  born_of    BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX access_tokens_by_session ON access_tokens (session);

CREATE TABLE refresh_tokens (
  handle            BLOB    NOT NULL PRIMARY KEY,
  session           TEXT    NOT NULL,
  presented         INTEGER NOT NULL,
  born_of           BLOB,
  -- The use: either all three or none.
  used_at           INTEGER,
  replay_until      INTEGER CHECK ((replay_until IS NULL) = (used_at IS NULL)),
  access_expires_at INTEGER CHECK ((access_expires_at IS NULL) = (used_at IS NULL)),
  -- Encrypted under the token; wiped as soon as it may not be given again.
  kept_reply        BLOB    CHECK (kept_reply IS NULL OR used_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session);

-- For wiping in time.
CREATE INDEX kept_replies ON refresh_tokens (replay_until) WHERE kept_reply IS NOT NULL;

CREATE TABLE audit (
  position INTEGER NOT NULL PRIMARY KEY,
  at       INTEGER NOT NULL,
  workflow TEXT,
  record   TEXT    NOT NULL
) STRICT;
