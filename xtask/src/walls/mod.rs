//! `cargo xtask walls`: gather the facts of the workspace, hold them against `walls.toml`, report every breach.

mod documents;
mod edges;
mod lock;
mod manifest;
mod sources;
mod table;
mod tree;

use std::fmt;
use std::path::Path;

use crate::places;
use crate::trouble::{Trouble, read};
use manifest::Workspace;
use table::Table;

/// One place where the workspace differs from what `walls.toml` says.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    /// Where, what, and what `walls.toml` says about it.
    what: String,
    /// How to mend it.
    next: String,
}

impl Breach {
    fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n       {}", self.what, self.next)
    }
}

/// Checks every rule and prints what was found.
pub(crate) fn run(root: &Path) -> Result<(), Trouble> {
    let (breaches, figures) = check(root)?;
    if breaches.is_empty() {
        println!("The walls hold: {figures}.");
        return Ok(());
    }
    for breach in &breaches {
        println!("{breach}");
    }
    let number = breaches.len();
    Err(Trouble::new(
        format!("{number} {} in the walls", if number == 1 { "breach" } else { "breaches" }),
        "mend each as said above, then repeat: cargo xtask walls",
    ))
}

/// Every breach, and the figures that a reader of a clean run wants to see.
fn check(root: &Path) -> Result<(Vec<Breach>, String), Trouble> {
    let table = Table::parse(&read(&root.join("walls.toml"))?)?;
    let workspace = Workspace::gather(root)?;
    let lock = lock::LockFile::parse(&read(&root.join("Cargo.lock"))?)?;
    let paths = tree::files(root)?;

    let mut breaches = edges::check(&table, &workspace);
    for manifest in &workspace.members {
        breaches.extend(sources::lints_are_shared(manifest));
        breaches.extend(crate_roots(root, &table, manifest)?);
    }
    let rust_files: Vec<&String> = paths.iter().filter(|path| path.ends_with(".rs")).collect();
    for path in &rust_files {
        let text = read(&root.join(path))?;
        breaches.extend(sources::short_enough(&table, path, &text));
        breaches.extend(sources::finished(path, &text));
    }
    let documents = documents::of_interest(&table, &paths);
    breaches.extend(documents::all_written(&table, &paths));
    for path in &documents {
        breaches.extend(documents::paths_exist(&table, root, path, &read(&root.join(path))?));
    }
    if paths.iter().any(|path| path == places::DATA) && !places::is_current(root)? {
        breaches.push(Breach::new(
            format!("README.md tells of the places something else than {}", places::DATA),
            "make the table anew: cargo xtask places",
        ));
    }
    breaches.extend(lock::forbidden(&table, &lock));
    let (sizes, too_many) = lock::sizes(&table, &lock, &workspace)?;
    breaches.extend(too_many);

    let figures = format!(
        "crates: {}, Rust files: {}, documents: {}; Cargo.lock has {} of {} packages, {} of {} reachable from `{}`",
        workspace.members.len(),
        rust_files.len(),
        documents.len(),
        sizes.all,
        table.budget.packages,
        sizes.reachable,
        table.budget.reachable,
        table.budget.binary,
    );
    Ok((breaches, figures))
}

/// The rule for the first file of a library or a program.
fn crate_roots(root: &Path, table: &Table, manifest: &manifest::Manifest) -> Result<Vec<Breach>, Trouble> {
    let mut breaches = Vec::new();
    for name in ["src/lib.rs", "src/main.rs"] {
        let path = format!("{}/{name}", manifest.folder);
        if root.join(&path).is_file() {
            breaches.extend(sources::safe(table, &manifest.name, &path, &read(&root.join(&path))?));
        }
    }
    Ok(breaches)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of one crate in which every wall holds.
    fn sound() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
            (
                "Cargo.lock",
                "[[package]]\nname = \"aldis\"\nversion = \"0.1.0\"\ndependencies = [\"serde\"]\n\
                 [[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \"registry\"\n",
            ),
            (
                "walls.toml",
                "[limits]\nrust_file_lines = 5\n\
                 [documents]\nmust_exist = [\"README.md\"]\nfolders = [\"docs/\"]\npaths = [\"crates/\"]\n\
                 [budget]\npackages = 2\nreachable = 2\nbinary = \"aldis\"\ncrypto_provider = \"ring\"\n\
                 other_crypto_providers = []\n\
                 [forbidden_packages]\ncurl = \"one client\"\n[crates.aldis]\nkeeps_out = \"nothing\"\nuses = [\"serde\"]\n",
            ),
            ("README.md", "See `crates/aldis/src/main.rs`.\n"),
            (
                "crates/aldis/Cargo.toml",
                "[package]\nname = \"aldis\"\n[lints]\nworkspace = true\n[dependencies]\nserde = \"1\"\n",
            ),
            ("crates/aldis/src/main.rs", "#![forbid(unsafe_code)]\nfn main() {}\n"),
        ];
        for (path, text) in files {
            put(folder.path(), path, text);
        }
        folder
    }

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_sound_workspace_has_no_breach() {
        let folder = sound();
        let (breaches, figures) = check(folder.path()).unwrap();
        assert_eq!(breaches, []);
        assert!(figures.contains("2 of 2 packages, 2 of 2 reachable from `aldis`"), "{figures}");
        assert!(run(folder.path()).is_ok());
    }

    #[test]
    fn each_change_for_the_worse_is_seen() {
        let manifest = "[package]\nname = \"aldis\"\n";
        let unfinished = concat!("#![forbid(unsafe_code)]\nfn main() { to", "do!() }\n");
        let changes: &[(&str, &str, &str)] = &[
            ("crates/aldis/src/main.rs", "fn main() {}\n", "forbid(unsafe_code)"),
            ("crates/aldis/src/main.rs", unfinished, "main.rs:2"),
            ("crates/aldis/src/long.rs", "\n\n\n\n\n\n", "6 lines"),
            ("crates/aldis/Cargo.toml", manifest, "workspace = true"),
            ("crates/aldis/Cargo.toml", &format!("{manifest}[dependencies]\nureq = \"3\"\n"), "ureq"),
            ("crates/wire/Cargo.toml", "[package]\nname = \"wire\"\n[lints]\nworkspace = true\n", "wire"),
            ("docs/guide.md", "`crates/gone.rs`", "crates/gone.rs"),
            (
                "Cargo.lock",
                "[[package]]\nname = \"aldis\"\nversion = \"0\"\n[[package]]\nname = \"a\"\nversion = \"0\"\n\
                 [[package]]\nname = \"b\"\nversion = \"0\"\n",
                "3 packages",
            ),
            (
                "Cargo.lock",
                "[[package]]\nname = \"aldis\"\nversion = \"0\"\n[[package]]\nname = \"curl\"\nversion = \"0\"\n",
                "one client",
            ),
        ];
        for (path, text, told) in changes {
            let folder = sound();
            put(folder.path(), path, text);
            let (breaches, _) = check(folder.path()).unwrap();
            assert!(breaches.iter().any(|breach| breach.what.contains(told)), "{path}: {breaches:?}");
            assert!(run(folder.path()).is_err());
        }
    }

    #[test]
    fn a_stale_table_of_places_is_a_breach() {
        let folder = sound();
        let row = "name = \"a\"\nwhere = \"a\"\noffers = []\nreason = \"\"\nopener = \"\"\nloopback = \"\"\nsigned_in = []\n";
        put(folder.path(), places::DATA, &format!("[[place]]\n{row}"));
        put(
            folder.path(),
            "README.md",
            "<!-- `cargo xtask places` makes this table of docs/places.toml -->\n<!-- the end of that table -->\n",
        );
        let (breaches, _) = check(folder.path()).unwrap();
        assert!(breaches.iter().any(|breach| breach.next.contains("cargo xtask places")), "{breaches:?}");
    }

    #[test]
    fn a_missing_document_is_a_breach() {
        let folder = sound();
        std::fs::remove_file(folder.path().join("README.md")).unwrap();
        let (breaches, _) = check(folder.path()).unwrap();
        assert!(breaches.iter().any(|breach| breach.what.contains("README.md")), "{breaches:?}");
    }
}
