//! The state folder of the client (`$XDG_STATE_HOME/aldis`): pins, records of sign-ins, listings, locks. It steers to which
//! addresses tokens go and which link is shown, so a folder that another user made counts as missing, and so does a file in it
//! that another user owns.
//!
//! [`OwnState`] is the only way to it: code that has no [`StateFolder`] cannot read or write a file of state.
//!
//! Only the last folder (`aldis`) is checked, not those above it: a user who owns a folder above can exchange `aldis` at any time
//! after a check, so each file is checked again when it is read, on the open file, and files are written as 0600.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::env::{Env, own_uid};
use crate::{files, shelf};

/// Write permission of the group and of others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Why the state folder counts as missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Another user made it.
    #[error("{} belongs to user {owner}, and this is user {own}", .path.display())]
    OtherOwner {
        /// The folder.
        path: PathBuf,
        /// The number of its user.
        owner: u32,
        /// The number of the user of this process.
        own: u32,
    },
    /// It is a symbolic link of another user.
    #[error("{} is a link that user {owner} made", .path.display())]
    ForeignLink {
        /// The link.
        path: PathBuf,
        /// The number of its user.
        owner: u32,
    },
    /// Other users may put files into it.
    #[error("{} is writable by others (mode {mode:04o})", .path.display())]
    Writable {
        /// The folder.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// It is a file, a pipe or the like.
    #[error("{} is not a folder", .path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// It is missing, and root would make it in a folder of another user, who could not use it afterwards (`sudo` without `-H`).
    #[error("{} belongs to user {owner}, and this is root", .path.display())]
    HomeOfAnother {
        /// The nearest folder that exists.
        path: PathBuf,
        /// The number of its user.
        owner: u32,
    },
    /// The system does not say what it is.
    #[error("{} cannot be read: {why}", .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The words of the system.
        why: String,
    },
}

impl StateError {
    /// The path that is at fault.
    pub fn path(&self) -> &Path {
        match self {
            Self::OtherOwner { path, .. }
            | Self::ForeignLink { path, .. }
            | Self::Writable { path, .. }
            | Self::NotAFolder { path }
            | Self::HomeOfAnother { path, .. }
            | Self::Unreadable { path, .. } => path,
        }
    }
}

/// Owner and kind of the last folder, as the check needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Missing { nearest_owner: u32 },
    Link { owner: u32, target_owner: u32, target_mode: u32, target_is_folder: bool },
    Folder { owner: u32, mode: u32 },
    Other,
}

/// The rule: a real folder of this user that nobody else may write. A link counts if this user or root made it, since whoever
/// may exchange root's files needs no state folder of ours.
fn check(path: &Path, found: Found, own: u32) -> Result<(), StateError> {
    let path = || path.to_owned();
    let folder = |owner: u32, mode: u32| {
        if owner != own {
            Err(StateError::OtherOwner { path: path(), owner, own })
        } else if mode & WRITABLE_BY_OTHERS != 0 {
            Err(StateError::Writable { path: path(), mode })
        } else {
            Ok(())
        }
    };
    match found {
        Found::Missing { nearest_owner } if own == 0 && nearest_owner != 0 => {
            Err(StateError::HomeOfAnother { path: path(), owner: nearest_owner })
        }
        Found::Missing { .. } => Ok(()),
        Found::Link { owner, .. } if owner != own && owner != 0 => {
            Err(StateError::ForeignLink { path: path(), owner })
        }
        Found::Link { target_is_folder: false, .. } | Found::Other => {
            Err(StateError::NotAFolder { path: path() })
        }
        Found::Link { target_owner, target_mode, .. } => folder(target_owner, target_mode),
        Found::Folder { owner, mode } => folder(owner, mode),
    }
}

/// Looks at the folder; the path in the answer is the one that the facts are about.
fn look(path: &Path) -> io::Result<(PathBuf, Found)> {
    let here = path.to_owned();
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Only root's answer depends on it, and a file system may be slow.
            if own_uid() != 0 {
                return Ok((here, Found::Missing { nearest_owner: own_uid() }));
            }
            let above = path.ancestors().skip(1).find_map(|above| Some((above, fs::metadata(above).ok()?)));
            let (above, metadata) = above.ok_or(error)?;
            return Ok((above.to_owned(), Found::Missing { nearest_owner: metadata.uid() }));
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok((here, Found::Other)),
        Err(error) => return Err(error),
    };
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    let found = if metadata.is_symlink() {
        let target = match fs::metadata(path) {
            Ok(target) => Some(target),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Found::Link {
            owner,
            target_owner: target.as_ref().map_or(owner, fs::Metadata::uid),
            target_mode: target.as_ref().map_or(0, |target| target.mode() & 0o7777),
            target_is_folder: target.as_ref().is_some_and(fs::Metadata::is_dir),
        }
    } else if metadata.is_dir() {
        Found::Folder { owner, mode }
    } else {
        Found::Other
    };
    Ok((here, found))
}

/// A folder of state that is this user's, or that does not exist yet.
#[derive(Debug, Clone)]
pub struct StateFolder {
    path: PathBuf,
}

impl StateFolder {
    /// The folder at `path`, checked.
    ///
    /// # Errors
    /// If it is not this user's own.
    pub fn at(path: PathBuf) -> Result<Self, StateError> {
        let (at_fault, found) = look(&path)
            .map_err(|error| StateError::Unreadable { path: path.clone(), why: error.to_string() })?;
        check(&at_fault, found, own_uid())?;
        Ok(Self { path })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it, by its path below the folder. It need not exist.
    pub fn file(&self, name: impl AsRef<Path>) -> StateFile {
        StateFile { path: self.path.join(name), folder: self.clone() }
    }

    /// The files in a folder of it, sorted; none if there is no such folder, or one that cannot be read.
    pub fn files(&self, name: impl AsRef<Path>) -> Vec<StateFile> {
        let paths = files::list(&self.path.join(name)).unwrap_or_default();
        paths.into_iter().map(|path| StateFile { path, folder: self.clone() }).collect()
    }

    /// Makes a folder in it, closed to others, and returns its path.
    ///
    /// # Errors
    /// Whatever the system says, or if the state folder is another user's by now.
    pub fn make(&self, name: impl AsRef<Path>) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        self.prepare(&path)?;
        Ok(path)
    }

    /// Makes the folder and `below`. The check is repeated because another user may have made the folder since the first one.
    fn prepare(&self, below: &Path) -> io::Result<()> {
        files::make_private_folder(&self.path)?;
        Self::at(self.path.clone())
            .map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error.to_string()))?;
        files::make_private_folder(below)
    }
}

/// A file of state.
#[derive(Debug, Clone)]
pub struct StateFile {
    folder: StateFolder,
    path: PathBuf,
}

impl StateFile {
    /// Its path, for messages and comparisons.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its text, bytes that are not UTF-8 replaced. `None` if there is no such file, if another user owns it, or if it is no
    /// regular file: owner and kind are those of the open file, and a link is not followed.
    ///
    /// # Errors
    /// Whatever else the system says.
    pub fn read(&self) -> io::Result<Option<String>> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut file = match OpenOptions::new().read(true).custom_flags(flags).open(&self.path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.uid() != own_uid() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ))
    }

    /// Replaces it in one step by a file of mode 0600, and makes its folders.
    ///
    /// # Errors
    /// Whatever the system says, or if the state folder is another user's by now.
    pub fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        self.folder.prepare(self.path.parent().unwrap_or(&self.path))?;
        shelf::keep(&self.path, bytes)
    }

    /// Removes it; fine if there is none.
    ///
    /// # Errors
    /// Whatever else the system says.
    pub fn remove(&self) -> io::Result<()> {
        files::remove(&self.path)
    }

    /// Whether something lies at its path.
    pub fn exists(&self) -> bool {
        files::exists(&self.path)
    }

    /// Takes the lock file `NAME.lock` beside it, waiting for at most `patience`.
    ///
    /// # Errors
    /// If it was not had.
    pub fn lock(&self, patience: Duration) -> Result<shelf::Lock, shelf::Unlocked> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        shelf::lock(&self.path.with_file_name(name), patience)
    }
}

/// The state of this user on this machine: its folder, or why there is none.
#[derive(Debug, Clone, Default)]
pub struct OwnState {
    folder: Option<StateFolder>,
    error: Option<StateError>,
    runtime: Option<PathBuf>,
}

impl OwnState {
    /// The state that the environment names. Without a home folder there is neither a folder nor an error.
    pub fn open(env: &Env) -> Self {
        let runtime = env.runtime_dir().map(|folder| folder.join("aldis"));
        let opened = env.state_home().map(|folder| StateFolder::at(folder.join("aldis"))).transpose();
        match opened {
            Ok(folder) => Self { folder, error: None, runtime },
            Err(error) => Self { folder: None, error: Some(error), runtime },
        }
    }

    /// State in that folder, and nowhere else.
    pub fn in_folder(folder: StateFolder) -> Self {
        Self { folder: Some(folder), error: None, runtime: None }
    }

    /// The folder, if there is one to use.
    pub fn folder(&self) -> Option<&StateFolder> {
        self.folder.as_ref()
    }

    /// Why a folder that is there, or that could be made, is not used.
    pub fn error(&self) -> Option<&StateError> {
        self.error.as_ref()
    }

    /// The folders in which locks may lie, best first: the state folder, else the runtime folder of the login session.
    pub(crate) fn lock_folders(&self) -> Vec<StateFolder> {
        let runtime = self.runtime.clone().and_then(|path| StateFolder::at(path).ok());
        self.folder.iter().cloned().chain(runtime).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    const FOLDER: &str = "/h/.local/state/aldis";

    #[test]
    fn state_is_used_only_in_a_folder_of_this_user_that_nobody_else_may_write() {
        let folder = |owner, mode| Found::Folder { owner, mode };
        let link = |owner, target_owner, target_mode| Found::Link {
            owner,
            target_owner,
            target_mode,
            target_is_folder: true,
        };
        let missing = |nearest_owner| Found::Missing { nearest_owner };
        let path = || PathBuf::from(FOLDER);
        let other = |owner, own| Err(StateError::OtherOwner { path: path(), owner, own });
        let writable = |mode| Err(StateError::Writable { path: path(), mode });
        let foreign = |owner| Err(StateError::ForeignLink { path: path(), owner });
        let table = [
            ("ours", 1000, folder(1000, 0o700), Ok(())),
            ("ours, readable", 1000, folder(1000, 0o755), Ok(())),
            ("of a stranger", 1000, folder(1001, 0o700), other(1001, 1000)),
            ("of root, used by a user", 1000, folder(0, 0o755), other(0, 1000)),
            ("of a user, used by root", 0, folder(1000, 0o700), other(1000, 0)),
            ("of root, used by root", 0, folder(0, 0o700), Ok(())),
            ("of an unmapped user", 1000, folder(65_534, 0o700), other(65_534, 1000)),
            ("writable by the group", 1000, folder(1000, 0o770), writable(0o770)),
            ("writable by all", 1000, folder(1000, 0o707), writable(0o707)),
            ("sticky is no protection", 1000, folder(1000, 0o1777), writable(0o1777)),
            ("our link", 1000, link(1000, 1000, 0o700), Ok(())),
            ("root's link", 1000, link(0, 1000, 0o700), Ok(())),
            ("a stranger's link to a folder of ours", 1000, link(1001, 1000, 0o700), foreign(1001)),
            ("our link to a stranger's folder", 1000, link(1000, 1001, 0o700), other(1001, 1000)),
            ("our link to a folder of all", 1000, link(1000, 1000, 0o777), writable(0o777)),
            ("a user's link, followed by root", 0, link(1000, 0, 0o700), foreign(1000)),
            ("a file", 1000, Found::Other, Err(StateError::NotAFolder { path: path() })),
            ("none yet", 1000, missing(1000), Ok(())),
            ("none yet, in a home of another user", 1000, missing(1001), Ok(())),
            ("none yet, for root", 0, missing(0), Ok(())),
            (
                "none yet, for root in a user's home",
                0,
                missing(1000),
                Err(StateError::HomeOfAnother { path: path(), owner: 1000 }),
            ),
        ];
        for (what, own, found, expected) in table {
            assert_eq!(check(Path::new(FOLDER), found, own), expected, "{what}");
        }
    }

    #[test]
    fn a_file_of_state_is_read_only_if_it_is_regular_and_of_this_user() {
        let home = tempfile::tempdir().unwrap();
        let state = StateFolder::at(home.path().join("a/aldis")).unwrap();
        let file = state.file("pins/dev.txt");
        assert_eq!(file.read().unwrap(), None);
        file.keep(b"one").unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("one"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(file.path()), mode(state.path())), (0o600, 0o700));
        symlink(file.path(), state.path().join("pins/link.txt")).unwrap();
        assert_eq!(state.file("pins/link.txt").read().unwrap(), None, "a link");
        assert_eq!(state.file("pins").read().unwrap(), None, "a folder");
        if own_uid() == 0 {
            std::os::unix::fs::chown(file.path(), Some(12_345), None).unwrap();
            assert_eq!(file.read().unwrap(), None, "another user's");
        }
    }

    #[test]
    fn a_folder_that_was_taken_since_the_check_is_not_written() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("aldis");
        let state = StateFolder::at(path.clone()).unwrap();
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(state.file("x").keep(b"x").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(matches!(StateFolder::at(path.clone()), Err(StateError::Writable { mode: 0o777, .. })));
        assert_eq!(files::list(&path).unwrap(), Vec::<PathBuf>::new());
    }
}
