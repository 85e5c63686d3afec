//! Opening a database: private, durable, ours, and up to date.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// `ALDI`, in the header of each of our databases: nobody else's tables are touched.
const APPLICATION_ID: i32 = 0x414c_4449;

/// Each takes a database from the version that is its place in the list to the next one.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_code_grants.sql"),
    include_str!("migrations/0003_browser_sessions.sql"),
];

/// The version that the last of them leads to.
const KNOWN_VERSION: u32 = MIGRATIONS.len() as u32;

/// How long to wait for another process that writes to the same file.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many prepared statements a connection keeps: all that there are.
const STATEMENTS: usize = 64;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder, the file or the writer's thread cannot be made.
    #[error("the database {path} cannot be opened")]
    Io {
        /// The database.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It may be read and not written.
    #[error("the database {path} cannot be written: its file, folder or file system is read-only")]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// Some other file.
    #[error("{path} is not an SQLite database, so it is left alone")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A database of another program.
    #[error("{path} is a database of another program, so it is left alone")]
    NotOurs {
        /// The database.
        path: PathBuf,
    },
    /// Made by a newer center.
    #[error(
        "the database {path} was made by a newer aldis (its version is {found}, this aldis knows up to {known})"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: u32,
    },
    /// What lies there is not what was written.
    #[error("the database {path} is damaged: restore a copy, or move it away to begin anew")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Another process does not let go of it.
    #[error("another process keeps the database {path} locked")]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// Whatever else SQLite says.
    #[error("the database {path} cannot be opened")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// The writer's and the reader's connection to a file.
pub(super) fn file(path: &Path) -> Result<(Connection, Connection), OpenError> {
    make_private(path).map_err(|source| match source.kind() {
        io::ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly { path: path.to_owned() },
        _ => OpenError::Io { path: path.to_owned(), source },
    })?;
    let failed = |source| open_error(path, source);
    let mut writer = connect(path).map_err(failed)?;
    if writer.is_readonly(rusqlite::MAIN_DB).map_err(failed)? {
        return Err(OpenError::ReadOnly { path: path.to_owned() });
    }
    prepare(&mut writer, path)?;
    let reader = connect(path).map_err(failed)?;
    reader.pragma_update(None, "query_only", true).map_err(failed)?;
    Ok((writer, reader))
}

/// The one connection to a database in memory.
pub(super) fn memory() -> Result<Connection, OpenError> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory().map_err(|source| open_error(path, source))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    prepare(&mut connection, path)?;
    Ok(connection)
}

/// Makes what is missing: folders 0700, the file 0600. SQLite gives the files beside it (`-wal`, `-shm`) the same mode. A
/// file that was open to others is closed to them: whoever reads it knows who signed in, and when.
fn make_private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let metadata = fs::metadata(path)?;
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // No SQLITE_OPEN_URI: a path that begins with `file:` is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Looks whose it is before anything is written, then sets it up and brings it up to date.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |source| open_error(path, source);
    let version = check_ours(connection, path)?;
    set_up(connection).map_err(failed)?;
    migrate(connection, version).map_err(failed)?;
    touch_all_tables(connection).map_err(failed)
}

/// The version of a database that is ours or empty.
fn check_ours(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let failed = |source| open_error(path, source);
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    let application = number("application_id").map_err(failed)?;
    let found = number("user_version").map_err(failed)?;
    let is_empty = tables == 0 && application == 0 && found == 0;
    if !is_empty && application != i64::from(APPLICATION_ID) {
        return Err(OpenError::NotOurs { path: path.to_owned() });
    }
    match u32::try_from(found) {
        Ok(version) if version <= KNOWN_VERSION => Ok(version),
        _ => Err(OpenError::Newer { path: path.to_owned(), found, known: KNOWN_VERSION }),
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    // WAL, so that reads go on while a batch is synced; FULL, so that what was answered survives a loss of power; a
    // checkpoint only every 40 MB of log, since it costs more syncs than it saves. What is deleted is overwritten.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 10_000, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "trusted_schema", false)
}

fn migrate(connection: &mut Connection, version: u32) -> rusqlite::Result<()> {
    if version == KNOWN_VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for statements in MIGRATIONS.iter().skip(version as usize) {
        transaction.execute_batch(statements)?;
    }
    if version < KNOWN_VERSION {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", KNOWN_VERSION)?;
    }
    transaction.commit()
}

/// Reads a page of every table: damage there should be known before the first visitor.
fn touch_all_tables(connection: &Connection) -> rusqlite::Result<()> {
    for table in [
        "device_grants",
        "code_grants",
        "browser_sessions",
        "sessions",
        "access_tokens",
        "refresh_tokens",
        "audit",
    ] {
        connection.prepare(&format!("SELECT * FROM {table} LIMIT 1"))?.query([])?.next().map(|_| ())?;
    }
    Ok(())
}

fn open_error(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, source },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => OpenError::ReadOnly { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Busy { path },
        _ => OpenError::Sqlite { path, source },
    }
}
