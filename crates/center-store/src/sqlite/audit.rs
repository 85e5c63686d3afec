//! The audit log: appended to by commits, read in order.

use center::audit::Entry;
use center::things::handle::to_millis;
use rusqlite::types::Type;
use rusqlite::{Connection, params};

use crate::store::Logged;

/// Appends an entry and says where.
pub(super) fn append(connection: &Connection, entry: &Entry) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("INSERT INTO audit (at, workflow, record) VALUES (?1, ?2, ?3)")?
        .execute(params![to_millis(entry.at), entry.workflow, entry.record.to_string()])?;
    Ok(connection.last_insert_rowid())
}

/// The position of the last entry; 0 where there is none.
pub(super) fn last_position(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(position), 0) FROM audit", [], |row| row.get(0))
}

/// Entries after a position.
pub(super) fn after(connection: &Connection, position: i64, limit: usize) -> rusqlite::Result<Vec<Logged>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached("SELECT position, record FROM audit WHERE position > ?1 ORDER BY position LIMIT ?2")?
        .query_map(params![position, limit], |row| {
            let text: String = row.get(1)?;
            let record = serde_json::from_str(&text)
                .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error)))?;
            Ok(Logged { position: row.get(0)?, record })
        })?
        .collect()
}
