//! `cargo xtask test`: everything that decides whether a change is good.

use std::path::Path;

use crate::call::Call;
use crate::skipped::{self, Skipped};
use crate::trouble::Trouble;
use crate::{dist, interop, machine, speed, steps, walls};

/// One step of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The layout of the Rust source.
    Format,
    /// Clippy with the bans of `clippy.toml`; a warning fails.
    Lints,
    /// The rules of `walls.toml`.
    Walls,
    /// The programs that tests run beside ours: a browser, the AWS CLI, Node.js, Python.
    Machine,
    /// Every Rust test, with the doors that only tests may use.
    RustTests,
    /// The binary as people install it.
    Release,
    /// What a cached credential costs in it.
    Faults,
    /// Foreign clients against that binary.
    Interop,
}

/// What CI decides.
pub(crate) const ALL: &[Step] = &[
    Step::Format,
    Step::Lints,
    Step::Walls,
    Step::Machine,
    Step::RustTests,
    Step::Release,
    Step::Faults,
    Step::Interop,
];
/// What a developer waits for between two edits.
pub(crate) const QUICK: &[Step] = &[Step::Format, Step::Lints, Step::Walls, Step::Machine, Step::RustTests];
/// What the page faults need.
pub(crate) const FAULTS: &[Step] = &[Step::Release, Step::Faults];
/// What the foreign clients need.
pub(crate) const INTEROP: &[Step] = &[Step::Machine, Step::Release, Step::Interop];

impl Step {
    fn title(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Lints => "lints",
            Self::Walls => "walls",
            Self::Machine => "machine",
            Self::RustTests => "Rust tests",
            Self::Release => "release build",
            Self::Faults => "page faults",
            Self::Interop => "interoperability",
        }
    }

    fn perform(self, root: &Path) -> Result<(), Trouble> {
        match self {
            Self::Walls => walls::run(root),
            Self::Machine => machine::prepare(root),
            Self::Release => dist::for_people(root).map(drop),
            Self::Faults => speed::check(root),
            Self::Interop => interop::run(root),
            Self::Format | Self::Lints | Self::RustTests => {
                let has_nextest =
                    self == Self::RustTests && Call::line("cargo nextest --version").ends_well(root);
                let calls = self.calls(has_nextest);
                if self != Self::RustTests {
                    return calls.iter().try_for_each(|call| call.run(root));
                }
                let list = skipped::begin(root)?.display().to_string();
                calls.into_iter().try_for_each(|call| call.with(skipped::LIST, list.as_str()).run(root))
            }
        }
    }

    /// The programs of a step that is nothing but programs.
    fn calls(self, has_nextest: bool) -> Vec<Call> {
        let lines: &[&str] = match self {
            Self::Format => &["cargo fmt --all --check"],
            Self::Lints => &["cargo clippy --workspace --all-targets --all-features -- -D warnings"],
            // nextest leaves the examples in the documentation out; `cargo test` runs them with the rest.
            Self::RustTests if has_nextest => &[
                "cargo test --workspace --features aldis/test-doors --doc",
                "cargo nextest run --workspace --features aldis/test-doors",
            ],
            Self::RustTests => &["cargo test --workspace --features aldis/test-doors"],
            Self::Walls | Self::Machine | Self::Release | Self::Faults | Self::Interop => &[],
        };
        lines.iter().map(|line| Call::line(line)).collect()
    }
}

/// Performs `steps` in the workspace at `root`, up to the first failure. The last line says which tests were skipped, which is
/// a failure, too, where nothing may be.
pub(crate) fn run(root: &Path, steps: &[Step], nothing_skipped: bool) -> Result<(), Trouble> {
    let titles: Vec<&str> = steps.iter().map(|step| step.title()).collect();
    let outcome = steps::in_order(&titles, |number| {
        let Some(step) = steps.get(number) else { return Ok(()) };
        step.perform(root)?;
        if nothing_skipped && *step == Step::RustTests {
            return Skipped::read(root).must_be_none();
        }
        Ok(())
    });
    if steps.contains(&Step::RustTests) {
        print!("{}", Skipped::read(root).words());
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(step: Step, has_nextest: bool) -> Vec<String> {
        step.calls(has_nextest).iter().map(Call::shown).collect()
    }

    #[test]
    fn the_quick_test_is_the_beginning_of_the_whole_one() {
        assert_eq!(QUICK, &ALL[..5]);
        assert!(INTEROP.iter().chain(FAULTS).all(|step| ALL.contains(step)));
    }

    #[test]
    fn a_machine_without_nextest_runs_the_same_tests() {
        let doors = "--workspace --features aldis/test-doors";
        assert_eq!(shown(Step::RustTests, false), [format!("cargo test {doors}")]);
        assert_eq!(
            shown(Step::RustTests, true),
            [format!("cargo test {doors} --doc"), format!("cargo nextest run {doors}")]
        );
    }

    #[test]
    fn a_warning_fails() {
        assert!(shown(Step::Lints, true)[0].ends_with("--all-targets --all-features -- -D warnings"));
    }
}
