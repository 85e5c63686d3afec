//! The environment, taken once as a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use wire::words::printable;

/// The variables of a process. Names and values that are not UTF-8 are read with replacement characters, but for paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env {
    variables: BTreeMap<String, String>,
    /// The values that are not UTF-8, as they are: a path may be of any bytes.
    raw: BTreeMap<String, OsString>,
    /// The home folder of the user in the system's own records, for where `HOME` is missing.
    account_home: Option<PathBuf>,
}

impl Env {
    /// The environment of this process.
    pub fn real() -> Self {
        let variables = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let raw = std::env::vars_os()
            .filter(|(_, value)| value.to_str().is_none())
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .collect();
        Self { variables, raw, account_home: std::env::home_dir() }
    }

    /// A made-up environment.
    pub fn pretended(variables: &[(&str, &str)]) -> Self {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { variables, raw: BTreeMap::new(), account_home: None }
    }

    /// The value of a variable; one that is set to nothing counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of a variable that is no text, where it is none, as a path.
    pub fn raw_path(&self, name: &str) -> Option<PathBuf> {
        self.raw.get(name).map(PathBuf::from)
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw_path(name).or_else(|| self.get(name).map(PathBuf::from))
    }

    /// Every variable that is set, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same environment with one variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self.raw.remove(name);
        self
    }

    /// The same environment without the variables whose names `unwanted` accepts.
    #[must_use]
    pub fn without(mut self, unwanted: impl Fn(&str) -> bool) -> Self {
        self.variables.retain(|name, _| !unwanted(name));
        self.raw.retain(|name, _| !unwanted(name));
        self
    }

    /// The user's home folder: `HOME`, or else what the system's records say (as Python's `expanduser` does, so
    /// that we find the files of the AWS CLI). Nothing where neither knows one.
    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| self.account_home.clone())
    }

    /// Where the user's programs keep state: `XDG_STATE_HOME`, else `~/.local/state`. Relative values are ignored,
    /// as the XDG base directory specification demands.
    pub fn state_home(&self) -> Option<PathBuf> {
        self.absolute("XDG_STATE_HOME").or_else(|| self.home().map(|home| home.join(".local/state")))
    }

    /// The folder for sockets of this user (`XDG_RUNTIME_DIR`), where there is one.
    pub fn runtime_dir(&self) -> Option<PathBuf> {
        self.absolute("XDG_RUNTIME_DIR")
    }

    /// Whether the terminal knows control sequences: `TERM` is not `dumb`.
    pub fn knows_sequences(&self) -> bool {
        self.get("TERM") != Some("dumb")
    }

    /// Whether the terminal shows more than ASCII: what the locale (`LC_ALL`, `LC_CTYPE`, `LANG`) says.
    pub fn is_utf8(&self) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| self.get(name));
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    }

    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.path(name).filter(|path| path.is_absolute())
    }
}

/// The number of the user that this process acts for.
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The name of that user in the system's own records.
pub fn own_user_name() -> Option<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok()??;
    Some(user.name).filter(|name| !name.is_empty())
}

/// The kind of operating system, as Rust names it: `linux`, `macos`, `freebsd`.
pub fn system() -> &'static str {
    std::env::consts::OS
}

/// The operating system in words: the name of the distribution if it has one, then the kernel with its version and the kind of
/// processor.
pub fn operating_system() -> String {
    let kernel = rustix::system::uname();
    let [name, release, machine] = [kernel.sysname(), kernel.release(), kernel.machine()]
        .map(|text| text.to_string_lossy().into_owned());
    let kernel = printable(&format!("{name} {release} {machine}"), 200);
    let records = ["/etc/os-release", "/usr/lib/os-release"].iter();
    let record = records.filter_map(|path| crate::files::read_text(Path::new(path)).ok().flatten()).next();
    match record.as_deref().and_then(pretty_name) {
        Some(name) => format!("{name}, {kernel}"),
        None => kernel,
    }
}

/// `PRETTY_NAME` of os-release(5).
fn pretty_name(record: &str) -> Option<String> {
    let value = record.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let name = printable(value.trim().trim_matches(['"', '\'']), 100);
    Some(name).filter(|name| !name.is_empty())
}

/// The program that is running, as a path.
pub fn own_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

#[cfg(test)]
mod tests {
    use super::Env;
    use std::path::PathBuf;

    #[test]
    fn a_distribution_is_named_as_its_record_says() {
        let name = |text| super::pretty_name(text);
        assert_eq!(
            name("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n").as_deref(),
            Some("Debian GNU/Linux 12")
        );
        assert_eq!(name("PRETTY_NAME='Alpine'\n").as_deref(), Some("Alpine"));
        assert_eq!(name("PRETTY_NAME=\n"), None);
        assert_eq!(name("ID=x\n"), None);
    }

    #[test]
    fn empty_means_not_set() {
        let env = Env::pretended(&[("AWS_PROFILE", ""), ("HOME", "/h")]);
        assert_eq!(env.get("AWS_PROFILE"), None);
        assert_eq!(env.home(), Some(PathBuf::from("/h")));
        assert_eq!(env.state_home(), Some(PathBuf::from("/h/.local/state")));
        assert_eq!(
            env.with("XDG_STATE_HOME", "relative").state_home(),
            Some(PathBuf::from("/h/.local/state"))
        );
    }
}
