//! Becoming another program.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// What is different in the environment of the other program; all else stays as it is, byte for byte. `Debug` shows names
/// only, for values may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Variables that it must not see.
    pub without: Vec<String>,
    /// Variables that it sees with these values.
    pub with: Vec<(String, String)>,
}

impl fmt::Debug for Changes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.with.iter().map(|(name, _)| name).collect();
        out.debug_struct("Changes").field("without", &self.without).field("with", &names).finish()
    }
}

/// Turns this process into another program, found along `PATH` as a shell finds it: signals, terminal and exit code are
/// the program's from then on. Returns only where that did not happen, with what the system said.
pub fn become_program(program: &OsString, arguments: &[OsString], changes: &Changes) -> io::Error {
    let mut command = Command::new(program);
    command.args(arguments);
    for name in &changes.without {
        command.env_remove(name);
    }
    command.envs(changes.with.iter().map(|(name, value)| (name, value)));
    command.exec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_program_is_said_to_be_none() {
        let none = |name: &str| become_program(&name.into(), &[], &Changes::default()).kind();
        assert_eq!(none("no-such-program-anywhere"), io::ErrorKind::NotFound);
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(none(&folder.path().display().to_string()), io::ErrorKind::PermissionDenied);
        let file = folder.path().join("plain");
        std::fs::write(&file, "").unwrap();
        assert_eq!(none(&file.display().to_string()), io::ErrorKind::PermissionDenied);
    }
}
