//! The master keys of a center: read, or made the first time.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use center::seal::{KeyRing, MASTER_KEY_LENGTH};
use outside::env::own_uid;
use outside::{Outside, files, shelf};
use zeroize::Zeroizing;

use crate::report::{Failure, Kind};

/// How long to wait for another center that is making the keys at this moment.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Keys, and why they will be gone at the end where they will.
pub(crate) struct Keys {
    pub(crate) ring: KeyRing,
    pub(crate) only_in_memory: Option<String>,
}

/// The keys at `path`. Where there are none they are made; where they cannot be kept they live in memory.
pub(crate) fn load(path: Option<&Path>, outside: &Outside) -> Result<Keys, Failure> {
    let Some(path) = path else {
        return in_memory(outside, "there is no home folder".to_owned());
    };
    // Two centers that start at once must agree on one key; without a lock the second one reads what the first one kept.
    let _lock = shelf::lock(&path.with_extension("key.lock"), LOCK_PATIENCE);
    match files::read_owned(path) {
        Ok(Some(file)) => {
            let text = Zeroizing::new(file.text);
            private(path, file.owner, file.mode)?;
            let ring = KeyRing::parse(&text).map_err(|error| broken(path, error))?;
            Ok(Keys { ring, only_in_memory: None })
        }
        Ok(None) => {
            let ring = new_ring(outside)?;
            match shelf::keep(path, ring.to_text().as_bytes()) {
                Ok(()) => Ok(Keys { ring, only_in_memory: None }),
                Err(error) => Ok(Keys { ring, only_in_memory: Some(format!("{}: {error}", path.display())) }),
            }
        }
        // A state folder that this user may not even enter: a container that changed the user and kept the home.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && !files::exists(path) => {
            in_memory(outside, format!("{}: {error}", path.display()))
        }
        Err(error) => Err(broken(path, error)),
    }
}

/// New keys that are kept nowhere.
pub(crate) fn in_memory(outside: &Outside, why: String) -> Result<Keys, Failure> {
    Ok(Keys { ring: new_ring(outside)?, only_in_memory: Some(why) })
}

fn new_ring(outside: &Outside) -> Result<KeyRing, Failure> {
    let random: [u8; MASTER_KEY_LENGTH] =
        outside.dice.bytes().map_err(|error| Failure::new(Kind::Other, error))?;
    Ok(KeyRing::with_new_key(random))
}

/// A key that somebody else gave or can read is none: whoever has it can forge every sign-in.
fn private(path: &Path, owner: u32, mode: u32) -> Result<(), Failure> {
    if owner != own_uid() && owner != 0 {
        let what = format!("the key file {} belongs to user {owner}", path.display());
        return Err(Failure::new(Kind::Configuration, what).hint(format!(
            "make it yours: chown {} {}",
            own_uid(),
            path.display()
        )));
    }
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let what = format!("the key file {} can be read by others (mode {mode:04o})", path.display());
    Err(Failure::new(Kind::Configuration, what).hint(format!("chmod 600 {}", path.display())))
}

fn broken(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Configuration, format!("the key file {} cannot be used: {error}", path.display()))
        .hint(format!(
            "restore it from a copy; or begin anew, which ends every registration: rm {}",
            path.display()
        ))
}
