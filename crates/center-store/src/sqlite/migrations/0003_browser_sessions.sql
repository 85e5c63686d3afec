-- Who is signed in on a page; the cookie holds what its handle is made of.

CREATE TABLE browser_sessions (
  handle        BLOB    NOT NULL PRIMARY KEY,
  person        TEXT    NOT NULL,
  -- A hash of what the seed said of the password when it was given.
  password_mark TEXT    NOT NULL,
  began_at      INTEGER NOT NULL,
  seen_at       INTEGER NOT NULL,
  ends_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE device_grants ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
-- None where no browser was asked.
ALTER TABLE code_grants ADD COLUMN approved_from TEXT;
-- None where the person had no password, or the session is older than this column: then it is not compared.
ALTER TABLE sessions ADD COLUMN password_mark TEXT;
