//! The private socket between an administrator and a center on one machine: a Unix socket in a folder of mode 0700
//! whose owner and mode both sides check, and each side checks who the other is.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::env::{Env, own_uid};
use crate::files;

/// Why the private socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The folder is somebody else's or open to others.
    #[error("{folder} {what}, so its sockets are not trusted")]
    Untrusted {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The process at the other end belongs to somebody else.
    #[error("the process behind {path} belongs to user {uid}, not to you")]
    OtherUser {
        /// The socket.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// Somebody listens there.
    #[error("another center of yours answers at {path}")]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// Whatever else the system says.
    #[error("the socket {path} cannot be used")]
    System {
        /// The socket or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The folder of this user's private sockets: `$XDG_RUNTIME_DIR/aldis`, else `/tmp/aldis-UID`. It does not depend on
/// `HOME`, so that a center and its administrator meet whatever their homes are.
pub fn private_folder(env: &Env) -> PathBuf {
    match env.runtime_dir() {
        Some(folder) => folder.join("aldis"),
        None => PathBuf::from(format!("/tmp/aldis-{}", own_uid())),
    }
}

/// Checks that a folder is a real folder of this user and that nobody else may enter it. Root is held to it as well: who
/// owns the folder chooses what answers there.
fn check_folder(folder: &Path) -> Result<(), SocketError> {
    let untrusted = |what: &str| SocketError::Untrusted { folder: folder.to_owned(), what: what.to_owned() };
    let system = |source| SocketError::System { path: folder.to_owned(), source };
    if !std::fs::symlink_metadata(folder).map_err(system)?.is_dir() {
        return Err(untrusted("is not a folder"));
    }
    let (owner, mode) = files::owner_and_mode(folder).map_err(system)?;
    if owner != own_uid() {
        return Err(untrusted(&format!("belongs to user {owner}")));
    }
    if mode & 0o077 != 0 {
        return Err(untrusted(&format!("is open to others (mode {mode:04o}, must be 0700)")));
    }
    Ok(())
}

/// A listening private socket; the file goes when this is dropped.
#[derive(Debug)]
pub struct PrivateListener {
    path: PathBuf,
    listener: UnixListener,
}

impl PrivateListener {
    /// Makes the folder where it is missing, checks it, and listens at `name` in it. A socket that a dead process left
    /// there is replaced.
    ///
    /// # Errors
    /// When the folder is not private, or the system refuses.
    pub fn bind(folder: &Path, name: &str) -> Result<Self, SocketError> {
        let path = folder.join(name);
        let system = |source| SocketError::System { path: path.clone(), source };
        files::make_private_folder(folder).map_err(system)?;
        check_folder(folder)?;
        if UnixStream::connect(&path).is_ok() {
            return Err(SocketError::Taken { path });
        }
        files::remove(&path).map_err(system)?;
        let listener = UnixListener::bind(&path).map_err(system)?;
        Ok(Self { path, listener })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A second handle on the listening socket, not blocking, for a runtime that waits on many.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn handle(&self) -> io::Result<UnixListener> {
        self.listener.set_nonblocking(true)?;
        self.listener.try_clone()
    }
}

impl Drop for PrivateListener {
    fn drop(&mut self) {
        // Left behind, it would be replaced by the next center on that port.
        let _ = files::remove(&self.path);
        if let Some(folder) = self.path.parent() {
            // Goes only when this was the last socket in it.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Whether the user behind the other end is one to deal with: the same user, or root.
pub fn may_administer(peer_uid: u32) -> bool {
    peer_uid == own_uid() || peer_uid == 0
}

/// A conversation over a private socket, line by line.
#[derive(Debug)]
pub struct PrivateStream(BufReader<UnixStream>);

impl PrivateStream {
    /// Sends one line.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn send_line(&mut self, line: &str) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes())
    }

    /// The next line without its end; nothing when the other end has ended the conversation.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn next_line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let length = self.0.read_line(&mut line)?;
        Ok((length > 0).then(|| line.trim_end_matches('\n').to_owned()))
    }

    /// The user behind the other end, as the kernel knows it.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn peer_uid(&self) -> io::Result<u32> {
        peer_uid(self.0.get_ref())
    }
}

/// Connects to the private socket at `name` in `folder`.
///
/// # Errors
/// When the folder is not private, nobody listens, or the listener is neither this user's nor root's.
pub fn connect_private(folder: &Path, name: &str) -> Result<PrivateStream, SocketError> {
    check_folder(folder)?;
    let path = folder.join(name);
    let system = |source| SocketError::System { path: path.clone(), source };
    let stream = UnixStream::connect(&path).map_err(system)?;
    stream.set_write_timeout(Some(Duration::from_secs(5))).map_err(system)?;
    let peer = peer_uid(&stream).map_err(system)?;
    if !may_administer(peer) {
        return Err(SocketError::OtherUser { path, uid: peer });
    }
    Ok(PrivateStream(BufReader::new(stream)))
}

/// The sockets in a private folder, by name; none where the folder is missing.
///
/// # Errors
/// When the folder is not private.
pub fn private_sockets(folder: &Path) -> Result<Vec<String>, SocketError> {
    if !files::exists(folder) {
        return Ok(Vec::new());
    }
    check_folder(folder)?;
    let paths =
        files::list(folder).map_err(|source| SocketError::System { path: folder.to_owned(), source })?;
    Ok(paths
        .iter()
        .filter_map(|path| path.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".sock"))
        .collect())
}

/// The user behind the other end of a connection, as the kernel knows it.
///
/// # Errors
/// When the system does not say.
#[cfg(target_os = "linux")]
fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}

/// The user behind the other end of a connection: unknown here, so nobody is let in.
///
/// # Errors
/// Always, on systems other than Linux.
#[cfg(not(target_os = "linux"))]
fn peer_uid(_stream: &UnixStream) -> io::Result<u32> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this system's way to ask for a peer's user is not built in yet",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn meets_in_a_private_folder_and_leaves_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("aldis");
        let listener = PrivateListener::bind(&folder, "center-1.sock").unwrap();
        assert_eq!(private_sockets(&folder).unwrap(), ["center-1.sock"]);
        let stream = connect_private(&folder, "center-1.sock").unwrap();
        assert_eq!(stream.peer_uid().unwrap(), own_uid());
        drop(listener);
        assert!(!files::exists(&folder));
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused_by_both_sides() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("aldis");
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = PrivateListener::bind(&folder, "x.sock").unwrap_err();
        assert!(error.to_string().contains("mode 0755"), "{error}");
        assert!(matches!(connect_private(&folder, "x.sock"), Err(SocketError::Untrusted { .. })));
    }

    #[test]
    fn a_link_is_not_a_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let (real, link) = (temporary.path().join("real"), temporary.path().join("link"));
        files::make_private_folder(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(matches!(PrivateListener::bind(&link, "x.sock"), Err(SocketError::Untrusted { .. })));
    }
}
