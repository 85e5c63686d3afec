//! Locks between processes, each with a deadline that holds even if the system call never returns.
//!
//! The lock of a file lies in the state folder, named after the file, so that nothing of ours lies in `~/.aws` or beside the target
//! of a linked config file. Processes in different containers may share `~/.aws` and not the state folder; for them the file
//! itself is locked, too, if there is one. A lock file beside the file would serve both, but users and other tools see it, and
//! a folder that is only mounted for reading does not take it. No result rests on a lock: files are replaced whole, and an edit
//! compares before it replaces.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::OFlags;

use crate::env::own_uid;
use crate::files;
use crate::state::OwnState;

/// The folder of locks in the state folder.
const FOLDER: &str = "locks";
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
/// The time that a call may take which does not wait for another process.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// Permission to read for the group and for others.
const READABLE_BY_OTHERS: u32 = 0o044;

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum Unlocked {
    /// Another process held it all the time.
    #[error("another process has held the lock for {} seconds", .patience.as_secs())]
    Held {
        /// The lock file, or the file itself.
        path: PathBuf,
        /// The time that was waited.
        patience: Duration,
    },
    /// The file system did not answer: the server of a network file system is gone, say. The call is left to itself.
    #[error("its file system does not answer")]
    NoAnswer {
        /// The lock file, or the file itself.
        path: PathBuf,
    },
    /// The file system knows no locks, or the lock file cannot be made.
    #[error("{source}")]
    Unavailable {
        /// The lock file, or the file itself.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl Unlocked {
    /// The lock file, or the file itself.
    pub fn path(&self) -> &Path {
        match self {
            Self::Held { path, .. } | Self::NoAnswer { path } | Self::Unavailable { path, .. } => path,
        }
    }
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// The locked file itself.
    _itself: Option<File>,
}

impl Lock {
    pub(super) fn new(file: File) -> Self {
        Self { file, _itself: None }
    }

    /// Gives a sign of life to the processes that wait for it. If the system takes none, they think that this one stands still.
    pub fn beat(&self) {
        if let Ok(file) = self.file.try_clone() {
            let _ = within(ANSWER_TIME, move || file.set_modified(SystemTime::now()));
        }
    }

    /// The time since the last sign of life, of this process or of one before; `None` if the system does not say.
    pub fn since_beat(&self) -> Option<Duration> {
        let file = self.file.try_clone().ok()?;
        let modified = within(ANSWER_TIME, move || file.metadata()?.modified())?.ok()?;
        SystemTime::now().duration_since(modified).ok()
    }

    #[cfg(test)]
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// The calls that never returned so far. While there is one, its file system is not asked again: a command must not wait once
/// for each of its locks, and a sign-in, which looks four times a second, must not collect threads.
static UNANSWERED: AtomicUsize = AtomicUsize::new(0);

/// Runs a call that may never return on a thread of its own, and waits for at most `patience`. `None` if it has not returned by
/// then; the thread is left to itself, and what the call returns later is dropped there.
pub(super) fn within<T: Send + 'static>(
    patience: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    if UNANSWERED.load(Ordering::SeqCst) > 0 {
        return None;
    }
    let (sender, answer) = sync_channel(1);
    let is_settled = Arc::new(AtomicBool::new(false));
    let returned = Arc::clone(&is_settled);
    let run = move || {
        // Fails if nobody waits any more, and drops what it could not send.
        let _ = sender.send(call());
        if returned.swap(true, Ordering::SeqCst) {
            UNANSWERED.fetch_sub(1, Ordering::SeqCst);
        }
    };
    thread::Builder::new().name("lock".to_owned()).spawn(run).ok()?;
    if let Ok(answer) = answer.recv_timeout(patience) {
        return Some(answer);
    }
    UNANSWERED.fetch_add(1, Ordering::SeqCst);
    if is_settled.swap(true, Ordering::SeqCst) {
        // It returned at the last moment.
        UNANSWERED.fetch_sub(1, Ordering::SeqCst);
        return answer.try_recv().ok();
    }
    None
}

/// The time to wait for the answer of a call that itself waits for other processes as long as that.
fn answer_time(patience: Duration) -> Duration {
    patience + ANSWER_TIME
}

/// Takes the lock file at `path` (made 0600 and never removed), waiting for at most `patience`.
///
/// # Errors
/// See [`Unlocked`].
pub fn lock(path: &Path, patience: Duration) -> Result<Lock, Unlocked> {
    lock_any(&[path.to_owned()], patience)
}

/// Takes one of these lock files, whichever is free first.
///
/// # Errors
/// See [`Unlocked`].
pub fn lock_any(paths: &[PathBuf], patience: Duration) -> Result<Lock, Unlocked> {
    let first = paths.first().cloned().unwrap_or_default();
    let all = paths.to_vec();
    let taken = within(answer_time(patience), move || take_any(&all, Instant::now() + patience));
    match taken.ok_or_else(|| Unlocked::NoAnswer { path: first.clone() })? {
        Ok(Some(file)) => Ok(Lock::new(file)),
        Ok(None) => Err(Unlocked::Held { path: first, patience }),
        Err(source) => Err(Unlocked::Unavailable { path: first, source }),
    }
}

/// Takes the lock of the file at `path`, links followed, waiting for at most `patience`: a lock file in the state folder, else in
/// the runtime folder, else beside the file; and the file itself, if it is there and nobody else could hold it.
///
/// # Errors
/// See [`Unlocked`].
pub fn lock_for(path: &Path, state: &OwnState, patience: Duration) -> Result<Lock, Unlocked> {
    let (target, state) = (path.to_owned(), state.clone());
    let taken = within(answer_time(patience), move || {
        let target = super::followed(&target);
        let end = Instant::now() + patience;
        let mut last = None;
        for path in places(&target, &state) {
            match take_any(std::slice::from_ref(&path), end) {
                Ok(Some(file)) => match take_itself(&target, end) {
                    Ok(itself) => return Ok(Lock { file, _itself: itself }),
                    Err(()) => return Err(Unlocked::Held { path: target, patience }),
                },
                Ok(None) => return Err(Unlocked::Held { path, patience }),
                Err(source) => last = Some(Unlocked::Unavailable { path, source }),
            }
        }
        Err(last.unwrap_or_else(|| Unlocked::Unavailable {
            path: target,
            source: io::Error::from(io::ErrorKind::Unsupported),
        }))
    });
    taken.unwrap_or_else(|| Err(Unlocked::NoAnswer { path: path.to_owned() }))
}

/// The places for the lock file of a file, best first.
fn places(path: &Path, state: &OwnState) -> Vec<PathBuf> {
    let name = format!("{}.lock", name_of(path));
    let mut places: Vec<PathBuf> = state
        .lock_folders()
        .into_iter()
        .filter_map(|folder| Some(folder.make(FOLDER).ok()?.join(&name)))
        .collect();
    // Nothing is put beside a device such as /dev/null.
    if fs::metadata(path).map_or(true, |metadata| metadata.is_file()) {
        let beside = path.file_name().unwrap_or_default().to_string_lossy();
        places.push(path.with_file_name(format!(".{beside}.aldis.lock")));
    }
    places
}

/// A name for what belongs to a file and lies elsewhere: the name of the file, and a hash of its whole path, as different files
/// have the same name.
pub(super) fn name_of(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let name = absolute.file_name().unwrap_or_default();
    let folder = absolute.parent().and_then(|folder| fs::canonicalize(folder).ok());
    let whole = folder.map_or_else(|| absolute.clone(), |folder| folder.join(name));
    let hash = wire::words::sha256_hex(whole.as_os_str().as_encoded_bytes());
    format!("{}-{}", name.to_string_lossy(), hash.get(..16).unwrap_or_default())
}

fn take_any(paths: &[PathBuf], end: Instant) -> io::Result<Option<File>> {
    let mut files = paths.iter().map(|path| open(path)).collect::<io::Result<Vec<_>>>()?;
    loop {
        for number in 0..files.len() {
            match files[number].try_lock() {
                Ok(()) => return Ok(Some(files.swap_remove(number))),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        thread::sleep(BETWEEN_TRIES);
    }
}

/// Locks the file itself until it is the one that lies there. `None` if there is none, if it cannot be locked, or if others may
/// read it: a stranger who may read a file may hold it, too.
///
/// # Errors
/// If another process held it to the end.
fn take_itself(path: &Path, end: Instant) -> Result<Option<File>, ()> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    loop {
        let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path) else { return Ok(None) };
        let Ok(found) = file.metadata() else { return Ok(None) };
        if !found.is_file() || found.uid() != own_uid() || found.mode() & READABLE_BY_OTHERS != 0 {
            return Ok(None);
        }
        match file.try_lock() {
            Ok(()) => {
                if is_at(path, &found) {
                    return Ok(Some(file));
                }
                // It was replaced by the process that held it.
            }
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::WouldBlock) => return Err(()),
            // A network file system locks only what is open for writing.
            Err(TryLockError::Error(_)) => return Ok(None),
        }
        if Instant::now() >= end {
            return Ok(None);
        }
    }
}

/// Whether the file that was opened still lies at its path: a process that holds its lock may have replaced it.
fn is_at(path: &Path, opened: &fs::Metadata) -> bool {
    fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (opened.dev(), opened.ino()))
}

/// Opens a lock file, which is made 0600 if it is missing.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        files::make_private_folder(folder)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// The answer of a call that waits for nobody, in its time.
///
/// # Errors
/// The answer of the call, or `TimedOut`.
pub(super) fn answered<T: Send + 'static>(
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    answered_within(Duration::ZERO, call)
}

/// The same of a call that waits for other processes as long as `patience`.
///
/// # Errors
/// The answer of the call, or `TimedOut`.
pub(super) fn answered_within<T: Send + 'static>(
    patience: Duration,
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    within(answer_time(patience), call).unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::TimedOut)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::StateFolder;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::mpsc::channel;

    #[test]
    fn c11_a_lock_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let held = lock(&path, Duration::ZERO).unwrap();
        assert!(matches!(lock(&path, Duration::from_millis(30)), Err(Unlocked::Held { .. })));
        let other = folder.path().join("y.lock");
        let both = [path.clone(), other];
        let second = lock_any(&both, Duration::ZERO).unwrap();
        assert!(matches!(lock_any(&both, Duration::ZERO), Err(Unlocked::Held { .. })));
        drop(held);
        assert!(lock(&path, Duration::ZERO).is_ok());
        drop(second);
    }

    #[test]
    fn a_call_that_never_returns_is_left_to_itself_and_its_answer_dropped() {
        struct Told(std::sync::mpsc::Sender<()>);
        impl Drop for Told {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (release, released) = channel::<()>();
        let (dropped, drops) = channel();
        let call = move || {
            let _ = released.recv();
            Told(dropped)
        };
        assert!(within(Duration::from_millis(20), call).is_none());
        // The next one is not even begun, and waits for nothing.
        let start = Instant::now();
        let never = || -> bool { unreachable!("it is not begun") };
        assert!(within(Duration::from_secs(60), never).is_none());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        assert!(matches!(lock(&path, Duration::from_secs(60)), Err(Unlocked::NoAnswer { .. })));
        assert!(start.elapsed() < Duration::from_secs(30));
        drop(release);
        drops.recv().unwrap();
        // When the call has returned after all, its file system answers again.
        while UNANSWERED.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
        assert!(lock(&path, Duration::ZERO).is_ok());
    }

    #[test]
    fn the_lock_of_a_file_lies_in_the_state_folder() {
        let home = tempfile::tempdir().unwrap();
        let state = OwnState::in_folder(StateFolder::at(home.path().join("state/aldis")).unwrap());
        let (one, other) = (home.path().join("a/config"), home.path().join("b/config"));
        for path in [&one, &other] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        let held = lock_for(&one, &state, Duration::ZERO).unwrap();
        assert!(matches!(lock_for(&one, &state, Duration::ZERO), Err(Unlocked::Held { .. })));
        let second = lock_for(&other, &state, Duration::ZERO).unwrap();
        assert_eq!(files::list(&home.path().join("a")).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(files::list(&home.path().join("state/aldis/locks")).unwrap().len(), 2);
        drop((held, second));
        // Without such a folder it lies beside the file, if that is one.
        assert!(matches!(
            lock_for(&home.path().join("a"), &OwnState::default(), Duration::ZERO),
            Err(Unlocked::Unavailable { .. })
        ));
        let held = lock_for(&one, &OwnState::default(), Duration::ZERO).unwrap();
        assert_eq!(files::list(&home.path().join("a")).unwrap(), [home.path().join("a/.config.aldis.lock")]);
        drop(held);
    }

    #[test]
    fn processes_without_a_common_state_folder_meet_at_the_file_itself() {
        let home = tempfile::tempdir().unwrap();
        let state = |name: &str| OwnState::in_folder(StateFolder::at(home.path().join(name)).unwrap());
        let path = home.path().join("token.json");
        let try_both = || {
            let first = lock_for(&path, &state("one"), Duration::ZERO);
            (first.is_ok(), lock_for(&path, &state("two"), Duration::ZERO).is_ok())
        };
        assert_eq!(try_both(), (true, true), "there is no file");
        super::super::keep(&path, b"x").unwrap();
        assert_eq!(try_both(), (true, false));
        // Strangers could hold it.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(try_both(), (true, true));
    }

    #[test]
    fn a_file_that_was_replaced_since_it_was_opened_is_another_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("token.json");
        super::super::keep(&path, b"one").unwrap();
        let opened = File::open(&path).unwrap();
        assert!(is_at(&path, &opened.metadata().unwrap()));
        super::super::keep(&path, b"two").unwrap();
        assert!(!is_at(&path, &opened.metadata().unwrap()));
        let held = take_itself(&path, Instant::now()).unwrap();
        assert!(held.is_some() && take_itself(&path, Instant::now()).is_err());
    }
}
