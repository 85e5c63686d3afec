//! Reading files and keeping folders. Writing what matters goes through [`crate::shelf`].

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

/// The largest file that is read whole, in bytes; no configuration and no cache comes near it.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The bytes of a regular file of at most 64 MiB; `None` if there is no file. A pipe is read only under the names that shells
/// give to the output of a command (`/dev/fd/63`, `/proc/self/fd/63`): opening another one could wait forever.
///
/// # Errors
/// Whatever else the system says, `InvalidInput` for a device, a folder or a named pipe, and `FileTooLarge`.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let is_missing =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    // Looked at before it is opened, because opening a named pipe waits for its other end.
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_output_of_a_command =
        metadata.file_type().is_fifo() && (path.starts_with("/dev/fd") || path.starts_with("/proc"));
    if !metadata.is_file() && !is_output_of_a_command {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {LARGEST} bytes"),
        ));
    }
    Ok(Some(bytes))
}

/// The text of a file, bytes that are not UTF-8 replaced; nothing where there is none.
///
/// # Errors
/// Whatever else the system says.
pub fn read_text(path: &Path) -> io::Result<Option<String>> {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(read(path)?.map(|bytes| String::from_utf8(bytes).unwrap_or_else(|error| lossy(error.as_bytes()))))
}

/// The text of a file with its owner and mode, taken from the very file that is read (links are followed); nothing where
/// there is none. For files that must not be anybody else's.
///
/// # Errors
/// Whatever else the system says, `InvalidData` for a text that is not UTF-8, and `InvalidInput` for what is not a regular
/// file.
pub fn read_owned(path: &Path) -> io::Result<Option<OwnedText>> {
    // Opening a pipe would wait for its other end.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(OwnedText {
        text,
        owner: metadata.uid(),
        group: metadata.gid(),
        mode: metadata.permissions().mode() & 0o7777,
    }))
}

/// What [`read_owned`] read.
#[derive(PartialEq, Eq)]
pub struct OwnedText {
    /// The text.
    pub text: String,
    /// The number of the user whose file it is.
    pub owner: u32,
    /// The number of the group whose file it is.
    pub group: u32,
    /// Its mode bits.
    pub mode: u32,
}

/// The bytes of a regular file of at most `most` bytes; nothing where there is none.
///
/// # Errors
/// Whatever else the system says, a file that is larger, and what is not a regular file.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {most} bytes")));
    }
    Ok(Some(bytes))
}

/// The beginning of a regular file, at most `most` bytes, those that are not UTF-8 replaced; nothing where it cannot be read.
/// For files of the system that tell of this machine.
pub fn beginning(path: &Path, most: u64) -> Option<String> {
    // Opening a pipe would wait for its other end.
    fs::metadata(path).ok().filter(|metadata| metadata.is_file())?;
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Makes a folder of this user 0700, and those above it where they are missing; one that others may enter is closed to them.
///
/// # Errors
/// Whatever the system says.
pub fn keep_private_folder(path: &Path) -> io::Result<()> {
    make_private_folder(path)?;
    let (owner, mode) = owner_and_mode(path)?;
    if owner == crate::env::own_uid() && mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Whether something lies at that path.
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether a path leads to a folder, links followed.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Makes a folder and those above it. What is made is 0700; what was there keeps its mode.
///
/// # Errors
/// Whatever the system says.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes a file; fine where there is none.
///
/// # Errors
/// Whatever else the system says.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The paths of what lies in a folder, sorted; nothing where there is none.
///
/// # Errors
/// Whatever else the system says.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Sixteen random hex digits, for the name of a file that nobody else makes.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random_name() -> io::Result<String> {
    let bytes: [u8; 8] = crate::Dice::real().bytes().map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether this user may make files in a folder, or could make the folder, and whether there is room: tried with as much as
/// a token takes, not guessed, and nothing stays.
///
/// # Errors
/// What the system said to the try.
pub fn try_writing_in(folder: &Path) -> io::Result<()> {
    make_private_folder(folder)?;
    let probe = folder.join(format!(".aldis-probe-{}", random_name()?));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe)?;
    let tried = file.write_all(&[b' '; 8192]).and_then(|()| file.sync_all());
    tried.and(fs::remove_file(&probe))
}

/// The time at which a file was last written, in nanoseconds since 1970 by the clock of its file system; `None` if there is no
/// such file. Links are followed.
pub fn modified(path: &Path) -> Option<i128> {
    let metadata = fs::metadata(path).ok()?;
    Some(i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()))
}

/// Owner and mode bits of what lies at a path, links not followed.
///
/// # Errors
/// Whatever the system says.
pub fn owner_and_mode(path: &Path) -> io::Result<(u32, u32)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.uid(), metadata.permissions().mode() & 0o7777))
}

/// Owner and mode bits of what a path leads to, links followed.
///
/// # Errors
/// Whatever the system says.
pub fn owner_and_mode_behind(path: &Path) -> io::Result<(u32, u32)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.uid(), metadata.permissions().mode() & 0o7777))
}

/// A new private folder for temporary files that is removed with all it holds when dropped.
#[derive(Debug)]
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes one below the system's folder for temporary files, named after `name` and a random number.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn new(name: &str, random: u64) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("{name}-{random:016x}"));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // Nobody is left to tell, and the system clears its temporary files itself.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Finds a program by name along a `PATH`, as a shell would.
pub fn find_program(name: &str, path: &str) -> Option<PathBuf> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return is_program(&path).then_some(path);
    }
    path.split(':')
        .filter(|folder| !folder.is_empty())
        .map(|folder| Path::new(folder).join(name))
        .find(|path| is_program(path))
}

/// Whether two paths lead to the same file, links followed.
pub fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
