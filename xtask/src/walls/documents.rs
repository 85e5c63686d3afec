//! Documents that name a file name one that is there.

use std::path::Path;

use super::Breach;
use super::table::Table;

/// The documents among `files` whose paths are checked.
pub(super) fn of_interest<'a>(table: &Table, files: &'a [String]) -> Vec<&'a String> {
    let in_folder = |path: &str| table.documents.folders.iter().any(|folder| path.starts_with(folder));
    let counts = |path: &&String| {
        table.documents.must_exist.contains(*path) || (path.ends_with(".md") && in_folder(path))
    };
    files.iter().filter(counts).collect()
}

/// The documents that the repository cannot be without are among `files`.
pub(super) fn all_written(table: &Table, files: &[String]) -> Vec<Breach> {
    let missing = table.documents.must_exist.iter().filter(|path| !files.contains(path));
    missing
        .map(|path| {
            Breach::new(
                format!("{path} is not there; walls.toml says that it must exist"),
                format!("write {path}"),
            )
        })
        .collect()
}

/// Every path in backticks in the document `path` exists below `root`.
pub(super) fn paths_exist(table: &Table, root: &Path, path: &str, text: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (line, word) in words_in_backticks(text) {
        let word = bare(&word);
        if !table.documents.paths.iter().any(|start| word.starts_with(start)) {
            continue;
        }
        for named in alternatives(word) {
            if !root.join(fixed_part(&named)).exists() {
                breaches.push(Breach::new(
                    format!("{path}:{line} names `{named}`, which does not exist"),
                    "correct the document, or put the file where the document says",
                ));
            }
        }
    }
    breaches
}

/// The words between single backticks with their lines, blocks of code left out.
fn words_in_backticks(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let (mut in_block, mut in_span) = (false, false);
    for (number, line) in text.lines().enumerate() {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            in_block = !in_block;
            in_span = false;
        } else if start.is_empty() {
            // A span may go over the end of a line, but not over the end of a paragraph.
            in_span = false;
        } else if !in_block {
            for (part, piece) in line.replace("``", "`").split('`').enumerate() {
                in_span ^= part > 0;
                if in_span {
                    words.extend(piece.split_whitespace().map(|word| (number + 1, word.to_owned())));
                }
            }
        }
    }
    words
}

/// A word without what surrounds a path: quotes, `./`, the line in the file, the anchor, the stop.
fn bare(word: &str) -> &str {
    let word = word.trim_start_matches(['(', '[', '"', '\'']);
    let word = word.strip_prefix("./").unwrap_or(word);
    let end = word.find([':', '#', ')', '"', '\'', ';']).unwrap_or(word.len());
    word.get(..end).unwrap_or(word).trim_end_matches([',', '.'])
}

/// `a/{b,c}.rs` as `a/b.rs` and `a/c.rs`; any other word as it is.
fn alternatives(word: &str) -> Vec<String> {
    let parts = word.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    let Some((before, (inside, after))) = parts else { return vec![word.to_owned()] };
    inside.split(',').flat_map(|one| alternatives(&format!("{before}{one}{after}"))).collect()
}

/// The folder in front of the first part that stands for many names, such as `*`, `<name>` and `…`.
fn fixed_part(path: &str) -> &str {
    let many = path.find(['*', '<', '…', '$']).or_else(|| path.find("..."));
    many.and_then(|at| path.get(..at))
        .map_or(path, |start| start.rsplit_once('/').map_or("", |(folder, _)| folder))
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::table;
    use super::*;

    fn root() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in ["crates/wire/src/oidc.rs", "crates/wire/src/sts.rs", ".ci/run"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    fn told(text: &str) -> Vec<String> {
        let breaches = paths_exist(&table("[crates]\n"), root().path(), "README.md", text);
        breaches.into_iter().map(|breach| breach.what).collect()
    }

    #[test]
    fn paths_that_exist_are_no_breach() {
        for text in [
            "`crates/wire/src/oidc.rs` and ``crates/wire/``",
            "`./.ci/run --all`, (`crates/wire/src/oidc.rs:12`), `crates/wire#words`.",
            "`crates/wire/src/{oidc,sts}.rs` `crates/wire/src/*.rs` `crates/<name>/src` `crates/…`",
            "crates/not-in-backticks.rs and `elsewhere/gone.rs`",
            "```\n`crates/in/a/block.rs`\n```\n",
            "an open ` backtick\n\ncrates/gone.rs ends with its paragraph",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_path_that_is_gone_is_told_with_its_line() {
        for (text, gone) in [
            ("one\ntwo `crates/gone.rs`", "README.md:2 names `crates/gone.rs`"),
            ("see `less crates/gone.rs:4`.", "`crates/gone.rs`"),
            ("`crates/wire/src/{oidc,gone}.rs`", "`crates/wire/src/gone.rs`"),
            ("`crates/gone/*.rs`", "`crates/gone/*.rs`"),
            ("`.ci/gone`", "`.ci/gone`"),
            ("```\nblock\n```\nafter `crates/gone`", "README.md:4"),
            ("`a span\nto crates/gone`", "README.md:2"),
        ] {
            let told = told(text);
            assert_eq!(told.len(), 1, "{text}: {told:?}");
            assert!(told[0].contains(gone), "{text}: {told:?}");
        }
    }

    #[test]
    fn documents_must_be_there_and_be_read() {
        let table = table("[crates]\n");
        let files = ["docs/guides/ssh.md", "docs/plan.svg", "notes.md"].map(str::to_owned);
        assert_eq!(of_interest(&table, &files), ["docs/guides/ssh.md"]);
        let breaches = all_written(&table, &files);
        assert_eq!(breaches.len(), 1);
        assert!(breaches[0].what.contains("README.md is not there"));
        let files = ["README.md".to_owned()];
        assert_eq!(of_interest(&table, &files), ["README.md"]);
        assert_eq!(all_written(&table, &files), []);
    }
}
