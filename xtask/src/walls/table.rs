//! `walls.toml`, read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::trouble::Trouble;

/// All that `walls.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) limits: Limits,
    pub(super) documents: Documents,
    pub(super) budget: Budget,
    /// Packages that may be nowhere in `Cargo.lock`, each with the reason.
    #[serde(default)]
    pub(super) forbidden_packages: BTreeMap<String, String>,
    /// Outside packages that belong to a few crates.
    #[serde(default)]
    pub(super) only: Vec<Only>,
    /// Every crate of the workspace, by its package name.
    pub(super) crates: BTreeMap<String, Crate>,
}

/// Limits of the source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    /// Most lines in one Rust file that people write.
    pub(super) rust_file_lines: usize,
    /// Rust files that a program writes.
    #[serde(default)]
    pub(super) generated: BTreeSet<String>,
}

/// The texts whose paths must exist.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Documents {
    /// Documents that the repository cannot be without.
    pub(super) must_exist: BTreeSet<String>,
    /// Folders in which every Markdown file counts.
    #[serde(default)]
    pub(super) folders: Vec<String>,
    /// How a word begins that is taken for a path.
    pub(super) paths: Vec<String>,
}

/// What the product may weigh in packages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    /// Most packages in `Cargo.lock`, our own among them.
    pub(super) packages: usize,
    /// Most packages that `binary` needs, itself among them.
    pub(super) reachable: usize,
    /// The package that people install.
    pub(super) binary: String,
    /// The one crypto provider of TLS.
    pub(super) crypto_provider: String,
    /// The providers that could come beside it.
    pub(super) other_crypto_providers: Vec<String>,
}

/// Outside packages that only some crates may use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Only {
    pub(super) packages: BTreeSet<String>,
    #[serde(rename = "in")]
    pub(super) crates: BTreeSet<String>,
    pub(super) because: String,
}

/// One crate and all that it uses.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crate {
    /// What the crate must not know or do: the reason why it is a crate.
    pub(super) keeps_out: String,
    /// Our crates and outside packages, as dependencies and build dependencies.
    #[serde(default)]
    pub(super) uses: BTreeSet<String>,
    /// The same for its tests.
    #[serde(default)]
    pub(super) tests_use: BTreeSet<String>,
    /// No crate of ours may use it but in tests.
    #[serde(default)]
    pub(super) only_for_tests: bool,
    /// It may hold `unsafe` code.
    #[serde(default)]
    pub(super) may_be_unsafe: bool,
}

impl Table {
    /// Reads the text of `walls.toml`.
    pub(super) fn parse(text: &str) -> Result<Self, Trouble> {
        toml::from_str(text).map_err(|e| {
            Trouble::new(
                format!("walls.toml is not understood: {e}"),
                "its keys are explained at the top of walls.toml",
            )
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A table with these crates and otherwise small limits.
    pub(in super::super) fn table(more: &str) -> Table {
        let start = "[limits]\nrust_file_lines = 3\ngenerated = [\"crates/wire/src/made.rs\"]\n\
             [documents]\nmust_exist = [\"README.md\"]\nfolders = [\"docs/\"]\npaths = [\"crates/\", \".ci/\"]\n\
             [budget]\npackages = 4\nreachable = 3\nbinary = \"aldis\"\ncrypto_provider = \"ring\"\n\
             other_crypto_providers = [\"aws-lc-rs\"]\n";
        Table::parse(&format!("{start}{more}")).unwrap()
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let text = "[limits]\nrust_file_lines = 3\nrust_file_line = 4\n";
        let trouble = Table::parse(text).unwrap_err().to_string();
        assert!(trouble.contains("rust_file_line`"), "{trouble}");
    }
}
