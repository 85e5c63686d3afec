//! The table of places: `places.toml` says what is read in each and what must be offered there.

use std::collections::{BTreeMap, BTreeSet};

use outside::Env;
use toml::{Table, Value};

use super::{Refusal, Way, Wish, choose};
use crate::surroundings::{FILES, Readings, Surroundings, of_interest, sockets};

/// Every kind of place that must have a row.
const KINDS: &[&str] = &[
    "asked by name",
    "ci",
    "ci asked by name",
    "ci with a person",
    "cloud9",
    "cloudshell",
    "codespaces",
    "container",
    "container without tty",
    "cron",
    "desktop without opener",
    "dev container",
    "gitpod",
    "headless",
    "jetbrains gateway",
    "kubernetes",
    "laptop",
    "legacy profile",
    "mosh",
    "no home",
    "no tty",
    "sagemaker",
    "screen",
    "screen stale",
    "session manager",
    "ssh",
    "ssh with agent",
    "ssh with x11",
    "ssh without tty",
    "su",
    "sudo",
    "systemd",
    "tmux",
    "tmux stale",
    "vm",
    "vm without desktop",
    "vs code remote",
    "vs code tunnel",
    "web editor",
    "web terminal",
    "wsl 1",
    "wsl 2",
    "wsl without interop",
];

/// One place.
pub(super) struct Row {
    name: String,
    kind: String,
    pub(super) readings: Readings,
    wish: Wish,
    expected: Expected,
}

enum Expected {
    Offers { ways: Vec<String>, opens: bool, reason: String },
    Refusal { system: String },
}

/// All of them.
pub(super) fn rows() -> Vec<Row> {
    let table: Table = include_str!("places.toml").parse().unwrap();
    table["place"].as_array().unwrap().iter().map(|row| row_of(row.as_table().unwrap())).collect()
}

fn row_of(row: &Table) -> Row {
    let known = [
        "name",
        "kind",
        "system",
        "kernel",
        "variables",
        "files",
        "openers",
        "clients",
        "parents",
        "cgroup",
        "product",
        "terminals",
        "wish",
        "root",
        "bare",
        "refuses",
        "offers",
        "opens",
        "reason",
    ];
    let text = |key: &str| row.get(key).map(|value| value.as_str().unwrap().to_owned());
    let texts = |key: &str| -> Vec<String> {
        let items = row.get(key).map(|value| value.as_array().unwrap().clone()).unwrap_or_default();
        items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let is = |key: &str| row.get(key).is_some_and(|value| value.as_bool().unwrap());
    let name = text("name").unwrap();
    if let Some(other) = row.keys().find(|key| !known.contains(&key.as_str())) {
        panic!("{name}: {other} is no key");
    }
    let expected = match text("refuses") {
        Some(system) => Expected::Refusal { system },
        None => {
            Expected::Offers { ways: texts("offers"), opens: is("opens"), reason: text("reason").unwrap() }
        }
    };
    let variables = variables_of(row.get("variables"), is("bare"));
    let files: BTreeSet<String> = texts("files").into_iter().collect();
    check_files(&name, &files, &variables);
    let streams = text("terminals").unwrap_or_else(|| "all".to_owned());
    let is_terminal = |stream: &str| streams == "all" || streams.split(' ').any(|word| word == stream);
    Row {
        kind: text("kind").unwrap(),
        wish: wish_of(text("wish").as_deref()),
        expected,
        readings: Readings {
            system: text("system").unwrap_or_else(|| "linux".to_owned()),
            connection: variables.get("SSH_CONNECTION").cloned(),
            variables,
            files,
            kernel: text("kernel").unwrap_or_else(|| "6.12.48-amd64".to_owned()),
            cgroup_and_mounts: text("cgroup").unwrap_or_default(),
            product: text("product").unwrap_or_default(),
            parents: names(&text("parents").unwrap_or_default()),
            multiplexer_clients: texts("clients").iter().map(|client| names(client)).collect(),
            terminals: ["in", "out", "err"].map(is_terminal),
            is_root: is("root"),
            account: None,
            ssh_user: None,
            openers: texts("openers"),
        },
        name,
    }
}

/// Only what would be read on a real machine, too.
fn variables_of(set: Option<&Value>, is_bare: bool) -> BTreeMap<String, String> {
    let usual = [("HOME", "/home/jo"), ("TERM", "xterm-256color")];
    let mut env = Env::pretended(if is_bare { &[] } else { &usual });
    for (name, value) in set.map(|set| set.as_table().unwrap().clone()).unwrap_or_default() {
        env = env.with(&name, value.as_str().unwrap());
    }
    of_interest(&env)
}

/// A file that nobody looks for on a real machine would prove nothing.
fn check_files(name: &str, files: &BTreeSet<String>, variables: &BTreeMap<String, String>) {
    for file in files {
        let is_looked_for =
            FILES.contains(&file.as_str()) || sockets(variables).any(|socket| socket == *file);
        assert!(is_looked_for, "{name}: nobody looks for {file}");
    }
}

fn names(chain: &str) -> Vec<String> {
    let parted = if chain.contains('|') { '|' } else { ' ' };
    chain.split(parted).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn wish_of(word: Option<&str>) -> Wish {
    match word {
        Some("legacy") => Wish { is_legacy: true, ..Wish::default() },
        Some(flow) => Wish { flow: Some(Way::of_flow(flow).expect("a flow, or legacy")), ..Wish::default() },
        None => Wish::default(),
    }
}

#[test]
fn each_place_gets_its_offers_and_its_reason() {
    let mut wrong = Vec::new();
    for row in rows() {
        let place = Surroundings::of(&row.readings);
        let chosen = choose(&place, &row.wish, None);
        let name = &row.name;
        match (&row.expected, chosen) {
            (Expected::Offers { ways, opens, reason }, Ok(plan)) => {
                let chosen: Vec<&str> = plan.ways().into_iter().map(Way::name).collect();
                if &chosen != ways || &plan.starts_browser != opens || !plan.reason.contains(reason) {
                    let opened = plan.starts_browser;
                    wrong.push(format!("{name}: {chosen:?}, opens: {opened}, {}", plan.reason));
                }
            }
            (Expected::Refusal { system }, Err(Refusal::NobodyInCi { ci, .. })) if ci.name == system => {}
            (_, chosen) => wrong.push(format!("{name}: {chosen:?}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn names_are_unique_and_every_kind_of_place_has_a_row() {
    let rows = rows();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    let unique: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(unique.len(), rows.len());
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, KINDS.iter().copied().collect());
}

#[test]
fn a_reason_is_one_line_that_names_its_evidence() {
    for row in rows() {
        let place = Surroundings::of(&row.readings);
        let wish = Wish { has_person: Some(true), ..Wish::default() };
        let plan = choose(&place, &wish, None).unwrap();
        let names_one = place.observations().iter().any(|seen| plan.reason.contains(&seen.evidence));
        assert!(names_one && !plan.reason.contains('\n'), "{}: {}", row.name, plan.reason);
        assert!(plan.reason.len() < 220, "{}: {}", row.name, plan.reason);
    }
}
