//! `cargo xtask`: what a developer and CI run.
//!
//! - [`walls`]: the rules of `walls.toml` that neither the compiler nor clippy can hold
//! - [`test`]: everything that decides whether a change is good, in one command
//! - [`machine`]: what tests need of the machine, and how it comes there
//! - [`dist`]: the static file that people install
//! - [`speed`]: what a cached credential costs
//! - [`interop`]: foreign clients, in Python and JavaScript, against our binary
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks to its developer")]

mod call;
mod dist;
mod interop;
mod machine;
mod speed;
mod steps;
mod test;
mod trouble;
mod walls;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use trouble::Trouble;

/// What `cargo xtask` prints when it is asked for nothing, or for help.
const HELP: &str = "\
cargo xtask: the tools of this workspace

  cargo xtask test           everything that CI decides: format, lints, walls, machine, Rust tests,
                             release build, page faults, interoperability; stops at the first failure
  cargo xtask test --quick   the same without the release build and what comes after it
  cargo xtask walls          only the rules of walls.toml
  cargo xtask interop        only the release build and interoperability
  cargo xtask dist           the static file that people install, at target/dist/aldis
  cargo xtask faults         only that build and its page faults
  cargo xtask bench          what a cached credential costs, beside /bin/true and the AWS CLI
  cargo xtask prepare        only the installs that the tests need
";

/// What the developer asked for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Walls,
    Test { quick: bool },
    Interop,
    Dist,
    Faults,
    Bench,
    Prepare,
}

impl Command {
    /// Reads the words after `cargo xtask`.
    fn from_words(words: &[&str]) -> Result<Self, Trouble> {
        match words {
            [] | ["help" | "-h" | "--help", ..] | [_, "-h" | "--help"] => Ok(Self::Help),
            ["walls"] => Ok(Self::Walls),
            ["test"] => Ok(Self::Test { quick: false }),
            ["test", "--quick"] => Ok(Self::Test { quick: true }),
            ["interop"] => Ok(Self::Interop),
            ["dist"] => Ok(Self::Dist),
            ["faults"] => Ok(Self::Faults),
            ["bench"] => Ok(Self::Bench),
            ["prepare"] => Ok(Self::Prepare),
            _ => Err(Trouble::new(
                format!("`cargo xtask {}` is not a command", words.join(" ")),
                "see the commands with: cargo xtask",
            )),
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match Command::from_words(&words).and_then(|command| carry_out(&command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: &Command) -> Result<(), Trouble> {
    if *command == Command::Help {
        print!("{HELP}");
        return Ok(());
    }
    let here = std::env::current_dir().map_err(|e| {
        Trouble::new(format!("the current folder has no name: {e}"), "change into the repository")
    })?;
    let root = workspace_root(&here)?;
    match command {
        Command::Help => Ok(()),
        Command::Walls => walls::run(&root),
        Command::Test { quick } => test::run(&root, if *quick { test::QUICK } else { test::ALL }),
        Command::Interop => test::run(&root, test::INTEROP),
        Command::Dist => dist::run(&root).map(drop),
        Command::Faults => test::run(&root, test::FAULTS),
        Command::Bench => speed::bench(&root),
        Command::Prepare => machine::prepare(&root).and_then(|()| interop::prepare(&root)),
    }
}

/// The folder that holds `walls.toml`: `here` or one of those above it.
fn workspace_root(here: &Path) -> Result<PathBuf, Trouble> {
    here.ancestors().find(|folder| folder.join("walls.toml").is_file()).map(Path::to_path_buf).ok_or_else(
        || {
            Trouble::new(
                format!("neither {} nor a folder above it holds walls.toml", here.display()),
                "change into the repository and repeat the command",
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_name_a_command() {
        let table: &[(&[&str], Command)] = &[
            (&[], Command::Help),
            (&["--help"], Command::Help),
            (&["test", "--help"], Command::Help),
            (&["walls"], Command::Walls),
            (&["test"], Command::Test { quick: false }),
            (&["test", "--quick"], Command::Test { quick: true }),
            (&["interop"], Command::Interop),
            (&["dist"], Command::Dist),
            (&["faults"], Command::Faults),
            (&["bench"], Command::Bench),
            (&["prepare"], Command::Prepare),
        ];
        for (words, command) in table {
            assert_eq!(&Command::from_words(words).unwrap(), command, "{words:?}");
        }
    }

    #[test]
    fn unknown_words_are_refused_with_what_to_type() {
        for words in [&["wals"][..], &["test", "--fast"], &["walls", "now"]] {
            let trouble = Command::from_words(words).unwrap_err().to_string();
            assert!(trouble.contains(&words.join(" ")) && trouble.contains("hint: "), "{trouble}");
        }
    }

    #[test]
    fn the_root_is_found_from_a_folder_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("crates/wire/src");
        std::fs::create_dir_all(&below).unwrap();
        assert!(workspace_root(&below).is_err());
        std::fs::write(folder.path().join("walls.toml"), "").unwrap();
        assert_eq!(workspace_root(&below).unwrap(), folder.path());
    }
}
