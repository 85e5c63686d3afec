//! `cargo xtask`: what a developer and CI run.
//!
//! - [`walls`]: the rules of `walls.toml` that neither the compiler nor clippy can hold
//! - [`test`]: everything that decides whether a change is good, in one command
//! - [`machine`]: what tests need of the machine, and how it comes there
//! - [`dist`]: the static file that people install
//! - [`speed`]: what a cached credential costs
//! - [`places`]: what `aldis login` does in each real place
//! - [`interop`]: foreign clients, in Python and JavaScript, against our binary
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks to its developer")]

mod call;
mod dist;
mod interop;
mod machine;
mod places;
mod skipped;
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
  cargo xtask test --nothing-skipped
                             the same; a test that cannot run here is a failure
  cargo xtask walls          only the rules of walls.toml
  cargo xtask interop        only the release build and interoperability
  cargo xtask dist           the static file that people install, at target/dist/aldis
  cargo xtask faults         only that build and its page faults
  cargo xtask bench          what a cached credential costs, beside /bin/true and the AWS CLI
  cargo xtask places         runs the stories of real places, and writes down what they found:
                             docs/places.toml and the table in the README
  cargo xtask prepare        only the installs that the tests need
";

/// What the developer asked for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Walls,
    Test { quick: bool, nothing_skipped: bool },
    Interop,
    Dist,
    Faults,
    Bench,
    Places,
    Prepare,
}

impl Command {
    /// Reads the words after `cargo xtask`.
    fn from_words(words: &[&str]) -> Result<Self, Trouble> {
        match words {
            [] | ["help" | "-h" | "--help", ..] | [_, "-h" | "--help"] => Ok(Self::Help),
            ["walls"] => Ok(Self::Walls),
            ["test"] => Ok(Self::Test { quick: false, nothing_skipped: false }),
            ["test", "--quick"] => Ok(Self::Test { quick: true, nothing_skipped: false }),
            ["test", "--nothing-skipped"] => Ok(Self::Test { quick: false, nothing_skipped: true }),
            ["interop"] => Ok(Self::Interop),
            ["dist"] => Ok(Self::Dist),
            ["faults"] => Ok(Self::Faults),
            ["bench"] => Ok(Self::Bench),
            ["places"] => Ok(Self::Places),
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
        Command::Test { quick, nothing_skipped } => {
            test::run(&root, if *quick { test::QUICK } else { test::ALL }, *nothing_skipped)
        }
        Command::Interop => test::run(&root, test::INTEROP, false),
        Command::Dist => dist::run(&root).map(drop),
        Command::Faults => test::run(&root, test::FAULTS, false),
        Command::Bench => speed::bench(&root),
        Command::Places => places::record(&root),
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
            (&["test"], Command::Test { quick: false, nothing_skipped: false }),
            (&["test", "--quick"], Command::Test { quick: true, nothing_skipped: false }),
            (&["test", "--nothing-skipped"], Command::Test { quick: false, nothing_skipped: true }),
            (&["interop"], Command::Interop),
            (&["dist"], Command::Dist),
            (&["faults"], Command::Faults),
            (&["bench"], Command::Bench),
            (&["places"], Command::Places),
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
