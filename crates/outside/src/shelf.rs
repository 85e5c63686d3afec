//! The shelf on which tokens and credentials lie: files that another process may read or replace at any moment, and
//! that a crash must leave whole. Written beside, 0600, synced, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::files::{self, OwnedText};

mod edit;
mod held;
mod reserve;
pub use edit::{EditFileError, Edited, Unlocked, edit, may_edit};
pub use held::{Beat, Held, Presence, hold};
pub use reserve::{Reservation, check_replaceable, reserve};

/// Replaces the file at `path` by `bytes` in one step: readers see the old or the new text, never a half. The new file
/// is 0600, missing folders are made 0700, and a symbolic link is followed, not replaced.
///
/// # Errors
/// Whatever the system says; then the old file is untouched and nothing new is left beside it.
pub fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = followed(path);
    Beside::write(&path, bytes, None)?.replace(&path)
}

/// A new file beside the one that it is to replace. It is removed again unless it has done so.
#[derive(Debug)]
struct Beside(PathBuf);

impl Beside {
    /// Writes and syncs it: 0600, or with owner and mode like those of the old file as far as this user may give them.
    fn write(path: &Path, bytes: &[u8], like: Option<&OwnedText>) -> io::Result<Self> {
        let (beside, mut file) = Self::create(path)?;
        file.write_all(bytes)?;
        match like {
            Some(like) => liken(&file, like)?,
            // If root may not give the file away, it stays root's: a cache that its user has to fetch again.
            None => drop(reserve::give_to_owner(&file, path)),
        }
        file.sync_all()?;
        Ok(beside)
    }

    /// Creates it empty, 0600.
    fn create(path: &Path) -> io::Result<(Self, File)> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
        };
        files::make_private_folder(folder)?;
        // A name that nobody else can have: processes in different containers share homes and process numbers.
        let beside = folder.join(format!(".{}.{}.tmp", name.to_string_lossy(), files::random_name()?));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        Ok((Self(beside), file))
    }

    fn replace(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.0, path)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Nothing is there once it has been renamed, and what cannot be removed hurts nobody.
        let _ = files::remove(&self.0);
    }
}

fn liken(file: &File, like: &OwnedText) -> io::Result<()> {
    let own = file.metadata()?;
    let mut mode = like.mode & 0o777;
    if (own.uid(), own.gid()) != (like.owner, like.group)
        && fchown(file, Some(like.owner), Some(like.group)).is_err()
        && fchown(file, None, Some(like.group)).is_err()
    {
        // Its group is another one now, to which nobody gave anything.
        mode &= 0o707;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// The path at the end of symbolic links, also where nothing lies there yet.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // Longer chains are loops; writing through one fails by itself.
    for _ in 0..8 {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target)),
            Err(_) => break,
        }
    }
    path
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Takes the lock file at `path` (made 0600 and never removed), waiting for at most `patience`. Nothing where somebody
/// else holds it to the end of that time.
///
/// # Errors
/// When the file cannot be made, or the file system knows no locks.
pub fn lock(path: &Path, patience: Duration) -> io::Result<Option<Lock>> {
    let file = lock_file(path)?;
    let end = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(Lock { file })),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(10))
            }
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        files::make_private_folder(folder)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Where the lock of a kept file lies.
pub fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn c11_keeps_whole_private_files_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/token.json");
        keep(&path, b"one").unwrap();
        keep(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(files::list(path.parent().unwrap()).unwrap(), [path]);
    }

    #[test]
    fn follows_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        keep(&link, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::remove_file(&real).unwrap();
        keep(&link, b"again").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"again", "where nothing lies at its end, too");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(keep(&path, b"new").is_err());
        assert_eq!(files::list(folder.path()).unwrap(), [path]);
    }

    #[test]
    fn c11_a_lock_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let held = lock(&path, Duration::ZERO).unwrap();
        assert!(held.is_some());
        assert!(lock(&path, Duration::from_millis(30)).unwrap().is_none());
        drop(held);
        assert!(lock(&path, Duration::ZERO).unwrap().is_some());
    }
}
