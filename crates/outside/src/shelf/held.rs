//! Locks that are held for as long as something goes on, by one who leads and by all who take part.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::{Lock, lock_file};

/// A sign of life of whoever holds a lock; it changes with each. By whose clock it was made does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat(SystemTime);

/// Who holds a lock.
#[derive(Debug)]
pub enum Held {
    /// We do, from now on.
    ByUs(Lock),
    /// Somebody else does. Their last sign of life, where the system says it.
    ByAnother(Option<Beat>),
}

/// Takes the lock file at `path` (made 0600 and never removed) if nobody holds it.
///
/// # Errors
/// When the file cannot be made, or the file system knows no locks.
pub fn hold(path: &Path) -> io::Result<Held> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Held::ByUs(Lock { file })),
        Err(TryLockError::WouldBlock) => {
            Ok(Held::ByAnother(file.metadata().and_then(|metadata| metadata.modified()).ok().map(Beat)))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Lock {
    /// Gives a sign of life to those who wait for it. Where the system takes none, they think that we stand still.
    pub fn beat(&self) {
        let _ = self.file.set_modified(SystemTime::now());
    }

    /// The time since the last sign of life, of this process or of one before; `None` if the system does not say.
    pub fn since_beat(&self) -> Option<Duration> {
        let modified = self.file.metadata().and_then(|metadata| metadata.modified()).ok()?;
        SystemTime::now().duration_since(modified).ok()
    }
}

/// One of those who take part. A process that ends takes part no more, however it ends.
#[derive(Debug)]
pub struct Presence {
    file: File,
}

impl Presence {
    /// Takes part by the lock file at `path` (made 0600 and never removed), waiting for at most `patience` while the last one of
    /// before tidies up. Nothing where that takes longer.
    ///
    /// # Errors
    /// When the file cannot be made, or the file system knows no locks.
    pub fn begin(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        let file = lock_file(path)?;
        let end = Instant::now() + patience;
        loop {
            match file.try_lock_shared() {
                Ok(()) => return Ok(Some(Self { file })),
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Ends it, and calls `tidy` if nobody else takes part; whoever comes meanwhile waits for that. Of those who end at the same
    /// time one is the last: each gives up its own part before it looks for others.
    pub fn end(self, tidy: impl FnOnce()) {
        if self.file.try_lock().is_ok() {
            tidy();
        }
    }

    /// Whether nobody else takes part.
    pub fn is_alone(&self) -> bool {
        let is_alone = self.file.try_lock().is_ok();
        // The kernel may have taken our part away for the question, and nobody keeps it from us for long.
        let _ = self.file.lock_shared();
        is_alone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_who_gives_signs_of_life() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/x.lock");
        let Held::ByUs(lock) = hold(&path).unwrap() else { panic!("it is free") };
        let beat = || match hold(&path).unwrap() {
            Held::ByAnother(beat) => beat,
            Held::ByUs(_) => panic!("it is held"),
        };
        let first = beat();
        assert_eq!(first, beat(), "none was given");
        lock.file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let before = beat();
        lock.beat();
        assert_ne!(before, beat());
        assert!(lock.since_beat().unwrap() < Duration::from_secs(60));
        drop(lock);
        assert!(matches!(hold(&path).unwrap(), Held::ByUs(_)));
    }

    #[test]
    fn the_last_one_tidies_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/x.here");
        let begin = || Presence::begin(&path, Duration::ZERO).unwrap().unwrap();
        let (first, second) = (begin(), begin());
        assert!(!first.is_alone() && !second.is_alone());
        first.end(|| panic!("the second is there"));
        assert!(second.is_alone());
        let third = begin();
        assert!(!second.is_alone(), "a question takes no part away");
        drop(third);
        let mut tidied = false;
        second.end(|| {
            tidied = true;
            assert!(Presence::begin(&path, Duration::from_millis(20)).unwrap().is_none(), "who comes waits");
        });
        assert!(tidied);
        assert!(begin().is_alone());
    }
}
