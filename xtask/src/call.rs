//! A program to run, as a value: shown to the developer exactly as it can be typed again.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::trouble::Trouble;

/// One call of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Call {
    /// A call of `program` with `arguments`.
    pub(crate) fn new(program: impl Into<String>, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { program: program.into(), arguments, environment: Vec::new() }
    }

    /// A call from one line of words that are separated by blanks and need no quotes.
    pub(crate) fn line(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        Self::new(program, &words.collect::<Vec<_>>())
    }

    /// The same call with one more variable in its environment.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The call as a line that a shell understands.
    pub(crate) fn shown(&self) -> String {
        let variables = self.environment.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let words = std::iter::once(&self.program).chain(&self.arguments).map(|word| quoted(word));
        variables.chain(words).collect::<Vec<_>>().join(" ")
    }

    /// Runs the program in `folder`; what it prints goes where our own words go.
    pub(crate) fn run(&self, folder: &Path) -> Result<(), Trouble> {
        println!("$ {}", self.shown());
        let status = self.command(folder).status().map_err(|e| {
            Trouble::new(
                format!("`{}` could not be started: {e}", self.program),
                format!("install `{}`, then repeat: {}", self.program, self.shown()),
            )
        })?;
        if status.success() {
            return Ok(());
        }
        Err(Trouble::new(
            format!("`{}` ended with {status}", self.shown()),
            format!("what it printed above says why; to repeat only this: {}", self.shown()),
        ))
    }

    /// Whether the program is there and ends well; says nothing.
    pub(crate) fn ends_well(&self, folder: &Path) -> bool {
        let mut command = self.command(folder);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// What the program prints on stdout, if it is there and ends well.
    pub(crate) fn answer(&self, folder: &Path) -> Option<String> {
        let output = self.command(folder).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        // No test may wait for words from a terminal: here there is none, as in CI.
        command.args(&self.arguments).current_dir(folder).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if is_of_our_own_package(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Whether cargo set this variable to describe xtask. Handed on to another cargo it looks like a change to build
/// scripts that ask for it (ring's does), and each turn between `cargo build` and `cargo xtask` would build anew.
fn is_of_our_own_package(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
        .iter()
        .any(|start| name.starts_with(start))
        || ["CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&name)
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_shown_as_it_can_be_typed() {
        let call = Call::new("python3", &["-c", "import venv, ensurepip", "it's", ""]).with("HOME", "/a b");
        assert_eq!(call.shown(), r"HOME='/a b' python3 -c 'import venv, ensurepip' 'it'\''s' ''");
        assert_eq!(Call::line("cargo fmt --all").shown(), "cargo fmt --all");
    }

    #[test]
    fn a_failure_names_the_call_to_repeat() {
        let folder = tempfile::tempdir().unwrap();
        let call = Call::new("sh", &["-c", "exit 3"]);
        let trouble = call.run(folder.path()).unwrap_err().to_string();
        assert!(trouble.contains("exit status: 3") && trouble.ends_with("sh -c 'exit 3'"), "{trouble}");
        let missing = Call::line("no-such-program-here --now");
        let trouble = missing.run(folder.path()).unwrap_err().to_string();
        assert!(trouble.contains("could not be started") && trouble.contains("install"), "{trouble}");
        assert!(!call.ends_well(folder.path()) && !missing.ends_well(folder.path()));
        assert_eq!(missing.answer(folder.path()), None);
    }

    #[test]
    fn a_program_gets_no_words_and_nothing_about_xtask() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Call::line("cat").answer(folder.path()).unwrap(), "");
        let seen = Call::line("env").with("ALDIS_BIN", "/b").answer(folder.path()).unwrap();
        assert!(seen.lines().any(|line| line == "ALDIS_BIN=/b"));
        // The test runner's cargo told us our package's name; a program that we run must not hear it.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        assert!(!seen.contains("CARGO_PKG_NAME="), "{seen}");
    }
}
