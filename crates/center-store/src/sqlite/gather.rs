//! Facts for the rules. Each gather is one statement, so that it sees one moment.

use center::things::browser_session::BrowserSession;
use center::things::client::Scopes;
use center::things::code_grant::CodeGrant;
use center::things::device_grant::{DeviceGrant, State};
use center::things::handle::{ClientHash, Handle, from_millis, to_millis};
use center::things::session::{AccessToken, RefreshToken, Session, UsedRefreshToken};
use center::{housekeeping, portal, token_by_refresh};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(super) const PENDING: &str = "pending";
pub(super) const APPROVED: &str = "approved";
pub(super) const DENIED: &str = "denied";
pub(super) const REDEEMED: &str = "redeemed";

/// How many replies are wiped in one go, so that a clock that leapt does not fill the memory.
const MOST_REPLIES: i64 = 10_000;

pub(super) fn device_grant_by_user_code(
    connection: &Connection,
    user_code: &str,
) -> rusqlite::Result<Option<DeviceGrant>> {
    connection
        .prepare_cached("SELECT * FROM device_grants WHERE user_code = ?1")?
        .query_row(params![user_code], grant)
        .optional()
}

pub(super) fn device_grant(
    connection: &Connection,
    device_code: &Handle,
) -> rusqlite::Result<Option<DeviceGrant>> {
    connection
        .prepare_cached("SELECT * FROM device_grants WHERE handle = ?1")?
        .query_row(params![device_code.as_bytes()], grant)
        .optional()
}

pub(super) fn code_grant(connection: &Connection, code: &Handle) -> rusqlite::Result<Option<CodeGrant>> {
    connection
        .prepare_cached("SELECT * FROM code_grants WHERE handle = ?1")?
        .query_row(params![code.as_bytes()], |row| {
            Ok(CodeGrant {
                handle: code.clone(),
                client: ClientHash::from_bytes(row.get("client")?),
                redirect_uri: row.get("redirect_uri")?,
                challenge: row.get("challenge")?,
                scopes: Scopes::from_bits(row.get("scopes")?),
                workflow: row.get("workflow")?,
                person: row.get("person")?,
                approved_from: row.get("approved_from")?,
                expires_at: moment(row, "expires_at")?,
                session: row.get("session")?,
            })
        })
        .optional()
}

pub(super) fn browser_session(
    connection: &Connection,
    cookie: &Handle,
) -> rusqlite::Result<Option<BrowserSession>> {
    connection
        .prepare_cached("SELECT * FROM browser_sessions WHERE handle = ?1")?
        .query_row(params![cookie.as_bytes()], |row| {
            Ok(BrowserSession {
                handle: cookie.clone(),
                person: row.get("person")?,
                password_mark: row.get("password_mark")?,
                began_at: moment(row, "began_at")?,
                seen_at: moment(row, "seen_at")?,
                ends_at: moment(row, "ends_at")?,
            })
        })
        .optional()
}

pub(super) fn token_by_refresh(
    connection: &Connection,
    refresh_token: &Handle,
) -> rusqlite::Result<token_by_refresh::Facts> {
    let facts = connection
        .prepare_cached(
            "SELECT t.session, t.presented, t.born_of,
                    t.used_at, t.replay_until, t.access_expires_at, t.kept_reply,
                    s.person, s.client, s.scopes, s.workflow, s.began_at, s.ends_at, s.ended_at, s.password_mark,
                    p.used_at AS parent_used_at, p.replay_until AS parent_replay_until,
                    p.access_expires_at AS parent_access_expires_at, p.kept_reply AS parent_kept_reply
             FROM refresh_tokens t
             LEFT JOIN sessions s ON s.id = t.session
             LEFT JOIN refresh_tokens p ON p.handle = t.born_of
             WHERE t.handle = ?1",
        )?
        .query_row(params![refresh_token.as_bytes()], |row| {
            let token = RefreshToken {
                handle: refresh_token.clone(),
                session: row.get("session")?,
                presented: row.get("presented")?,
                born_of: handle(row, "born_of")?,
                used: used(row, "")?,
            };
            Ok(token_by_refresh::Facts {
                session: session(row, &token.session)?,
                token: Some(token),
                parent: used(row, "parent_")?,
            })
        })
        .optional()?;
    Ok(facts.unwrap_or_default())
}

pub(super) fn portal(connection: &Connection, access_token: &Handle) -> rusqlite::Result<portal::Facts> {
    let facts = connection
        .prepare_cached(
            "SELECT t.session, t.expires_at, t.presented, t.born_of,
                    s.person, s.client, s.scopes, s.workflow, s.began_at, s.ends_at, s.ended_at, s.password_mark,
                    p.used_at AS parent_used_at, p.replay_until AS parent_replay_until,
                    p.access_expires_at AS parent_access_expires_at, p.kept_reply AS parent_kept_reply
             FROM access_tokens t
             LEFT JOIN sessions s ON s.id = t.session
             LEFT JOIN refresh_tokens p ON p.handle = t.born_of
             WHERE t.handle = ?1",
        )?
        .query_row(params![access_token.as_bytes()], |row| {
            let access = AccessToken {
                handle: access_token.clone(),
                session: row.get("session")?,
                expires_at: moment(row, "expires_at")?,
                presented: row.get("presented")?,
                born_of: handle(row, "born_of")?,
            };
            Ok(portal::Facts {
                query_is_faulty: false,
                session: session(row, &access.session)?,
                access: Some(access),
                parent: used(row, "parent_")?,
            })
        })
        .optional()?;
    Ok(facts.unwrap_or_default())
}

pub(super) fn housekeeping(connection: &Connection, now: Timestamp) -> rusqlite::Result<housekeeping::Facts> {
    let replies_over = connection
        .prepare_cached(
            "SELECT handle FROM refresh_tokens
             WHERE kept_reply IS NOT NULL AND replay_until <= ?1 ORDER BY replay_until LIMIT ?2",
        )?
        .query_map(params![to_millis(now), MOST_REPLIES], |row| Ok(Handle::from_bytes(row.get(0)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(housekeeping::Facts { replies_over })
}

fn grant(row: &Row<'_>) -> rusqlite::Result<DeviceGrant> {
    let state: String = row.get("state")?;
    let state = match state.as_str() {
        PENDING => State::Pending,
        APPROVED => State::Approved { person: row.get("person")? },
        DENIED => State::Denied { person: row.get("person")? },
        REDEEMED => State::Redeemed,
        _ => {
            let column = row.as_ref().column_index("state")?;
            return Err(rusqlite::Error::InvalidColumnType(column, "state".to_owned(), Type::Text));
        }
    };
    Ok(DeviceGrant {
        handle: Handle::from_bytes(row.get("handle")?),
        user_code: row.get("user_code")?,
        client: ClientHash::from_bytes(row.get("client")?),
        client_name: row.get("client_name")?,
        scopes: Scopes::from_bits(row.get("scopes")?),
        workflow: row.get("workflow")?,
        started_from: row.get("started_from")?,
        user_agent: row.get("user_agent")?,
        expires_at: moment(row, "expires_at")?,
        state,
    })
}

/// The joined session; nothing where it is forgotten.
fn session(row: &Row<'_>, id: &str) -> rusqlite::Result<Option<Session>> {
    let Some(person) = row.get("person")? else { return Ok(None) };
    Ok(Some(Session {
        id: id.to_owned(),
        person,
        client: ClientHash::from_bytes(row.get("client")?),
        scopes: Scopes::from_bits(row.get("scopes")?),
        workflow: row.get("workflow")?,
        began_at: moment(row, "began_at")?,
        ends_at: moment(row, "ends_at")?,
        ended_at: row.get::<_, Option<i64>>("ended_at")?.map(from_millis),
        password_mark: row.get("password_mark")?,
    }))
}

/// The use of a refresh token, from columns whose names begin with `prefix`.
fn used(row: &Row<'_>, prefix: &str) -> rusqlite::Result<Option<UsedRefreshToken>> {
    let column = |name: &str| format!("{prefix}{name}");
    let Some(at) = row.get::<_, Option<i64>>(column("used_at").as_str())? else { return Ok(None) };
    Ok(Some(UsedRefreshToken {
        at: from_millis(at),
        replay_until: moment(row, &column("replay_until"))?,
        access_expires_at: moment(row, &column("access_expires_at"))?,
        kept_reply: row.get(column("kept_reply").as_str())?,
    }))
}

fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(from_millis)
}

fn handle(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Handle>> {
    Ok(row.get::<_, Option<Vec<u8>>>(column)?.map(Handle::from_bytes))
}
