//! Changing a text file that people and other tools change, too.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::in_place::{self, Repair};
use super::{Beside, Unlocked, followed, lock_for};
use crate::files::{self, OwnedText};
use crate::state::OwnState;

/// How long another one of us may take for its change.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often somebody who knows nothing of the lock may come between.
const TRIES: usize = 16;

/// What became of a file.
#[derive(Debug)]
pub struct Edited {
    /// Whether it holds another text now.
    pub has_changed: bool,
    /// Why it was edited without a lock, if so. Then a change that another process makes within the same instant may be lost.
    pub unlocked: Option<Unlocked>,
    /// The repair of an earlier change that was broken off, if there was one.
    pub repair: Option<Repair>,
}

/// Why a file was not changed. It is as it was, and nothing is left beside it.
#[derive(Debug, thiserror::Error)]
pub enum EditFileError<E> {
    /// What the change itself said.
    #[error(transparent)]
    Change(E),
    /// It cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file at the end of all links.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not UTF-8, so nobody can say that it would come out as it was.
    #[error("{} is not UTF-8 text", .0.display())]
    NotUtf8(PathBuf),
    /// It is a folder, a pipe or the like.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// Its owner may not write it. Replacing it would still succeed, but whoever took that right away meant it.
    #[error("{} is read-only (mode {mode:04o})", .path.display())]
    ReadOnly {
        /// The file at the end of all links.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// It cannot be written.
    #[error("{} cannot be written", .path.display())]
    Write {
        /// The file at the end of all links.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else changed it whenever it was about to be replaced.
    #[error("{} is being changed by somebody else all the time", .0.display())]
    Contended(PathBuf),
}

/// Changes the text file at `path`, a missing one counting as empty. `change` gets the text and returns the new one, or
/// nothing when nothing is to be done; it is called again when somebody else changed the file meanwhile.
///
/// The new text is written beside and renamed, so readers see the old or the new one. A file that is there keeps its mode, and
/// its owner and group where this user may give them; a new file is 0600, missing folders are made 0700. Symbolic links are
/// followed. Processes that come here take turns ([`lock_for`]). A file that cannot be replaced is written in place
/// ([`super::in_place`]).
///
/// # Errors
/// See [`EditFileError`]. Without a lock the file is edited all the same, which the result says.
pub fn edit<E>(
    path: &Path,
    state: &OwnState,
    change: impl Fn(&str) -> Result<Option<String>, E>,
) -> Result<Edited, EditFileError<E>> {
    edit_within(PATIENCE, path, state, change)
}

/// Whether [`edit`] could change the file at `path`, which may be missing: tried as far as that leaves the file alone.
///
/// # Errors
/// What [`edit`] would say.
pub fn may_edit<E>(path: &Path, state: &OwnState) -> Result<(), EditFileError<E>> {
    let path = followed(path);
    if read(&path)?.is_some() {
        may_be_written(&path)?;
    }
    in_place::try_room(&path, state).map_err(|source| EditFileError::Write { path, source })
}

fn edit_within<E>(
    patience: Duration,
    path: &Path,
    state: &OwnState,
    change: impl Fn(&str) -> Result<Option<String>, E>,
) -> Result<Edited, EditFileError<E>> {
    let path = followed(path);
    let (_lock, unlocked) = match lock_for(&path, state, patience) {
        Ok(lock) => (Some(lock), None),
        Err(unlocked) => (None, Some(unlocked)),
    };
    // Without the lock, another process may be writing at this moment.
    let repair = match unlocked {
        None => in_place::repair_locked(&path, state)
            .map_err(|source| EditFileError::Write { path: path.clone(), source })?,
        Some(_) => None,
    };
    for _ in 0..TRIES {
        let old = read(&path)?;
        let text = old.as_ref().map_or("", |old| &old.text);
        let Some(new) = change(text).map_err(EditFileError::Change)?.filter(|new| new != text) else {
            return Ok(Edited { has_changed: false, unlocked, repair });
        };
        let write = |source| EditFileError::Write { path: path.clone(), source };
        match old.is_some().then(|| may_be_written(&path)).transpose() {
            // Somebody else took it away just now.
            Err(EditFileError::Write { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
            checked => checked?,
        };
        let beside = Beside::write(&path, new.as_bytes(), old.as_ref(), state);
        let beside = beside.map_err(write)?;
        if read(&path)? == old {
            beside.replace(&path).map_err(write)?;
            return Ok(Edited { has_changed: true, unlocked, repair });
        }
    }
    Err(EditFileError::Contended(path))
}

fn read<E>(path: &Path) -> Result<Option<OwnedText>, EditFileError<E>> {
    files::read_owned(path).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData => EditFileError::NotUtf8(path.to_owned()),
        io::ErrorKind::InvalidInput => EditFileError::NotRegular(path.to_owned()),
        _ => EditFileError::Read { path: path.to_owned(), source },
    })
}

fn may_be_written<E>(path: &Path) -> Result<(), EditFileError<E>> {
    let refuse = |source| EditFileError::Write { path: path.to_owned(), source };
    let (_, mode) = files::owner_and_mode(path).map_err(refuse)?;
    if mode & 0o200 == 0 {
        return Err(EditFileError::ReadOnly { path: path.to_owned(), mode });
    }
    // Somebody else's file in a folder of ours could be replaced, too.
    OpenOptions::new().write(true).open(path).map(drop).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    fn append(path: &Path, line: &str) -> Result<Edited, EditFileError<Infallible>> {
        edit(path, &OwnState::default(), |text| Ok(Some(format!("{text}{line}\n"))))
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The names in a folder, without the lock.
    fn names(folder: &Path) -> Vec<String> {
        let names = files::list(folder).unwrap();
        let names = names.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
        names.filter(|name| name != ".config.aldis.lock").collect()
    }

    #[test]
    fn a_new_file_is_private_and_so_are_its_folders_and_its_lock() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/.aws/config");
        let edited = append(&path, "one").unwrap();
        assert!(edited.has_changed && edited.unlocked.is_none());
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
        assert_eq!(
            (mode(&path), mode(path.parent().unwrap()), mode(&home.path().join("a"))),
            (0o600, 0o700, 0o700)
        );
        assert_eq!(mode(&path.with_file_name(".config.aldis.lock")), 0o600);
        assert_eq!(names(path.parent().unwrap()), ["config"]);
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = &home.path().join("config");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    for number in 0..20 {
                        let edited = append(path, &format!("{thread} {number}")).unwrap();
                        assert!(edited.unlocked.is_none());
                    }
                });
            }
        });
        let text = fs::read_to_string(path).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 160);
        assert_eq!(names(home.path()), ["config"]);
    }

    #[test]
    fn mode_and_links_stay() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("dotfiles/aws"), home.path().join("config"));
        fs::create_dir(home.path().join("dotfiles")).unwrap();
        fs::write(&real, "one\n").unwrap();
        symlink("dotfiles/aws", &link).unwrap();
        for bits in [0o644, 0o664, 0o600] {
            set_mode(&real, bits);
            assert!(append(&link, "more").unwrap().has_changed);
            assert_eq!(mode(&real), bits);
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "one\nmore\nmore\nmore\n");
        assert!(
            files::exists(&home.path().join("dotfiles/.aws.aldis.lock")),
            "one lock, whatever leads there"
        );
    }

    #[test]
    fn the_owner_stays_where_this_user_may_give_files_away() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        fs::write(&path, "").unwrap();
        if std::os::unix::fs::chown(&path, Some(12345), Some(12346)).is_err() {
            return;
        }
        append(&path, "one").unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (12345, 12346));
    }

    #[test]
    fn a_read_only_file_is_refused_and_nothing_to_do_is_fine() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        fs::write(&path, "one\n").unwrap();
        set_mode(&path, 0o444);
        let error = append(&path, "two").unwrap_err();
        assert!(matches!(error, EditFileError::ReadOnly { mode: 0o444, .. }));
        assert!(error.to_string().ends_with("config is read-only (mode 0444)"), "{error}");
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("one\n", 0o444));
        assert_eq!(names(home.path()), ["config"]);
        for nothing in [None, Some("one\n")] {
            let edited =
                edit::<Infallible>(&path, &OwnState::default(), |_| Ok(nothing.map(str::to_owned))).unwrap();
            assert!(!edited.has_changed);
        }
    }

    #[test]
    fn nothing_to_do_leaves_the_very_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        assert!(!edit::<Infallible>(&path, &OwnState::default(), |_| Ok(None)).unwrap().has_changed);
        assert!(!files::exists(&path));
        fs::write(&path, "one\n").unwrap();
        let file = fs::metadata(&path).unwrap().ino();
        assert!(!edit::<Infallible>(&path, &OwnState::default(), |_| Ok(None)).unwrap().has_changed);
        assert_eq!(fs::metadata(&path).unwrap().ino(), file);
    }

    #[test]
    fn what_the_change_says_is_handed_on() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        fs::write(&path, "one\n").unwrap();
        let error =
            edit(&path, &OwnState::default(), |text| Err(io::Error::other(text.to_owned()))).unwrap_err();
        assert!(matches!(&error, EditFileError::Change(inner) if inner.to_string() == "one\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
    }

    #[test]
    fn what_is_no_text_file_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let (folder, bytes, link) =
            (home.path().join("folder"), home.path().join("bytes"), home.path().join("loop"));
        fs::create_dir(&folder).unwrap();
        fs::write(&bytes, b"[default]\n# \xff\n").unwrap();
        symlink("loop", &link).unwrap();
        assert!(matches!(append(&folder, "x").unwrap_err(), EditFileError::NotRegular(_)));
        assert!(matches!(append(&bytes, "x").unwrap_err(), EditFileError::NotUtf8(_)));
        assert!(matches!(append(&link, "x").unwrap_err(), EditFileError::Read { .. }));
        assert!(matches!(append(&bytes.join("config"), "x").unwrap_err(), EditFileError::Write { .. }));
        assert_eq!(fs::read(&bytes).unwrap(), b"[default]\n# \xff\n");
    }

    #[test]
    fn a_change_by_somebody_else_meanwhile_is_built_upon() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        fs::write(&path, "one\n").unwrap();
        let calls = Cell::new(0);
        let edited = edit::<Infallible>(&path, &OwnState::default(), |text| {
            calls.set(calls.get() + 1);
            if calls.get() == 1 {
                fs::write(&path, format!("{text}theirs\n")).unwrap();
            }
            Ok(Some(format!("{text}ours\n")))
        });
        assert!(edited.unwrap().has_changed);
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), calls.get()), ("one\ntheirs\nours\n", 2));
        assert_eq!(names(home.path()), ["config"]);
    }

    #[test]
    fn a_file_that_appears_or_loses_a_right_meanwhile_counts_too() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        edit::<Infallible>(&path, &OwnState::default(), |text| {
            if text.is_empty() {
                fs::write(&path, "theirs\n").unwrap();
            }
            Ok(Some(format!("{text}ours\n")))
        })
        .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs\nours\n");
        let error = edit::<Infallible>(&path, &OwnState::default(), |text| {
            set_mode(&path, 0o400);
            Ok(Some(format!("{text}more\n")))
        });
        assert!(matches!(error.unwrap_err(), EditFileError::ReadOnly { mode: 0o400, .. }));
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("theirs\nours\n", 0o400));
    }

    #[test]
    fn a_file_that_disappears_meanwhile_is_missing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        fs::write(&path, "theirs\n").unwrap();
        edit::<Infallible>(&path, &OwnState::default(), |text| {
            files::remove(&path).unwrap();
            Ok(Some(format!("{text}ours\n")))
        })
        .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "ours\n");
    }

    #[test]
    fn somebody_who_never_stops_wins() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        let error = edit::<Infallible>(&path, &OwnState::default(), |text| {
            fs::write(&path, format!("{text}theirs\n")).unwrap();
            Ok(Some(format!("{text}ours\n")))
        });
        assert!(matches!(error.unwrap_err(), EditFileError::Contended(_)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs\n".repeat(TRIES));
        assert_eq!(names(home.path()), ["config"]);
    }

    #[test]
    fn without_a_lock_it_goes_on_and_says_so() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        let lock_file = path.with_file_name(".config.aldis.lock");
        let held = crate::shelf::lock(&lock_file, Duration::ZERO).unwrap();
        let edited =
            edit_within::<Infallible>(Duration::from_millis(30), &path, &OwnState::default(), |_| {
                Ok(Some("one\n".to_owned()))
            })
            .unwrap();
        assert!(edited.has_changed && matches!(edited.unlocked, Some(Unlocked::Held { .. })));
        drop(held);
        fs::remove_file(&lock_file).unwrap();
        fs::create_dir(&lock_file).unwrap();
        let edited = append(&path, "two").unwrap();
        assert!(edited.has_changed && matches!(edited.unlocked, Some(Unlocked::Unavailable { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
