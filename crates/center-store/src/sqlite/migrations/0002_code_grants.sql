-- A person has decided before there is a code, so each row knows who.

CREATE TABLE code_grants (
  handle       BLOB    NOT NULL PRIMARY KEY,
  client       BLOB    NOT NULL,
  -- Where the code was sent, with the very port.
  redirect_uri TEXT    NOT NULL,
  challenge    TEXT    NOT NULL,
  scopes       INTEGER NOT NULL,
  workflow     TEXT    NOT NULL,
  person       TEXT    NOT NULL,
  expires_at   INTEGER NOT NULL,
  -- What the code gave, once it was exchanged.
  session      TEXT
) STRICT, WITHOUT ROWID;
