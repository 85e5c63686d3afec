//! Files that no other file can take the place of: one that is mounted by itself (`rename` says EBUSY), or one in a folder that
//! takes no new files. They are written in place, as the AWS CLI writes all of them, with two whole copies beside them until it is
//! done: the text before and the text that is to come. If the process is killed between, the next one that edits the file, or that
//! reads it, finishes the change.
//!
//! The copies lie in the folder of the file (`.NAME.aldis-old`, `.NAME.aldis-new`), or in `in-place` of the state folder if that
//! folder takes none. Without a place for them nothing is written.
//!
//! Readers may see half a text for the moment of one `write`; a text that grows gets its room first, so a full disk changes nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use super::lock::name_of;
use super::{followed, lock_for};
use crate::files;
use crate::state::{OwnState, StateFolder};

/// The folder of copies in the state folder.
const FOLDER: &str = "in-place";
/// The time that a reader waits for a process that is writing in place at this moment.
const PATIENCE: Duration = Duration::from_secs(1);
/// As much room as the try of a folder takes.
const ROOM: usize = 8192;

/// The repair of a change that was broken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// It was finished: the file has the text that was to come.
    Finished,
    /// Nothing: the file has been changed since. Both texts are there.
    ChangedSince {
        /// The text before the change.
        old: PathBuf,
        /// The text that was to come.
        new: PathBuf,
    },
}

/// Whether a rename failed because the file is a mount point, or because the new file lies on another file system.
pub(super) fn is_mounted(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices)
}

/// Whether a folder takes no new files from this user.
pub(super) fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Whether a regular file is there that this user may write.
pub(super) fn takes_writing(path: &Path) -> bool {
    open(path).is_ok_and(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))
}

/// The folder of copies in the state folder.
pub(super) fn folder(state: &OwnState) -> Option<PathBuf> {
    state.folder()?.make(FOLDER).ok()
}

fn open(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for its other end.
    OpenOptions::new().write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

/// Whether the file at `path` could be replaced or written in place, and whether there is room: tried before a person is asked
/// for anything. The file stays as it is.
pub(super) fn try_room(path: &Path, state: &OwnState) -> io::Result<()> {
    let tried = files::try_writing_in(path.parent().unwrap_or(path));
    match tried {
        Err(error) if is_closed(&error) && takes_writing(path) => match folder(state) {
            Some(folder) => files::try_writing_in(&folder)?,
            None => return Err(error),
        },
        tried => tried?,
    }
    super::reserve::check_attributes(path, ROOM)
}

/// Whether a file that is mounted by itself could be written in place: this user may write it, and its file system, which is not
/// that of the folder, has room for so many bytes.
///
/// A file that was replaced where it is mounted from is refused: nobody else sees any more what is written to it, and a
/// token in it is not the one that everybody else has now.
pub(super) fn check_mounted(path: &Path, bytes: usize) -> io::Result<()> {
    if open(path)?.metadata()?.nlink() == 0 {
        let words = "it has been replaced where it is mounted from";
        return Err(io::Error::new(io::ErrorKind::StaleNetworkFileHandle, words));
    }
    let disk = rustix::fs::statvfs(path)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    // Some file systems know no sizes and say that they have no blocks at all.
    if disk.f_blocks > 0 && free < bytes as u64 {
        return Err(io::Error::from(io::ErrorKind::StorageFull));
    }
    Ok(())
}

/// The paths of both copies.
#[derive(Debug)]
struct Copies {
    old: PathBuf,
    new: PathBuf,
}

impl Copies {
    fn beside(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::named(path.parent().unwrap_or(path), &name)
    }

    fn elsewhere(folder: &Path, path: &Path) -> Self {
        Self::named(folder, &name_of(path))
    }

    fn named(folder: &Path, name: &str) -> Self {
        let at = |ending: &str| folder.join(format!(".{name}.aldis-{ending}"));
        Self { old: at("old"), new: at("new") }
    }

    /// The new text goes first: without it, nothing was begun.
    fn remove(&self) {
        let _ = files::remove(&self.new);
        let _ = files::remove(&self.old);
    }
}

/// Writes the text of the whole and synced file `new` into the file at `path`, and removes `new`.
pub(super) fn write(new: &Path, path: &Path) -> io::Result<()> {
    let folder = new.parent().unwrap_or(new);
    let copies = match path.parent() == Some(folder) {
        true => Copies::beside(path),
        false => Copies::elsewhere(folder, path),
    };
    let (before, after) = (fs::read(path)?, fs::read(new)?);
    files::remove(&copies.old)?;
    let mut old = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copies.old)?;
    let kept =
        old.write_all(&before).and_then(|()| old.sync_all()).and_then(|()| fs::rename(new, &copies.new));
    match kept.map_err(Overwritten::from).and_then(|()| overwrite(path, &before, &after)) {
        Err(Overwritten { error, is_whole: false }) => {
            let (old, new) = (copies.old.display(), copies.new.display());
            let words = format!("{error}; the text before is in {old}, the text that was to come in {new}");
            Err(io::Error::new(error.kind(), words))
        }
        Err(Overwritten { error, is_whole: true }) => {
            copies.remove();
            Err(error)
        }
        Ok(()) => {
            copies.remove();
            Ok(())
        }
    }
}

/// Why a file was not overwritten.
struct Overwritten {
    error: io::Error,
    /// Whether it has its old text.
    is_whole: bool,
}

impl From<io::Error> for Overwritten {
    fn from(error: io::Error) -> Self {
        Self { error, is_whole: true }
    }
}

fn overwrite(path: &Path, before: &[u8], after: &[u8]) -> Result<(), Overwritten> {
    let file = open(path)?;
    let length = before.len() as u64;
    let common = before.len().min(after.len());
    if after.len() > before.len() {
        // A disk that is full is found while the old text is still whole.
        let grown = file.write_all_at(&after[common..], length).and_then(|()| file.sync_all());
        if let Err(error) = grown {
            let is_whole = file.set_len(length).and_then(|()| file.sync_all()).is_ok();
            return Err(Overwritten { error, is_whole });
        }
    }
    let written = file
        .write_all_at(&after[..common], 0)
        .and_then(|()| file.set_len(after.len() as u64))
        .and_then(|()| file.sync_all());
    written.map_err(|error| {
        let restored =
            file.write_all_at(before, 0).and_then(|()| file.set_len(length)).and_then(|()| file.sync_all());
        Overwritten { error, is_whole: restored.is_ok() }
    })
}

/// Whether a text is what a broken change from one text to another can leave: each byte is that of one of them at its place.
fn is_mixture(text: &[u8], before: &[u8], after: &[u8]) -> bool {
    let longest = before.len().max(after.len());
    let shortest = before.len().min(after.len());
    (shortest..=longest).contains(&text.len())
        && text.iter().enumerate().all(|(place, byte)| {
            before.get(place).is_some_and(|old| old == byte)
                || after.get(place).is_some_and(|new| new == byte)
        })
}

/// Finishes a change of the file at `path` that was broken off, if there is one and nobody is at work on it. Where there is none,
/// this costs one or two questions to the system.
///
/// # Errors
/// The text that is to be finished, as far as it can be read.
pub fn repair(path: &Path, state: &OwnState) -> io::Result<Option<Repair>> {
    let path = followed(path);
    if !left(&path, state).iter().any(|copies| files::exists(&copies.new)) {
        return Ok(None);
    }
    match lock_for(&path, state, PATIENCE) {
        Ok(_lock) => repair_locked(&path, state),
        Err(_) => Ok(None),
    }
}

/// The places where copies may have been left.
fn left(path: &Path, state: &OwnState) -> Vec<Copies> {
    let elsewhere = state.folder().map(StateFolder::path).map(|folder| folder.join(FOLDER));
    let elsewhere = elsewhere.filter(|folder| files::exists(folder));
    let elsewhere = elsewhere.map(|folder| Copies::elsewhere(&folder, path));
    std::iter::once(Copies::beside(path)).chain(elsewhere).collect()
}

/// The same for whoever holds the lock.
pub(super) fn repair_locked(path: &Path, state: &OwnState) -> io::Result<Option<Repair>> {
    for copies in left(path, state) {
        let own = |path: &Path| -> io::Result<Option<Vec<u8>>> {
            let is_own = files::owner_and_mode(path).is_ok_and(|(owner, _)| owner == crate::env::own_uid());
            if is_own { files::read(path) } else { Ok(None) }
        };
        let (Some(before), Some(after)) = (own(&copies.old)?, own(&copies.new)?) else { continue };
        let Some(text) = files::read(path)? else { continue };
        if text == before || text == after {
            copies.remove();
        } else if is_mixture(&text, &before, &after) {
            overwrite(path, &text, &after).map_err(|overwritten| overwritten.error)?;
            copies.remove();
            return Ok(Some(Repair::Finished));
        } else {
            return Ok(Some(Repair::ChangedSince { old: copies.old, new: copies.new }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn state(home: &Path) -> OwnState {
        OwnState::in_folder(StateFolder::at(home.join("state/aldis")).unwrap())
    }

    fn names(folder: &Path) -> Vec<String> {
        let paths = files::list(folder).unwrap();
        paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    fn new_text(home: &Path, text: &str) -> PathBuf {
        let new = home.join(".config.0.tmp");
        fs::write(&new, text).unwrap();
        new
    }

    #[test]
    fn a_file_is_overwritten_whatever_its_length_and_stays_the_same_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        fs::write(&path, "one\n").unwrap();
        let file = fs::metadata(&path).unwrap().ino();
        for text in ["a longer text\n", "short\n", "", "other\n"] {
            write(&new_text(home.path(), text), &path).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(names(home.path()), ["config"]);
        }
        assert_eq!(fs::metadata(&path).unwrap().ino(), file);
    }

    #[test]
    fn a_change_that_was_broken_off_is_finished_unless_somebody_changed_the_file_since() {
        let home = tempfile::tempdir().unwrap();
        let (path, state) = (home.path().join("config"), state(home.path()));
        let (before, after) = ("[default]\nregion = a\n", "[default]\nregion = bcd\n[profile x]\n");
        let copies = Copies::beside(&path);
        let leave = |text: &str| {
            for (path, text) in [(&path, text), (&copies.old, before), (&copies.new, after)] {
                fs::write(path, text).unwrap();
            }
        };
        let grown = format!("{before}{}", &after[before.len()..]);
        let half = format!("{}{}", &after[..20], &grown[20..]);
        // Text, what it becomes, what is said.
        let table = [
            (before, before, None),
            (after, after, None),
            (&grown, after, Some(Repair::Finished)),
            (&half, after, Some(Repair::Finished)),
            (&grown[..before.len() + 3], after, Some(Repair::Finished)),
        ];
        for (text, expected, said) in table {
            leave(text);
            assert_eq!(repair(&path, &state).unwrap(), said, "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
            assert!(!files::exists(&copies.new) && !files::exists(&copies.old));
        }
        for text in ["[default]\nregion = mine\n", &format!("{after}more\n"), ""] {
            leave(text);
            let said = repair(&path, &state).unwrap();
            assert!(matches!(said, Some(Repair::ChangedSince { .. })), "{text}: {said:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert!(files::exists(&copies.new) && files::exists(&copies.old));
        }
        fs::remove_file(&copies.old).unwrap();
        assert_eq!(repair(&path, &state).unwrap(), None, "one copy alone says nothing");
    }

    #[test]
    fn in_a_folder_that_takes_no_file_the_copy_lies_in_the_state_folder() {
        if crate::env::own_uid() == 0 {
            // Modes hold nobody who is root; the story with a mounted file runs as another user.
            let home = tempfile::tempdir().unwrap();
            let (path, state) = (home.path().join("a/config"), state(home.path()));
            fs::create_dir(home.path().join("a")).unwrap();
            fs::write(&path, "one\n").unwrap();
            let new = folder(&state).unwrap().join(".x.tmp");
            fs::write(&new, "two\n").unwrap();
            write(&new, &path).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
            assert_eq!(names(&home.path().join("a")), ["config"]);
            assert_eq!(names(&folder(&state).unwrap()), Vec::<String>::new());
            return;
        }
        let home = tempfile::tempdir().unwrap();
        let (path, state) = (home.path().join("a/config"), state(home.path()));
        fs::create_dir(home.path().join("a")).unwrap();
        fs::write(&path, "one\n").unwrap();
        fs::set_permissions(home.path().join("a"), fs::Permissions::from_mode(0o500)).unwrap();
        try_room(&path, &state).unwrap();
        super::super::keep_with(&path, b"two\n", &state).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        assert!(super::super::keep(&path, b"three\n").is_err(), "there is no place for a copy");
        fs::set_permissions(home.path().join("a"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(names(&folder(&state).unwrap()), Vec::<String>::new());
    }
}
