//! `Cargo.lock`: how many packages, and which never.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Breach;
use super::manifest::Workspace;
use super::table::Table;
use crate::trouble::Trouble;

/// `Cargo.lock`, read. It is the same for every platform and holds no dependency of an outside package's tests.
#[derive(Debug, Deserialize)]
pub(super) struct LockFile {
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    /// Each as `name`, or `name version` where there are several of that name.
    #[serde(default)]
    dependencies: Vec<String>,
}

/// How many packages there are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) all: usize,
    pub(super) reachable: usize,
}

impl LockFile {
    /// Reads the text of `Cargo.lock`.
    pub(super) fn parse(text: &str) -> Result<Self, Trouble> {
        toml::from_str(text).map_err(|e| {
            Trouble::new(
                format!("Cargo.lock is not understood: {e}"),
                "see what cargo says of it: cargo tree --locked",
            )
        })
    }

    fn versions(&self, name: &str) -> Vec<&str> {
        self.packages
            .iter()
            .filter(|package| package.name == name)
            .map(|package| package.version.as_str())
            .collect()
    }

    /// The place of a package that a dependency names.
    fn find(&self, dependency: &str) -> Option<usize> {
        let mut words = dependency.split(' ');
        let (name, version) = (words.next()?, words.next());
        self.packages.iter().position(|package| {
            package.name == name && version.is_none_or(|version| package.version == version)
        })
    }

    /// The packages that `start` needs, itself among them, on any platform. What only the tests of our own crates
    /// use is left out; an outside package counts with all that the lock file says of it.
    fn reachable(&self, start: &str, workspace: &Workspace) -> Result<BTreeSet<usize>, Trouble> {
        let unknown = |name: &str| {
            Trouble::new(
                format!("Cargo.lock has no package `{name}`"),
                "let cargo bring it up to date: cargo metadata --format-version 1 >/dev/null",
            )
        };
        let mut seen = BTreeSet::new();
        let mut waiting = vec![self.find(start).ok_or_else(|| unknown(start))?];
        while let Some(place) = waiting.pop() {
            let Some(package) = self.packages.get(place).filter(|_| seen.insert(place)) else { continue };
            let ours = workspace.members.iter().find(|member| member.name == package.name);
            for dependency in &package.dependencies {
                let name = dependency.split(' ').next().unwrap_or(dependency);
                if ours.is_none_or(|member| member.uses.contains(name)) {
                    waiting.push(self.find(dependency).ok_or_else(|| unknown(dependency))?);
                }
            }
        }
        Ok(seen)
    }
}

/// The number of packages, and a breach for each that is over the budget.
pub(super) fn sizes(
    table: &Table,
    lock: &LockFile,
    workspace: &Workspace,
) -> Result<(Sizes, Vec<Breach>), Trouble> {
    let budget = &table.budget;
    let sizes =
        Sizes { all: lock.packages.len(), reachable: lock.reachable(&budget.binary, workspace)?.len() };
    let mut breaches = Vec::new();
    if sizes.all > budget.packages {
        breaches.push(Breach::new(
            format!(
                "Cargo.lock has {} packages, our own crates and all platforms counted; walls.toml allows {}",
                sizes.all, budget.packages
            ),
            "see what the newest dependency brings with: cargo tree --target all -i NAME",
        ));
    }
    if sizes.reachable > budget.reachable {
        breaches.push(Breach::new(
            format!(
                "`{}` needs {} packages of Cargo.lock (itself, our crates and build dependencies counted, on all \
                 platforms, without what only our tests use); walls.toml allows {}",
                budget.binary, sizes.reachable, budget.reachable
            ),
            format!("see what brings them with: cargo tree -p {} -e no-dev --target all", budget.binary),
        ));
    }
    Ok((sizes, breaches))
}

/// A breach for each package that may not be there, and for each crypto provider too many.
pub(super) fn forbidden(table: &Table, lock: &LockFile) -> Vec<Breach> {
    let budget = &table.budget;
    let mut breaches = Vec::new();
    for (name, reason) in table.forbidden_packages.iter().filter(|(name, _)| !lock.versions(name).is_empty())
    {
        breaches.push(Breach::new(
            format!("Cargo.lock has `{name}`; walls.toml forbids it: {reason}"),
            format!("see who brings it with: cargo tree --target all -i {name}"),
        ));
    }
    for name in budget.other_crypto_providers.iter().filter(|name| !lock.versions(name).is_empty()) {
        breaches.push(Breach::new(
            format!(
                "Cargo.lock has the crypto provider `{name}`; walls.toml wants only `{}`",
                budget.crypto_provider
            ),
            format!("see whose feature brings it with: cargo tree --target all -e features -i {name}"),
        ));
    }
    let versions = lock.versions(&budget.crypto_provider);
    let wanted = !lock.versions("rustls").is_empty();
    if versions.len() > 1 || (wanted && versions.is_empty()) {
        let found = if versions.is_empty() { "none".to_owned() } else { versions.join(" and ") };
        breaches.push(Breach::new(
            format!(
                "walls.toml wants one crypto provider, `{}`; Cargo.lock has {found}",
                budget.crypto_provider
            ),
            "set the features of rustls in the root Cargo.toml so that it comes once",
        ));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Manifest;
    use super::super::table::tests::table;
    use super::*;

    fn lock(packages: &[(&str, &str, &[&str])]) -> LockFile {
        let package = |(name, version, dependencies): &(&str, &str, &[&str])| {
            format!("[[package]]\nname = {name:?}\nversion = {version:?}\ndependencies = {dependencies:?}\n")
        };
        LockFile::parse(&packages.iter().map(package).collect::<String>()).unwrap()
    }

    fn aldis_uses(names: &[&str]) -> Workspace {
        let uses = names.iter().map(|&name| name.to_owned()).collect();
        Workspace { members: vec![Manifest { name: "aldis".to_owned(), uses, ..Manifest::default() }] }
    }

    #[test]
    fn what_only_tests_use_is_not_reachable() {
        let lock = lock(&[
            ("aldis", "0.1.0", &["a 2.0.0", "proptest"]),
            ("a", "1.0.0", &["b"]),
            ("a", "2.0.0", &["c", "aldis"]),
            ("b", "1.0.0", &[]),
            ("c", "1.0.0", &[]),
            ("proptest", "1.0.0", &["a 1.0.0"]),
        ]);
        let seen = lock.reachable("aldis", &aldis_uses(&["a"])).unwrap();
        assert_eq!(seen, BTreeSet::from([0, 2, 4]));
        let seen = lock.reachable("aldis", &aldis_uses(&["a", "proptest"])).unwrap();
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn a_lock_file_that_lacks_a_package_is_told() {
        assert!(lock(&[]).reachable("aldis", &aldis_uses(&[])).is_err());
        let trouble = lock(&[("aldis", "1", &["a"])]).reachable("aldis", &aldis_uses(&["a"])).unwrap_err();
        assert!(trouble.to_string().contains("no package `a`"), "{trouble}");
    }

    #[test]
    fn too_many_packages_are_a_breach() {
        let table = table("[crates]\n");
        let mut packages: Vec<(&str, &str, &[&str])> =
            vec![("aldis", "1", &["a"]), ("a", "1", &["b"]), ("b", "1", &[]), ("c", "1", &[])];
        let (sizes_now, breaches) = sizes(&table, &lock(&packages), &aldis_uses(&["a"])).unwrap();
        assert_eq!((sizes_now, breaches), (Sizes { all: 4, reachable: 3 }, vec![]));

        packages.push(("d", "1", &[]));
        let (_, breaches) = sizes(&table, &lock(&packages), &aldis_uses(&["a"])).unwrap();
        assert_eq!(breaches.len(), 1);
        assert!(breaches[0].what.contains("has 5 packages") && breaches[0].what.contains("allows 4"));

        packages.pop();
        packages[2] = ("b", "1", &["c"]);
        let (_, breaches) = sizes(&table, &lock(&packages), &aldis_uses(&["a"])).unwrap();
        assert_eq!(breaches.len(), 1);
        assert!(
            breaches[0].what.contains("`aldis` needs 4 packages") && breaches[0].what.contains("allows 3")
        );
    }

    #[test]
    fn a_forbidden_package_is_told_with_its_reason() {
        let table = table("[forbidden_packages]\nopenssl-sys = \"TLS is rustls\"\n[crates]\n");
        let breaches = forbidden(&table, &lock(&[("openssl-sys", "0.9.1", &[])]));
        assert_eq!(breaches.len(), 1);
        assert!(breaches[0].what.contains("`openssl-sys`; walls.toml forbids it: TLS is rustls"));
        assert_eq!(forbidden(&table, &lock(&[("openssl-probe", "0.1.0", &[])])), []);
    }

    #[test]
    fn there_is_exactly_one_crypto_provider() {
        let table = table("[crates]\n");
        let cases: &[(&[&str], usize)] = &[
            (&[], 0),
            (&["ring"], 0),
            (&["rustls", "ring"], 0),
            (&["rustls"], 1),
            (&["ring", "ring"], 1),
            (&["rustls", "ring", "aws-lc-rs"], 1),
            (&["rustls", "aws-lc-rs"], 2),
        ];
        for (names, number) in cases {
            let packages: Vec<(&str, &str, &[&str])> =
                names.iter().map(|name| (*name, "1", &[][..])).collect();
            assert_eq!(forbidden(&table, &lock(&packages)).len(), *number, "{names:?}");
        }
    }
}
