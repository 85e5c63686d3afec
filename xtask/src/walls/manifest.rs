//! The `Cargo.toml` of the workspace and of its members.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

use crate::trouble::{Trouble, read};

/// Which kind of edge a section of a manifest makes. Build dependencies count as plain ones: their code runs too.
const PLAIN: [&str; 2] = ["dependencies", "build-dependencies"];
const FOR_TESTS: [&str; 1] = ["dev-dependencies"];

/// The members of the workspace.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) members: Vec<Manifest>,
}

/// What the walls want to know of one `Cargo.toml`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The name of the package.
    pub(super) name: String,
    /// Its folder, from the root of the workspace.
    pub(super) folder: String,
    /// Packages that it depends on, on any platform and with any feature.
    pub(super) uses: BTreeSet<String>,
    /// Packages that only its tests depend on.
    pub(super) tests_use: BTreeSet<String>,
    /// Whether it takes the lints of the workspace.
    pub(super) shares_lints: bool,
}

impl Workspace {
    /// Reads the manifests of the workspace at `root`.
    pub(super) fn gather(root: &Path) -> Result<Self, Trouble> {
        let path = root.join("Cargo.toml");
        let manifest = parse(&read(&path)?, "Cargo.toml")?;
        let workspace = manifest.get("workspace").and_then(Value::as_table);
        let patterns = workspace.and_then(|table| table.get("members")).and_then(Value::as_array);
        let renamed = workspace.map(renamed).unwrap_or_default();
        let mut folders = BTreeSet::new();
        for pattern in patterns.into_iter().flatten().filter_map(Value::as_str) {
            match pattern.strip_suffix("/*") {
                Some(parent) => folders.extend(packages_in(root, parent)?),
                None => _ = folders.insert(pattern.to_owned()),
            }
        }
        let mut members = Vec::new();
        for folder in folders {
            let path = format!("{folder}/Cargo.toml");
            members.push(Manifest::parse(&read(&root.join(&path))?, &folder, &renamed)?);
        }
        Ok(Self { members })
    }

    /// Whether this package is one of ours.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name)
    }
}

impl Manifest {
    /// Reads the text of the manifest in `folder`; `renamed` are the workspace's other names of packages.
    fn parse(text: &str, folder: &str, renamed: &BTreeMap<String, String>) -> Result<Self, Trouble> {
        let shown = format!("{folder}/Cargo.toml");
        let manifest = parse(text, &shown)?;
        let at = |table: &str, key: &str| manifest.get(table).and_then(|value| value.get(key)).cloned();
        let Some(Value::String(name)) = at("package", "name") else {
            return Err(Trouble::new(format!("{shown} names no package"), "give it a [package] with a name"));
        };
        Ok(Self {
            name,
            folder: folder.to_owned(),
            uses: edges(&manifest, &PLAIN, renamed),
            tests_use: edges(&manifest, &FOR_TESTS, renamed),
            shares_lints: at("lints", "workspace") == Some(Value::Boolean(true)),
        })
    }
}

fn parse(text: &str, path: &str) -> Result<Table, Trouble> {
    text.parse()
        .map_err(|e| Trouble::new(format!("{path} is not understood: {e}"), "see it with: cargo metadata"))
}

/// The folders right below `parent` that hold a package.
fn packages_in(root: &Path, parent: &str) -> Result<Vec<String>, Trouble> {
    let unreadable = |e: std::io::Error| {
        Trouble::new(format!("the folder {parent} cannot be read: {e}"), "see the members in Cargo.toml")
    };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(root.join(parent)).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().join("Cargo.toml").is_file() {
            folders.push(format!("{parent}/{}", entry.file_name().to_string_lossy()));
        }
    }
    Ok(folders)
}

/// The packages that the workspace calls by another name.
fn renamed(workspace: &Table) -> BTreeMap<String, String> {
    let shared = workspace.get("dependencies").and_then(Value::as_table);
    let package = |value: &Value| value.get("package").and_then(Value::as_str).map(str::to_owned);
    shared.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), package(value)?))).collect()
}

/// The packages of these sections, in every `[target.…]` too.
fn edges(manifest: &Table, sections: &[&str], renamed: &BTreeMap<String, String>) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table)
        .chain(std::iter::once(manifest));
    let mut names = BTreeSet::new();
    for table in tables {
        for dependencies in sections.iter().filter_map(|section| table.get(*section)?.as_table()) {
            for (key, value) in dependencies {
                let here = value.get("package").and_then(Value::as_str);
                let inherited =
                    renamed.get(key).map(String::as_str).filter(|_| value.get("workspace").is_some());
                names.insert(here.or(inherited).unwrap_or(key).to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn every_kind_of_edge_is_seen() {
        let text = r#"
            [package]
            name = "outside"
            [lints]
            workspace = true
            [dependencies]
            wire = { path = "../wire" }
            web = { package = "ureq", version = "3" }
            old.workspace = true
            maybe = { version = "1", optional = true }
            [build-dependencies]
            cc = "1"
            [dev-dependencies]
            tempfile.workspace = true
            [target.'cfg(windows)'.dependencies]
            windows-sys = "0.61"
            [target.'cfg(unix)'.dev-dependencies]
            rustix = "1"
        "#;
        let renamed = BTreeMap::from([("old".to_owned(), "rusqlite".to_owned())]);
        let manifest = Manifest::parse(text, "crates/outside", &renamed).unwrap();
        assert_eq!(manifest.name, "outside");
        assert_eq!(manifest.uses, set(&["wire", "ureq", "rusqlite", "maybe", "cc", "windows-sys"]));
        assert_eq!(manifest.tests_use, set(&["tempfile", "rustix"]));
        assert!(manifest.shares_lints);
    }

    #[test]
    fn lints_are_not_shared_unless_said() {
        for lints in ["", "[lints]\nworkspace = false", "[lints.rust]\nunsafe_code = \"deny\""] {
            let text = format!("[package]\nname = \"wire\"\n{lints}");
            assert!(
                !Manifest::parse(&text, "crates/wire", &BTreeMap::new()).unwrap().shares_lints,
                "{lints}"
            );
        }
        assert!(Manifest::parse("[package]\n", "crates/wire", &BTreeMap::new()).is_err());
    }

    #[test]
    fn members_are_found_by_name_and_by_folder() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = "[workspace]\nmembers = [\"crates/*\", \"xtask\"]\n\
            [workspace.dependencies]\nweb = { package = \"ureq\", version = \"3\" }\n";
        std::fs::write(folder.path().join("Cargo.toml"), workspace).unwrap();
        for name in ["crates/wire", "crates/cli", "xtask"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
            let text = format!("[package]\nname = {name:?}\n[dependencies]\nweb.workspace = true\n");
            std::fs::write(folder.path().join(name).join("Cargo.toml"), text).unwrap();
        }
        std::fs::create_dir_all(folder.path().join("crates/empty")).unwrap();
        let members = Workspace::gather(folder.path()).unwrap().members;
        let folders: Vec<&str> = members.iter().map(|member| member.folder.as_str()).collect();
        assert_eq!(folders, ["crates/cli", "crates/wire", "xtask"]);
        assert!(members.iter().all(|member| member.uses == set(&["ureq"])));
    }
}
