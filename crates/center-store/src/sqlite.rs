//! SQLite, in a file or in memory: one writer thread, reads inline, one sync for as many verdicts as wait at that moment.

mod audit;
mod commit;
mod gather;
mod open;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use center::audit::Entry;
use center::changes::Change;
use center::things::browser_session::BrowserSession;
use center::things::code_grant::CodeGrant;
use center::things::device_grant::DeviceGrant;
use center::things::handle::Handle;
use center::{housekeeping, portal, token_by_refresh};
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use crate::store::{CommitError, Committed, Logged, Store, StoreError};
use commit::Order;
pub use open::OpenError;

/// A store in SQLite. When dropped it writes what it was handed, and closes.
#[derive(Debug)]
pub struct Sqlite {
    reader: Arc<Mutex<Connection>>,
    /// Taken away to end the writer.
    orders: Option<Sender<Order>>,
    writer: Option<JoinHandle<()>>,
}

impl Sqlite {
    /// Opens the database at `path`, or makes it: 0600, and 0700 the folders that are missing. Brings one from an older
    /// version up to date.
    ///
    /// # Errors
    /// When it cannot be made, read or written, or is not ours to read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let (writer, reader) = open::file(path)?;
        Self::start(Arc::new(Mutex::new(writer)), Arc::new(Mutex::new(reader)), path)
    }

    /// A database that ends with this value: the same tables and statements, on no disk.
    ///
    /// # Errors
    /// Hardly ever: without memory or threads.
    pub fn in_memory() -> Result<Self, OpenError> {
        // A database in memory belongs to its connection, so reader and writer take turns on one.
        let one = Arc::new(Mutex::new(open::memory()?));
        Self::start(one.clone(), one, Path::new(":memory:"))
    }

    fn start(
        writer: Arc<Mutex<Connection>>,
        reader: Arc<Mutex<Connection>>,
        path: &Path,
    ) -> Result<Self, OpenError> {
        let (orders, inbox): (Sender<Order>, Receiver<Order>) = channel();
        let writer = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || commit::write_all(&writer, &inbox))
            .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        Ok(Self { reader, orders: Some(orders), writer: Some(writer) })
    }

    /// Reads on the calling thread: a point read takes microseconds, less than handing it over would.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        read(&lock(&self.reader)).map_err(|error| store_error(&error))
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has answered nobody, so nobody believes anything that is lost.
            let _ = writer.join();
        }
    }
}

impl Store for Sqlite {
    async fn gather_device_decide(&self, user_code: &str) -> Result<Option<DeviceGrant>, StoreError> {
        self.read(|connection| gather::device_grant_by_user_code(connection, user_code))
    }

    async fn gather_token_by_device_code(
        &self,
        device_code: &Handle,
    ) -> Result<Option<DeviceGrant>, StoreError> {
        self.read(|connection| gather::device_grant(connection, device_code))
    }

    async fn gather_token_by_code(&self, code: &Handle) -> Result<Option<CodeGrant>, StoreError> {
        self.read(|connection| gather::code_grant(connection, code))
    }

    async fn gather_browser_session(&self, cookie: &Handle) -> Result<Option<BrowserSession>, StoreError> {
        self.read(|connection| gather::browser_session(connection, cookie))
    }

    async fn gather_token_by_refresh(
        &self,
        refresh_token: &Handle,
    ) -> Result<token_by_refresh::Facts, StoreError> {
        self.read(|connection| gather::token_by_refresh(connection, refresh_token))
    }

    async fn gather_portal(&self, access_token: &Handle) -> Result<portal::Facts, StoreError> {
        self.read(|connection| gather::portal(connection, access_token))
    }

    async fn gather_housekeeping(&self, now: Timestamp) -> Result<housekeeping::Facts, StoreError> {
        self.read(|connection| gather::housekeeping(connection, now))
    }

    async fn commit(&self, changes: Vec<Change>, entries: Vec<Entry>) -> Result<Committed, CommitError> {
        let (reply, answer) = oneshot::channel();
        let orders = self.orders.as_ref().ok_or(StoreError::Closed)?;
        orders.send(Order { changes, entries, reply }).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn audit_after(&self, position: i64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.read(|connection| audit::after(connection, position, limit))
    }
}

/// Whoever panicked with the connection in hand left a transaction at worst, and the next one begins by ending it.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn store_error(error: &rusqlite::Error) -> StoreError {
    let words = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(words),
        Some(ErrorCode::DiskFull) => StoreError::Full(words),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly(words),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy(words),
        Some(_) => StoreError::Failed(words),
        // Not the database's own error: a value in a row that cannot be what we wrote.
        None => StoreError::Damaged(words),
    }
}
