//! Commits verdicts: the writer thread, and the statement behind every change.
//!
//! While one transaction is synced to the disk, more verdicts arrive; the next transaction takes all of them. Each has a
//! savepoint of its own, so that a conflict undoes its own verdict and not its neighbours', and nobody is answered before
//! the sync.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use center::audit::Entry;
use center::changes::Change;
use center::things::browser_session::BrowserSession;
use center::things::code_grant::CodeGrant;
use center::things::device_grant::{DeviceGrant, State};
use center::things::handle::{Handle, to_millis};
use center::things::session::{AccessToken, RefreshToken, Session, UsedRefreshToken};
use jiff::Timestamp;
use rusqlite::{Connection, Params, params};
use tokio::sync::oneshot;

use super::gather::{APPROVED, DENIED, PENDING, REDEEMED};
use super::{audit, lock, store_error};
use crate::store::{CommitError, Committed};

/// How many verdicts one transaction takes at most: far more than wait in practice, few enough to keep the wait short.
const LARGEST_BATCH: usize = 1024;

/// How long nobody may write before what was wiped is taken out of the log, too.
const QUIET: Duration = Duration::from_millis(200);
/// After how many batches in a row it is done without a quiet moment.
const UNQUIET: u32 = 32;
/// How long to wait when nothing is to be done in between.
const FOREVER: Duration = Duration::from_secs(3600);

/// A verdict to store, and where to answer.
pub(super) struct Order {
    pub(super) changes: Vec<Change>,
    pub(super) entries: Vec<Entry>,
    pub(super) reply: oneshot::Sender<Outcome>,
}

type Outcome = Result<Committed, CommitError>;

/// Stores what arrives until nobody is left to send.
pub(super) fn write_all(connection: &Mutex<Connection>, inbox: &Receiver<Order>) {
    // A process that was killed may have left some.
    let mut log_holds_wiped = true;
    let mut batches_since = 0;
    loop {
        let first = match inbox.recv_timeout(if log_holds_wiped { QUIET } else { FOREVER }) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => {
                // Where a reader of another process is in the way, the next quiet moment tries again.
                log_holds_wiped = log_holds_wiped && !empty_log(&lock(connection)).unwrap_or(false);
                batches_since = 0;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut batch = vec![first];
        batch.extend(inbox.try_iter().take(LARGEST_BATCH - 1));
        let outcomes = write(&lock(connection), &batch);
        let holds = |kind: fn(&Change) -> bool| batch.iter().any(|order| order.changes.iter().any(kind));
        log_holds_wiped |= holds(wipes);
        for (order, outcome) in batch.into_iter().zip(outcomes) {
            // Whoever went away meanwhile hears nothing; what was stored stays.
            let _ = order.reply.send(outcome);
        }
        batches_since += 1;
        if log_holds_wiped && batches_since >= UNQUIET {
            // There may never be a quiet moment.
            log_holds_wiped = !empty_log(&lock(connection)).unwrap_or(false);
            batches_since = 0;
        }
    }
}

fn wipes(change: &Change) -> bool {
    matches!(change, Change::WipeKeptReply { .. } | Change::EndSession { .. })
}

/// Moves all of the write-ahead log into the database and empties it: until then it holds older versions of rows, with
/// what was wiped from them. Done in the first quiet moment after a wipe. Says whether it could.
fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0).map(|busy: bool| !busy))
}

fn write(connection: &Connection, batch: &[Order]) -> Vec<Outcome> {
    match in_one_transaction(connection, batch) {
        Ok(outcomes) => outcomes,
        Err(error) => {
            if !connection.is_autocommit() {
                // When even this fails, the next BEGIN says so to the next callers.
                let _ = connection.execute_batch("ROLLBACK");
            }
            let error = store_error(&error);
            batch.iter().map(|_| Err(error.clone().into())).collect()
        }
    }
}

fn in_one_transaction(connection: &Connection, batch: &[Order]) -> rusqlite::Result<Vec<Outcome>> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    run(connection, "BEGIN IMMEDIATE", [])?;
    let mut last_audit_position = audit::last_position(connection)?;
    let mut outcomes = Vec::with_capacity(batch.len());
    for order in batch {
        run(connection, "SAVEPOINT verdict", [])?;
        let outcome = match store(connection, order) {
            Ok(position) => {
                last_audit_position = position.unwrap_or(last_audit_position);
                Ok(Committed { last_audit_position })
            }
            // SQLite gave up the whole transaction (full disk, damage): nothing of this batch is stored.
            Err(Trouble::Sql(error)) if connection.is_autocommit() => return Err(error),
            Err(trouble) => {
                run(connection, "ROLLBACK TO verdict", [])?;
                Err(trouble.into())
            }
        };
        run(connection, "RELEASE verdict", [])?;
        outcomes.push(outcome);
    }
    run(connection, "COMMIT", [])?;
    Ok(outcomes)
}

/// Why one verdict is not stored.
enum Trouble {
    Conflict,
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
        match error.sqlite_error().map(|error| error.extended_code) {
            Some(SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE) => Self::Conflict,
            _ => Self::Sql(error),
        }
    }
}

impl From<Trouble> for CommitError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Conflict => Self::Conflict,
            Trouble::Sql(error) => Self::Failed(store_error(&error)),
        }
    }
}

/// Makes all changes and logs all entries; the position of the last one, if there is one.
fn store(connection: &Connection, order: &Order) -> Result<Option<i64>, Trouble> {
    for change in &order.changes {
        make(connection, change)?;
    }
    let mut position = None;
    for entry in &order.entries {
        position = Some(audit::append(connection, entry)?);
    }
    Ok(position)
}

fn make(connection: &Connection, change: &Change) -> Result<(), Trouble> {
    match change {
        Change::AddDeviceGrant(grant) => add_device_grant(connection, grant)?,
        Change::ApproveDeviceGrant { handle, person } => decide(connection, handle, APPROVED, person)?,
        Change::DenyDeviceGrant { handle, person } => decide(connection, handle, DENIED, person)?,
        Change::RedeemDeviceGrant { handle } => expect_one(run(
            connection,
            "UPDATE device_grants SET state = ?2 WHERE handle = ?1 AND state = ?3",
            params![handle.as_bytes(), REDEEMED, APPROVED],
        )?)?,
        Change::AddCodeGrant(grant) => add_code_grant(connection, grant)?,
        Change::RedeemCodeGrant { handle, session } => expect_one(run(
            connection,
            "UPDATE code_grants SET session = ?2 WHERE handle = ?1 AND session IS NULL",
            params![handle.as_bytes(), session],
        )?)?,
        Change::AddBrowserSession(session) => add_browser_session(connection, session)?,
        Change::NoteBrowserSeen { handle, at } => expect_nothing(run(
            connection,
            "UPDATE browser_sessions SET seen_at = ?2 WHERE handle = ?1 AND seen_at < ?2",
            params![handle.as_bytes(), to_millis(*at)],
        )?),
        Change::EndBrowserSession { handle } => expect_nothing(run(
            connection,
            "DELETE FROM browser_sessions WHERE handle = ?1",
            params![handle.as_bytes()],
        )?),
        Change::AddSession(session) => add_session(connection, session)?,
        Change::AddAccessToken(token) => add_access_token(connection, token)?,
        Change::AddRefreshToken(token) => add_refresh_token(connection, token)?,
        Change::NoteAccessPresented { handle } => expect_nothing(run(
            connection,
            "UPDATE access_tokens SET presented = 1 WHERE handle = ?1",
            params![handle.as_bytes()],
        )?),
        Change::NoteRefreshPresented { handle } => expect_nothing(run(
            connection,
            "UPDATE refresh_tokens SET presented = 1 WHERE handle = ?1",
            params![handle.as_bytes()],
        )?),
        Change::UseRefreshToken { handle, used } => use_refresh_token(connection, handle, used)?,
        Change::LimitReplay { handle, until } => expect_nothing(run(
            connection,
            "UPDATE refresh_tokens SET replay_until = ?2 WHERE handle = ?1 AND replay_until > ?2",
            params![handle.as_bytes(), to_millis(*until)],
        )?),
        Change::WipeKeptReply { handle } => expect_nothing(run(
            connection,
            "UPDATE refresh_tokens SET kept_reply = NULL WHERE handle = ?1",
            params![handle.as_bytes()],
        )?),
        Change::EndSession { id, at } => end_session(connection, id, *at)?,
        Change::ForgetDeviceGrants { before } => forget_before(
            connection,
            "DELETE FROM device_grants WHERE handle < ?1 AND expires_at < ?2",
            *before,
        )?,
        Change::ForgetCodeGrants { before } => forget_before(
            connection,
            "DELETE FROM code_grants WHERE handle < ?1 AND expires_at < ?2",
            *before,
        )?,
        Change::ForgetBrowserSessions { before } => forget_before(
            connection,
            "DELETE FROM browser_sessions WHERE handle < ?1 AND ends_at < ?2",
            *before,
        )?,
        Change::ForgetSessions { before } => forget_sessions(connection, *before)?,
    }
    Ok(())
}

fn add_device_grant(connection: &Connection, grant: &DeviceGrant) -> Result<(), Trouble> {
    let (state, person) = match &grant.state {
        State::Pending => (PENDING, None),
        State::Approved { person } => (APPROVED, Some(person)),
        State::Denied { person } => (DENIED, Some(person)),
        State::Redeemed => (REDEEMED, None),
    };
    expect_one(run(
        connection,
        "INSERT INTO device_grants
           (handle, user_code, client, client_name, scopes, workflow, started_from, user_agent, expires_at, state, person)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            grant.handle.as_bytes(),
            grant.user_code,
            grant.client.as_bytes(),
            grant.client_name,
            grant.scopes.to_bits(),
            grant.workflow,
            grant.started_from,
            grant.user_agent,
            to_millis(grant.expires_at),
            state,
            person,
        ],
    )?)
}

fn decide(connection: &Connection, handle: &Handle, state: &str, person: &str) -> Result<(), Trouble> {
    expect_one(run(
        connection,
        "UPDATE device_grants SET state = ?2, person = ?3 WHERE handle = ?1 AND state = ?4",
        params![handle.as_bytes(), state, person, PENDING],
    )?)
}

fn add_code_grant(connection: &Connection, grant: &CodeGrant) -> Result<(), Trouble> {
    expect_one(run(
        connection,
        "INSERT INTO code_grants
           (handle, client, redirect_uri, challenge, scopes, workflow, person, approved_from, expires_at, session)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            grant.handle.as_bytes(),
            grant.client.as_bytes(),
            grant.redirect_uri,
            grant.challenge,
            grant.scopes.to_bits(),
            grant.workflow,
            grant.person,
            grant.approved_from,
            to_millis(grant.expires_at),
            grant.session,
        ],
    )?)
}

fn add_browser_session(connection: &Connection, session: &BrowserSession) -> Result<(), Trouble> {
    expect_one(run(
        connection,
        "INSERT INTO browser_sessions (handle, person, password_mark, began_at, seen_at, ends_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            session.handle.as_bytes(),
            session.person,
            session.password_mark,
            to_millis(session.began_at),
            to_millis(session.seen_at),
            to_millis(session.ends_at),
        ],
    )?)
}

fn add_session(connection: &Connection, session: &Session) -> Result<(), Trouble> {
    expect_one(run(
        connection,
        "INSERT INTO sessions (id, person, client, scopes, workflow, began_at, ends_at, ended_at, password_mark)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            session.id,
            session.person,
            session.client.as_bytes(),
            session.scopes.to_bits(),
            session.workflow,
            to_millis(session.began_at),
            to_millis(session.ends_at),
            session.ended_at.map(to_millis),
            session.password_mark,
        ],
    )?)
}

fn add_access_token(connection: &Connection, token: &AccessToken) -> Result<(), Trouble> {
    expect_one(run(
        connection,
        "INSERT INTO access_tokens (handle, session, expires_at, presented, born_of) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            token.handle.as_bytes(),
            token.session,
            to_millis(token.expires_at),
            token.presented,
            token.born_of.as_ref().map(Handle::as_bytes),
        ],
    )?)
}

fn add_refresh_token(connection: &Connection, token: &RefreshToken) -> Result<(), Trouble> {
    let used = token.used.as_ref();
    expect_one(run(
        connection,
        "INSERT INTO refresh_tokens
           (handle, session, presented, born_of, used_at, replay_until, access_expires_at, kept_reply)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            token.handle.as_bytes(),
            token.session,
            token.presented,
            token.born_of.as_ref().map(Handle::as_bytes),
            used.map(|used| to_millis(used.at)),
            used.map(|used| to_millis(used.replay_until)),
            used.map(|used| to_millis(used.access_expires_at)),
            used.and_then(|used| used.kept_reply.as_deref()),
        ],
    )?)
}

/// The answer is kept only while the session is open: one that ended a moment ago must keep none.
fn use_refresh_token(
    connection: &Connection,
    handle: &Handle,
    used: &UsedRefreshToken,
) -> Result<(), Trouble> {
    expect_one(run(
        connection,
        "UPDATE refresh_tokens SET presented = 1, used_at = ?2, replay_until = ?3, access_expires_at = ?4,
           kept_reply = iif((SELECT ended_at FROM sessions WHERE id = session) IS NULL, ?5, NULL)
         WHERE handle = ?1 AND used_at IS NULL",
        params![
            handle.as_bytes(),
            to_millis(used.at),
            to_millis(used.replay_until),
            to_millis(used.access_expires_at),
            used.kept_reply,
        ],
    )?)
}

fn end_session(connection: &Connection, id: &str, at: Timestamp) -> Result<(), Trouble> {
    run(
        connection,
        "UPDATE sessions SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL",
        params![id, to_millis(at)],
    )?;
    run(
        connection,
        "UPDATE refresh_tokens SET kept_reply = NULL WHERE session = ?1 AND kept_reply IS NOT NULL",
        params![id],
    )?;
    Ok(())
}

/// A code or cookie is made before it ends, and its handle begins with that time, so only the front of the table is looked at.
fn forget_before(connection: &Connection, statement: &str, before: Timestamp) -> Result<(), Trouble> {
    let before = to_millis(before);
    let first_handle_after = &u64::try_from(before).unwrap_or_default().to_be_bytes()[2..];
    run(connection, statement, params![first_handle_after, before])?;
    Ok(())
}

fn forget_sessions(connection: &Connection, before: Timestamp) -> Result<(), Trouble> {
    for statement in [
        "DELETE FROM access_tokens WHERE session IN (SELECT id FROM sessions WHERE ends_at < ?1)",
        "DELETE FROM refresh_tokens WHERE session IN (SELECT id FROM sessions WHERE ends_at < ?1)",
        "DELETE FROM sessions WHERE ends_at < ?1",
    ] {
        run(connection, statement, params![to_millis(before)])?;
    }
    Ok(())
}

fn run(connection: &Connection, statement: &str, parameters: impl Params) -> rusqlite::Result<usize> {
    connection.prepare_cached(statement)?.execute(parameters)
}

fn expect_one(rows: usize) -> Result<(), Trouble> {
    if rows == 1 { Ok(()) } else { Err(Trouble::Conflict) }
}

fn expect_nothing(_rows: usize) {}
