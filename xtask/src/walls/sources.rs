//! The rules for a crate's own text: short files, shared lints, no `unsafe`, nothing left for later.

use super::Breach;
use super::manifest::Manifest;
use super::table::Table;

/// What marks a place that is not finished, in two parts, so that this list does not find itself.
const UNFINISHED: [(&str, &str); 3] = [("to", "do!"), ("unimple", "mented!"), ("#[ig", "nore")];

/// A Rust file that people write stays under the limit.
pub(super) fn short_enough(table: &Table, path: &str, text: &str) -> Option<Breach> {
    let (lines, limit) = (text.lines().count(), table.limits.rust_file_lines);
    let generated = table.limits.generated.contains(path);
    (lines > limit && !generated).then(|| {
        Breach::new(
            format!("{path} has {lines} lines; walls.toml allows {limit} in a file that people write"),
            "split it by what its parts know; a file that a program writes goes into `generated`",
        )
    })
}

/// Nothing is left for later and no test is passed over.
pub(super) fn finished(path: &str, text: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        for word in UNFINISHED.map(|(start, end)| format!("{start}{end}")) {
            if has_word(line, &word) {
                breaches.push(Breach::new(
                    format!("{path}:{} holds `{word}`", number + 1),
                    "finish it, or take it out: what is kept is finished, and every test runs",
                ));
            }
        }
    }
    breaches
}

/// Whether `word` is in `line` and is not the end of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| !line.get(..at).is_some_and(|before| before.ends_with(in_name)))
}

/// A member takes the lints of the workspace.
pub(super) fn lints_are_shared(manifest: &Manifest) -> Option<Breach> {
    (!manifest.shares_lints).then(|| {
        Breach::new(
            format!(
                "{}/Cargo.toml does not take the lints: [lints] workspace = true is missing",
                manifest.folder
            ),
            "add these two lines",
        )
    })
}

/// The first file of a crate forbids `unsafe`, unless `walls.toml` lets the crate have it.
pub(super) fn safe(table: &Table, name: &str, path: &str, text: &str) -> Option<Breach> {
    let allowed = table.crates.get(name).is_some_and(|said| said.may_be_unsafe);
    let forbids = text.lines().any(|line| line.starts_with("#![forbid(") && line.contains("unsafe_code"));
    (!allowed && !forbids).then(|| {
        Breach::new(
            format!("{path} lacks #![forbid(unsafe_code)]; walls.toml does not let `{name}` be unsafe"),
            "add that line below the documentation of the crate",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::table;
    use super::*;

    #[test]
    fn a_long_file_is_a_breach_unless_a_program_writes_it() {
        let table = table("[crates]\n");
        assert_eq!(short_enough(&table, "crates/wire/src/a.rs", "1\n2\n3\n"), None);
        let breach = short_enough(&table, "crates/wire/src/a.rs", "1\n2\n3\n4\n").unwrap();
        assert!(breach.what.contains("a.rs has 4 lines") && breach.what.contains("allows 3"), "{breach}");
        assert_eq!(short_enough(&table, "crates/wire/src/made.rs", "1\n2\n3\n4\n"), None);
    }

    #[test]
    fn what_is_left_for_later_is_a_breach() {
        for (start, end) in UNFINISHED {
            let text = format!("fn a() {{}}\n    {start}{end}(\"later\")]\n");
            let breaches = finished("crates/wire/src/a.rs", &text);
            assert_eq!(breaches.len(), 1, "{text}");
            assert!(breaches[0].what.contains("a.rs:2"), "{breaches:?}");
            assert_eq!(finished("a.rs", &format!("// {start}{end}( is forbidden\n")), []);
        }
        assert_eq!(finished("a.rs", concat!("my_to", "do!(list); // ignored\n")), []);
    }

    #[test]
    fn a_member_without_the_lints_is_a_breach() {
        let manifest = Manifest { folder: "crates/wire".to_owned(), ..Manifest::default() };
        assert!(lints_are_shared(&manifest).unwrap().what.contains("crates/wire/Cargo.toml"));
        assert_eq!(lints_are_shared(&Manifest { shares_lints: true, ..manifest }), None);
    }

    #[test]
    fn unsafe_code_is_forbidden_in_all_crates_but_the_named() {
        let table = table(
            "[crates.wire]\nkeeps_out = \"IO\"\n[crates.outside]\nkeeps_out = \"no\"\nmay_be_unsafe = true\n",
        );
        let path = "crates/wire/src/lib.rs";
        assert!(safe(&table, "wire", path, "//! #![forbid(unsafe_code)]\n").unwrap().what.contains(path));
        assert_eq!(safe(&table, "wire", path, "//! Words.\n#![forbid(unsafe_code)]\n"), None);
        assert_eq!(safe(&table, "outside", "crates/outside/src/lib.rs", ""), None);
        assert!(safe(&table, "unknown", "lib.rs", "").is_some());
    }
}
