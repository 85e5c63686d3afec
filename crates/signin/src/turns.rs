//! Turns: who renews a token or fetches a role's credentials, one process at a time. A lock saves work; no result rests on it.
//! Files are replaced whole and read again, and a center forgives a refresh token that two send at once, so whoever cannot
//! have the lock goes on without it.

use std::path::Path;
use std::time::Duration;

use outside::shelf::{self, Unlocked};

use crate::progress::{Progress, Watcher};
use crate::store::Store;

/// How long to wait for another process: longer than one call may take, so that only one that is stopped, or that hangs on its
/// disk, is not waited for to its end.
const PATIENCE: Duration = Duration::from_secs(15);
/// The portal answers 20 requests a second to a whole organisation, and one person may run a hundred processes.
const FETCHES_AT_ONCE: usize = 10;

/// What came of waiting for a lock.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Nobody else works on it until this is dropped.
    Mine {
        /// Held.
        _lock: shelf::Lock,
    },
    /// Somebody else still held it after [`PATIENCE`], or its file system had not said by then whether somebody does.
    HeldByAnother(Unlocked),
    /// There are no locks: the file system knows none, is read-only, or is full.
    NoLocks(Unlocked),
}

impl Turn {
    /// Waits for the lock of the file at `path`.
    pub(crate) fn wait(path: &Path, store: &Store) -> Self {
        match shelf::lock_for(path, store.state(), PATIENCE) {
            Ok(_lock) => Self::Mine { _lock },
            Err(unlocked @ (Unlocked::Held { .. } | Unlocked::NoAnswer { .. })) => {
                Self::HeldByAnother(unlocked)
            }
            Err(unlocked @ Unlocked::Unavailable { .. }) => Self::NoLocks(unlocked),
        }
    }

    /// Tells that it goes on without the lock, if it does.
    pub(crate) fn tell(&self, what: &'static str, watcher: &mut dyn Watcher) {
        if let Self::HeldByAnother(unlocked) | Self::NoLocks(unlocked) = self {
            let (path, why) = (unlocked.path().to_owned(), unlocked.to_string());
            watcher.told(Progress::NotLocked { what, path, why });
        }
    }
}

/// Waits until fewer than ten processes of this person fetch credentials. Nothing where that cannot be told, or not in time:
/// the portal says itself when it has enough.
pub(crate) fn fetching(store: &Store) -> Option<shelf::Lock> {
    let slots = store.fetch_slots(FETCHES_AT_ONCE)?;
    shelf::lock_any(&slots, PATIENCE).ok()
}
