//! Locks that are held for as long as something goes on, by one who leads and by all who take part.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::lock::{Lock, answered, answered_within, open};

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
/// When the file cannot be made, the file system knows no locks, or it does not answer.
pub fn hold(path: &Path) -> io::Result<Held> {
    let path = path.to_owned();
    answered(move || {
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Held::ByUs(Lock::new(file))),
            Err(TryLockError::WouldBlock) => {
                Ok(Held::ByAnother(file.metadata().and_then(|metadata| metadata.modified()).ok().map(Beat)))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    })
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
    /// When the file cannot be made, the file system knows no locks, or it does not answer.
    pub fn begin(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        let path = path.to_owned();
        answered_within(patience, move || {
            let file = open(&path)?;
            let end = Instant::now() + patience;
            loop {
                match file.try_lock_shared() {
                    Ok(()) => return Ok(Some(Self { file })),
                    Err(TryLockError::WouldBlock) if Instant::now() < end => {
                        thread::sleep(Duration::from_millis(5));
                    }
                    Err(TryLockError::WouldBlock) => return Ok(None),
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
        })
    }

    /// Ends it, and calls `tidy` if nobody else takes part; whoever comes meanwhile waits for that. Of those who end at the same
    /// time one is the last: each gives up its own part before it looks for others.
    pub fn end(self, tidy: impl FnOnce()) {
        if self.alone(false) {
            tidy();
        }
    }

    /// Whether nobody else takes part.
    pub fn is_alone(&self) -> bool {
        self.alone(true)
    }

    /// The same; then this one takes part again if it `stays`. A file system that does not answer counts as others.
    fn alone(&self, stays: bool) -> bool {
        let file = self.file.try_clone();
        let asked = answered(move || {
            let file = file?;
            let is_alone = file.try_lock().is_ok();
            if stays {
                // The kernel may have taken our part away for the question, and nobody keeps it from us for long.
                let _ = file.lock_shared();
            }
            Ok(is_alone)
        });
        asked.unwrap_or(false)
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
        lock.file().set_modified(SystemTime::UNIX_EPOCH).unwrap();
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
