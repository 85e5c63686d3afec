//! A machine of its own: a home, an environment that holds nothing else, and the binary.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::run::{SOMEBODY, is_root};
use crate::{Center, Run, Terminal};

/// A machine. Its files go when it is dropped.
#[derive(Debug)]
pub struct Machine {
    folder: TempDir,
    binary: PathBuf,
    environment: Vec<(String, String)>,
}

impl Machine {
    /// A new machine with the binary at `binary` and an empty home.
    pub fn new(binary: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("aldis-machine-").tempdir().expect("a temporary folder");
        let path = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).expect("a folder");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("its mode");
            path.display().to_string()
        };
        let environment = vec![
            ("HOME".to_owned(), path("home")),
            ("XDG_RUNTIME_DIR".to_owned(), path("run")),
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("TZ".to_owned(), "UTC".to_owned()),
        ];
        Self { binary: PathBuf::from(binary), environment, folder }
    }

    /// The same machine with one more variable for all that runs on it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its home folder.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder that holds everything of this machine.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program under test.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The variables for all that runs on it.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// A command line of the binary, not yet started.
    pub fn aldis(&self, words: &[&str]) -> Run<'_> {
        Run::new(self, words)
    }

    /// An interactive bash in a terminal of its own of so many columns and rows, with the binary in its `PATH` and the prompt
    /// `$ `.
    pub fn shell(&self, size: (u16, u16)) -> Terminal {
        let mut command = Command::new("bash");
        command.args(["--norc", "--noprofile", "-i"]).env_clear().envs(self.environment.iter().cloned());
        let folder = self.binary.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        command.env("PATH", format!("{folder}:/usr/bin:/bin")).env("PS1", "$ ").current_dir(self.home());
        Terminal::start(&command, size)
    }

    /// A command line of another program of this machine, not yet started.
    pub fn program(&self, name: &str, words: &[&str]) -> Run<'_> {
        Run::of(self, Path::new(name), words)
    }

    /// A center on a free port, in memory, ready to serve; `words` are further flags of `aldis serve`.
    pub fn center(&self, words: &[&str]) -> Center {
        let mut all = vec!["serve", "--memory", "--listen", "127.0.0.1:0", "--output", "json"];
        all.extend(words);
        Center::start(self, &all)
    }

    /// A center with exactly these flags of `aldis serve`, which must include `--output json`.
    pub fn center_with(&self, words: &[&str]) -> Center {
        let mut all = vec!["serve"];
        all.extend(words);
        Center::start(self, &all)
    }

    /// Writes a file below the home.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(path, text).expect("the file");
    }

    /// The text of a file below the home.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.home().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A config with one sso-session `dev` of nothing but that start URL, and the profile `dev` for a role in it.
    pub fn configure(&self, start_url: &str) {
        self.write(".aws/config", &config(start_url));
    }

    /// Gives everything of this machine to the user as whom [`Run::as_somebody`] runs.
    pub fn give_to_somebody(&self) {
        if is_root() {
            let owner = format!("{SOMEBODY}:{SOMEBODY}");
            let status = Command::new("chown").args(["-R", &owner]).arg(self.folder()).status();
            assert!(status.is_ok_and(|status| status.success()), "chown {owner}");
        }
    }

    /// Takes away the right to write below a path of the home, from everybody whom modes hold.
    pub fn make_read_only(&self, path: &str) {
        let path = self.home().join(path);
        let status = Command::new("chmod").args(["-R", "a-w"]).arg(&path).status();
        assert!(status.is_ok_and(|status| status.success()), "chmod {}", path.display());
    }

    /// Every file below the home with its mode, sorted by path.
    pub fn files(&self) -> Vec<(String, u32)> {
        let mut found = Vec::new();
        let mut folders = vec![self.home()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder").flatten() {
                let metadata = entry.metadata().expect("its metadata");
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else {
                    let path = entry.path();
                    let path = path.strip_prefix(self.home()).expect("below the home").display().to_string();
                    found.push((path, metadata.permissions().mode() & 0o777));
                }
            }
        }
        found.sort();
        found
    }
}

/// The text of a config with one sso-session `dev` of nothing but that start URL, and the profile `dev` for a role in it.
pub fn config(start_url: &str) -> String {
    format!(
        "[profile dev]\nsso_session = dev\nsso_account_id = 111122223333\nsso_role_name = ReadOnly\n\n\
         [sso-session dev]\nsso_start_url = {start_url}\n"
    )
}
