//! Turns: who renews a token or fetches a role's credentials, one process at a time. A lock saves work; no result rests on it.
//! Files are replaced whole and read again, and a center forgives a refresh token that two send at once, so whoever cannot
//! have the lock goes on without it.

use std::io;
use std::path::Path;
use std::time::Duration;

use outside::shelf;

use crate::progress::{Progress, Watcher};
use crate::store::Store;

/// How long to wait for another process: longer than one call may take, so that only one that is stopped, or that hangs on its
/// disk, is not waited for to its end.
const PATIENCE: Duration = Duration::from_secs(15);
/// The portal answers 20 requests a second to a whole organisation, and one person may run a hundred processes.
const FETCHES_AT_ONCE: usize = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// What came of waiting for a lock.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Nobody else works on it until this is dropped.
    Mine {
        /// Held.
        _lock: shelf::Lock,
    },
    /// Somebody else still held it after [`PATIENCE`].
    HeldByAnother,
    /// There are no locks: the file system knows none, is read-only, or is full.
    NoLocks(io::Error),
}

impl Turn {
    /// Waits for the lock beside the file at `path`.
    pub(crate) fn wait(path: &Path) -> Self {
        match shelf::lock(&shelf::lock_path(path), PATIENCE) {
            Ok(Some(_lock)) => Self::Mine { _lock },
            Ok(None) => Self::HeldByAnother,
            Err(error) => Self::NoLocks(error),
        }
    }

    /// Tells that it goes on without the lock, if it does.
    pub(crate) fn tell(&self, what: &'static str, path: &Path, watcher: &mut dyn Watcher) {
        let why = match self {
            Self::Mine { .. } => return,
            Self::HeldByAnother => {
                format!("another process has held the lock for {} seconds", PATIENCE.as_secs())
            }
            Self::NoLocks(error) => error.to_string(),
        };
        watcher.told(Progress::NotLocked { what, path: shelf::lock_path(path), why });
    }
}

/// Waits until fewer than ten processes of this person fetch credentials. Nothing where that cannot be told, or not in time:
/// the portal says itself when it has enough.
pub(crate) fn fetching(store: &Store) -> Option<shelf::Lock> {
    let slots = store.fetch_slots(FETCHES_AT_ONCE)?;
    for _ in 0..PATIENCE.as_millis() / BETWEEN_TRIES.as_millis() {
        for slot in &slots {
            // Waits at the last one only.
            let patience = if slots.last() == Some(slot) { BETWEEN_TRIES } else { Duration::ZERO };
            match shelf::lock(slot, patience) {
                Ok(None) => {}
                Ok(lock) => return lock,
                Err(_) => return None,
            }
        }
    }
    None
}
