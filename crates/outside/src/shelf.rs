//! The shelf on which tokens and credentials lie: files that another process may read or replace at any moment, and
//! that a crash must leave whole. Written beside, 0600, synced, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::files::{self, OwnedText};
use crate::state::OwnState;

mod edit;
mod held;
mod in_place;
mod lock;
mod reserve;
pub use edit::{EditFileError, Edited, edit, may_edit};
pub use held::{Beat, Held, Presence, hold};
pub use in_place::{Repair, repair};
pub use lock::{Lock, Unlocked, lock, lock_any, lock_for};
pub use reserve::{Reservation, check_replaceable, reserve};

/// Replaces the file at `path` by `bytes` in one step: readers see the old or the new text, never a half. The new file
/// is 0600, missing folders are made 0700, and a symbolic link is followed, not replaced.
///
/// A file that is mounted by itself (`docker run -v FILE:FILE`, a subPath of Kubernetes) cannot be replaced; it is written in
/// place, see [`in_place`].
///
/// # Errors
/// Whatever the system says; then the old file is untouched and nothing new is left beside it.
pub fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    keep_with(path, bytes, &OwnState::default())
}

/// The same with a place for the copy of a file that is written in place, if none can lie beside it.
///
/// # Errors
/// See [`keep`].
pub fn keep_with(path: &Path, bytes: &[u8], state: &OwnState) -> io::Result<()> {
    let path = followed(path);
    Beside::write(&path, bytes, None, state)?.replace(&path)
}

/// A new file beside the one that it is to replace, or in the state folder if none can be made there. It is removed again unless
/// it has become that file.
#[derive(Debug)]
struct Beside(PathBuf);

impl Beside {
    /// Writes and syncs it: 0600, or with owner and mode like those of the old file as far as this user may give them.
    fn write(path: &Path, bytes: &[u8], like: Option<&OwnedText>, state: &OwnState) -> io::Result<Self> {
        let (beside, mut file) = Self::create(path, state)?;
        file.write_all(bytes)?;
        match like {
            // A file that is written in place keeps owner and mode.
            _ if !beside.is_beside(path) => {}
            Some(like) => liken(&file, like)?,
            // If root may not give the file away, it stays root's: a cache that its user has to fetch again.
            None => drop(reserve::give_to_owner(&file, path)),
        }
        file.sync_all()?;
        Ok(beside)
    }

    /// Creates it empty, 0600; in the state folder, if the folder of the file takes no new file and the file itself can be written.
    fn create(path: &Path, state: &OwnState) -> io::Result<(Self, File)> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
        };
        files::make_private_folder(folder)?;
        // A name that nobody else can have: processes in different containers share homes and process numbers.
        let name = format!(".{}.{}.tmp", name.to_string_lossy(), files::random_name()?);
        match Self::create_at(folder.join(name)) {
            Err(error) if in_place::is_closed(&error) && in_place::takes_writing(path) => {
                let Some(folder) = in_place::folder(state) else { return Err(error) };
                Self::create_at(folder.join(format!(
                    ".{}.{}.tmp",
                    lock::name_of(path),
                    files::random_name()?
                )))
            }
            created => created,
        }
    }

    fn create_at(path: PathBuf) -> io::Result<(Self, File)> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok((Self(path), file))
    }

    /// Whether it lies in the folder of the file at `path`.
    fn is_beside(&self, path: &Path) -> bool {
        self.0.parent() == path.parent()
    }

    fn replace(self, path: &Path) -> io::Result<()> {
        if self.is_beside(path) {
            match fs::rename(&self.0, path) {
                Err(error) if in_place::is_mounted(&error) => {}
                renamed => return renamed,
            }
        }
        in_place::write(&self.0, path)
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
}
