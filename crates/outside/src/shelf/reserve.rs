//! Reservations: room and rights to replace a file, made sure of before something is spent that only a successful write can
//! replace, such as a refresh token.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Beside, followed, in_place};
use crate::state::OwnState;
use crate::{env, files};

/// A temporary file older than this belongs to a process that was killed: no request takes so long.
const STALE: Duration = Duration::from_secs(600);
const STICKY: u32 = 0o1000;

/// Room for the next text of a file: a temporary file beside it that occupies its bytes already. Dropping the reservation
/// removes the temporary file and leaves the file itself alone.
#[derive(Debug)]
pub struct Reservation {
    beside: Beside,
    file: File,
    path: PathBuf,
}

/// Reserves room for `bytes` bytes that are to replace the file at `path`. They are written and synced, because an empty file
/// can be created on a full disk. A symbolic link is followed. A file that is written in place ([`super::in_place`]) gets the room
/// for its copy.
///
/// # Errors
/// If the file could neither be replaced nor written in place: a read-only folder or mount, a full disk, or an owner whom the new
/// file could not be given to.
pub fn reserve(path: &Path, bytes: usize, state: &OwnState) -> io::Result<Reservation> {
    let path = followed(path);
    check_target(&path, bytes)?;
    remove_stale(&path);
    let (beside, mut file) = Beside::create(&path, state)?;
    if beside.is_beside(&path) {
        give_to_owner(&file, &path)?;
    }
    // Spaces: if a process is killed here and another program reads the file, it finds nothing to misunderstand.
    file.write_all(&vec![b' '; bytes])?;
    file.sync_all()?;
    Ok(Reservation { beside, file, path })
}

impl Reservation {
    /// Writes `bytes` into the reserved room and replaces the file by them in one step.
    ///
    /// # Errors
    /// Whatever the system says; then the file is as it was.
    pub fn fill(mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(bytes)?;
        self.file.set_len(bytes.len() as u64)?;
        self.file.sync_all()?;
        self.beside.replace(&self.path)
    }
}

/// Checks whether a file could be replaced, without writing anything: for `status`, which only reads. [`reserve`] is the test
/// that counts.
///
/// # Errors
/// As [`reserve`], as far as it can be seen.
pub fn check_replaceable(path: &Path, state: &OwnState) -> io::Result<()> {
    let path = followed(path);
    check_target(&path, 1)?;
    let folder = path.parent().unwrap_or(&path);
    let access = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    if let Err(error) = access.map_err(io::Error::from) {
        let is_in_place =
            in_place::is_closed(&error) && in_place::takes_writing(&path) && state.folder().is_some();
        return if is_in_place { Ok(()) } else { Err(error) };
    }
    let disk = rustix::fs::statvfs(folder)?;
    // Some file systems know no sizes and say that they have no blocks at all.
    if disk.f_blocks > 0 && disk.f_bavail == 0 {
        return Err(io::Error::from(io::ErrorKind::StorageFull));
    }
    Ok(())
}

/// Refuses a file that could not get another text of so many bytes though its folder can be written.
fn check_target(path: &Path, bytes: usize) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    check_attributes(path, bytes)?;
    let own = env::own_uid();
    if let Some(folder) = path.parent().and_then(|folder| fs::metadata(folder).ok())
        && folder.mode() & STICKY != 0
        && own != 0
        && ![metadata.uid(), folder.uid()].contains(&own)
    {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    Ok(())
}

/// Refuses mount points that cannot be written in place, and files that may not be changed (`chattr +i`). Linux says so since
/// 5.8; before that, and elsewhere, only the rename itself would.
#[cfg(target_os = "linux")]
pub(super) fn check_attributes(path: &Path, bytes: usize) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

    let Ok(found) = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS) else {
        return Ok(());
    };
    if found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
        in_place::check_mounted(path, bytes)?;
    }
    if found.stx_attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND) {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn check_attributes(_path: &Path, _bytes: usize) -> io::Result<()> {
    Ok(())
}

/// Gives a new file to the owner of the file that it replaces, or else of the folder: root in a container that mounts a user's
/// home must not leave files there that the user cannot read.
///
/// # Errors
/// If the system does not allow it; only root may.
pub(super) fn give_to_owner(file: &File, path: &Path) -> io::Result<()> {
    let like = match (fs::symlink_metadata(path), path.parent()) {
        (Ok(old), _) => old,
        (Err(_), Some(folder)) if env::own_uid() == 0 => fs::metadata(folder)?,
        (Err(_), _) => return Ok(()),
    };
    if file.metadata()?.uid() == like.uid() || !is_all_of(like.uid(), path) {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid()))
}

/// Whether the folders around a cache file (`sso/cache`, `sso`, `.aws`) all belong to one user. A folder that another user has
/// made in a place that others may write must not make a token theirs.
fn is_all_of(owner: u32, path: &Path) -> bool {
    path.ancestors()
        .skip(1)
        .take(3)
        .all(|folder| fs::metadata(folder).is_ok_and(|found| found.uid() == owner))
}

/// Removes what killed processes left beside a file.
fn remove_stale(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let prefix = format!(".{}.", name.to_string_lossy());
    let is_stale = |path: &Path| {
        let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > STALE))
    };
    for beside in files::list(folder).unwrap_or_default() {
        let name = beside.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(&prefix) && name.ends_with(".tmp") && is_stale(&beside) {
            // A file that cannot be removed is tried again by the next reservation.
            let _ = files::remove(&beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_reservation_occupies_its_bytes_and_becomes_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.json");
        for text in ["short", &"long ".repeat(2000)] {
            let reservation = reserve(&path, 4096, &OwnState::default()).unwrap();
            let beside = files::list(folder.path()).unwrap().into_iter().find(|found| *found != path);
            let metadata = fs::metadata(beside.unwrap()).unwrap();
            assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (4096, 0o600));
            reservation.fill(text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), *text);
            assert_eq!(files::list(folder.path()).unwrap(), std::slice::from_ref(&path));
        }
    }

    #[test]
    fn a_reservation_that_is_dropped_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.json");
        fs::write(&path, "old").unwrap();
        drop(reserve(&path, 4096, &OwnState::default()).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(files::list(folder.path()).unwrap(), [path]);
    }

    #[test]
    fn a_folder_at_the_place_of_the_file_is_found_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert_eq!(reserve(&path, 1, &OwnState::default()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(
            check_replaceable(&path, &OwnState::default()).unwrap_err().kind(),
            io::ErrorKind::IsADirectory
        );
        assert_eq!(files::list(folder.path()).unwrap(), [path]);
    }

    #[test]
    fn temporary_files_of_killed_processes_are_removed_and_those_of_living_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.json");
        let living = reserve(&path, 1, &OwnState::default()).unwrap();
        let old = folder.path().join(".token.json.00.tmp");
        let file = File::create(&old).unwrap();
        file.set_modified(SystemTime::now() - 2 * STALE).unwrap();
        let other = folder.path().join(".other.json.00.tmp");
        File::create(&other).unwrap().set_modified(SystemTime::now() - 2 * STALE).unwrap();
        drop(reserve(&path, 1, &OwnState::default()).unwrap());
        assert!(!files::exists(&old) && files::exists(&other));
        living.fill(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }
}
