//! Tests that could not run on this machine: each writes a line into a list, and the last line of the run tells of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::machine::{target, write};
use crate::trouble::Trouble;

/// The variable that names the list; `testkit::skip` reads it.
pub(crate) const LIST: &str = "ALDIS_SKIPPED_TESTS";

/// Begins an empty list, and says where it is.
pub(crate) fn begin(root: &Path) -> Result<PathBuf, Trouble> {
    let path = target(root).join("skipped-tests.txt");
    write(&path, "")?;
    Ok(path)
}

/// What the list says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// For each reason the tests.
    reasons: BTreeMap<String, Vec<String>>,
}

impl Skipped {
    /// Reads the list that was begun last.
    pub(crate) fn read(root: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(target(root).join("skipped-tests.txt")).unwrap_or_default())
    }

    fn parse(list: &str) -> Self {
        let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (test, reason) in list.lines().filter_map(|line| line.split_once(": ")) {
            reasons.entry(reason.to_owned()).or_default().push(test.to_owned());
        }
        Self { reasons }
    }

    fn number(&self) -> usize {
        self.reasons.values().map(Vec::len).sum()
    }

    /// The last line of a run, and the names above it.
    pub(crate) fn words(&self) -> String {
        let mut text = String::new();
        let mut parts = Vec::new();
        for (reason, tests) in &self.reasons {
            text.push_str(&format!("skipped, as {reason}: {}\n", tests.join(", ")));
            parts.push(format!("{} as {reason}", tests.len()));
        }
        let last = match self.number() {
            0 => "No test was skipped.".to_owned(),
            1 => format!("1 test was skipped: {}.", parts.join("; ")),
            number => format!("{number} tests were skipped: {}.", parts.join("; ")),
        };
        format!("{text}{last}\n")
    }

    /// Nothing may be skipped where everything can run.
    ///
    /// # Errors
    /// Where something was.
    pub(crate) fn must_be_none(&self) -> Result<(), Trouble> {
        if self.reasons.is_empty() {
            return Ok(());
        }
        let last = self.words();
        Err(Trouble::new(
            last.lines().last().unwrap_or_default().trim_end_matches('.'),
            "run it as root where namespaces are allowed, or without --nothing-skipped",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_how_many_and_why() {
        assert_eq!(Skipped::parse("").words(), "No test was skipped.\n");
        assert!(Skipped::parse("").must_be_none().is_ok());
        let list = "real_places::ssh: only root can: build\nfull_disk: only root can mount\nreal_places::vm: only root can: build\n";
        let skipped = Skipped::parse(list);
        assert_eq!(
            skipped.words().lines().last(),
            Some("3 tests were skipped: 1 as only root can mount; 2 as only root can: build.")
        );
        assert!(
            skipped.words().contains("skipped, as only root can: build: real_places::ssh, real_places::vm\n")
        );
        assert!(skipped.must_be_none().unwrap_err().to_string().contains("3 tests were skipped"));
    }

    #[test]
    fn each_run_begins_an_empty_list() {
        let folder = tempfile::tempdir().unwrap();
        let path = begin(folder.path()).unwrap();
        std::fs::write(&path, "a: b\n").unwrap();
        assert_eq!(Skipped::read(folder.path()).number(), 1);
        begin(folder.path()).unwrap();
        assert_eq!(Skipped::read(folder.path()).number(), 0);
    }
}
