//! Who may use whom: the edges of every crate are exactly those in `walls.toml`.

use std::collections::BTreeSet;

use super::Breach;
use super::manifest::{Manifest, Workspace};
use super::table::Table;

/// Every edge that is not allowed, and every permission that nobody uses.
pub(super) fn check(table: &Table, workspace: &Workspace) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for name in table.crates.keys().filter(|name| !workspace.has(name)) {
        breaches.push(Breach::new(
            format!("walls.toml has [crates.{name}], but the workspace has no crate `{name}`"),
            format!("take [crates.{name}] out of walls.toml"),
        ));
    }
    for member in &workspace.members {
        breaches.extend(of_one(table, workspace, member));
        breaches.extend(of_test_crates(table, member));
        breaches.extend(of_few(table, member));
    }
    breaches
}

/// The two lists of one crate.
fn of_one(table: &Table, workspace: &Workspace, member: &Manifest) -> Vec<Breach> {
    let Manifest { name, folder, .. } = member;
    let Some(said) = table.crates.get(name) else {
        return vec![Breach::new(
            format!("{folder}/Cargo.toml: the crate `{name}` is not in walls.toml"),
            format!(
                "add [crates.{name}] there: what it keeps out (if nothing, it is no crate) and what it uses"
            ),
        )];
    };
    let lists = [
        ("uses", "dependencies", &member.uses, &said.uses),
        ("tests_use", "dev-dependencies", &member.tests_use, &said.tests_use),
    ];
    let mut breaches = Vec::new();
    for (key, section, real, allowed) in lists {
        for used in real.difference(allowed) {
            let kind = if workspace.has(used) { "our crate" } else { "the outside package" };
            breaches.push(Breach::new(
                format!(
                    "{folder}/Cargo.toml [{section}]: `{name}` uses {kind} `{used}`; walls.toml says that \
                     `{name}` keeps out: {}; its `{key}` allows {}",
                    said.keeps_out,
                    listed(allowed),
                ),
                "do without it, or, if the wall stands in the wrong place, move it in walls.toml and ARCHITECTURE.md",
            ));
        }
        let unused: BTreeSet<String> = allowed.difference(real).cloned().collect();
        if !unused.is_empty() {
            breaches.push(Breach::new(
                format!(
                    "walls.toml [crates.{name}]: `{key}` allows what {folder}/Cargo.toml [{section}] does not use: {}",
                    listed(&unused)
                ),
                "take it out of that list: the list says what is, not what might be",
            ));
        }
    }
    breaches
}

/// A crate for tests is a plain dependency of nobody but its like, whatever its user's list says.
fn of_test_crates(table: &Table, member: &Manifest) -> Vec<Breach> {
    let only_for_tests = |name: &String| table.crates.get(name).is_some_and(|said| said.only_for_tests);
    if only_for_tests(&member.name) {
        return Vec::new();
    }
    let used = member.uses.iter().filter(|name| only_for_tests(name));
    used.map(|used| {
        Breach::new(
            format!(
                "{}/Cargo.toml: `{}` uses `{used}` outside its tests; walls.toml says that `{used}` is only for tests",
                member.folder, member.name
            ),
            "move it to [dev-dependencies]",
        )
    })
    .collect()
}

/// Outside packages that belong to a few crates.
fn of_few(table: &Table, member: &Manifest) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for only in table.only.iter().filter(|only| !only.crates.contains(&member.name)) {
        for used in member.uses.intersection(&only.packages) {
            breaches.push(Breach::new(
                format!(
                    "{}/Cargo.toml: `{}` uses `{used}`; walls.toml says: only {}, because {}",
                    member.folder,
                    member.name,
                    listed(&only.crates),
                    only.because,
                ),
                "ask that crate for what you need",
            ));
        }
    }
    breaches
}

fn listed(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::table;
    use super::*;

    fn member(name: &str, uses: &[&str], tests_use: &[&str]) -> Manifest {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let folder = format!("crates/{name}");
        Manifest {
            name: name.to_owned(),
            folder,
            uses: set(uses),
            tests_use: set(tests_use),
            shares_lints: true,
        }
    }

    fn breaches(crates: &str, members: Vec<Manifest>) -> Vec<String> {
        check(&table(crates), &Workspace { members }).iter().map(Breach::to_string).collect()
    }

    const WIRE: &str =
        "[crates.wire]\nkeeps_out = \"all IO\"\nuses = [\"serde\"]\ntests_use = [\"proptest\"]\n";
    const ALDIS: &str = "[crates.aldis]\nkeeps_out = \"protocol\"\nuses = [\"wire\"]\ntests_use = [\"testkit\"]\n\
        [crates.testkit]\nkeeps_out = \"being shipped\"\nonly_for_tests = true\n";

    #[test]
    fn edges_as_allowed_are_no_breach() {
        let members = vec![
            member("wire", &["serde"], &["proptest"]),
            member("aldis", &["wire"], &["testkit"]),
            member("testkit", &[], &[]),
        ];
        assert_eq!(breaches(&format!("{WIRE}{ALDIS}"), members), [""; 0]);
    }

    #[test]
    fn an_edge_too_many_is_told_with_the_crate_the_edge_and_the_wall() {
        let told = breaches(WIRE, vec![member("wire", &["serde", "ureq"], &["proptest"])]);
        assert_eq!(told.len(), 1, "{told:?}");
        for word in ["crates/wire/Cargo.toml", "outside package `ureq`", "all IO", "allows `serde`"] {
            assert!(told[0].contains(word), "{word}: {told:?}");
        }
        let told = breaches(WIRE, vec![member("wire", &["serde"], &["proptest", "tempfile"])]);
        assert!(told[0].contains("[dev-dependencies]") && told[0].contains("`tempfile`"), "{told:?}");
    }

    #[test]
    fn an_edge_between_our_crates_is_told_as_such() {
        let members = vec![member("wire", &["serde", "outside"], &["proptest"]), member("outside", &[], &[])];
        let told = breaches(&format!("{WIRE}[crates.outside]\nkeeps_out = \"nothing\"\n"), members);
        assert!(told[0].contains("`wire` uses our crate `outside`"), "{told:?}");
    }

    #[test]
    fn a_permission_that_nobody_uses_is_a_breach() {
        let told = breaches(WIRE, vec![member("wire", &[], &[])]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("`uses` allows") && told[0].contains("not use: `serde`"), "{told:?}");
        assert!(
            told[1].contains("`tests_use` allows") && told[1].contains("not use: `proptest`"),
            "{told:?}"
        );
    }

    #[test]
    fn a_crate_and_its_entry_come_and_go_together() {
        assert!(breaches("[crates]\n", vec![]).is_empty());
        let told = breaches("[crates]\n", vec![member("new", &[], &[])]);
        assert!(told[0].contains("`new` is not in walls.toml"), "{told:?}");
        assert!(breaches(WIRE, vec![])[0].contains("no crate `wire`"));
    }

    #[test]
    fn a_crate_for_tests_is_never_shipped_even_if_a_list_allows_it() {
        let crates = ALDIS.replace("uses = [\"wire\"]", "uses = [\"testkit\"]");
        let members = vec![member("aldis", &["testkit"], &["testkit"]), member("testkit", &[], &[])];
        let told = breaches(&crates, members);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("only for tests"), "{told:?}");
    }

    #[test]
    fn a_package_of_few_crates_is_refused_even_if_a_list_allows_it() {
        let crates = "[[only]]\npackages = [\"rusqlite\"]\nin = [\"center-store\"]\nbecause = \"SQL lives there\"\n\
            [crates.center]\nkeeps_out = \"SQL\"\nuses = [\"rusqlite\"]\n";
        let told = breaches(crates, vec![member("center", &["rusqlite"], &[])]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("only `center-store`, because SQL lives there"), "{told:?}");
    }
}
