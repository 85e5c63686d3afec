//! `cargo xtask places`: what happens in each real place, as its story finds it, and the README's table of it.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::call::Call;
use crate::machine::{target, write};
use crate::trouble::{Trouble, read};

/// What happened in each place.
pub(crate) const DATA: &str = "docs/places.toml";
/// The places, in their order.
const PLACES: &str = "crates/cli/tests/stories/real_places/places.toml";
const README: &str = "README.md";

const BEGIN: &str = "<!-- `cargo xtask places` makes this table of docs/places.toml -->\n";
const END: &str = "<!-- the end of that table -->\n";

const HEADING: &str = "\
# What `aldis login` does in each place, as the stories of `crates/cli/tests/stories/real_places.rs` found it there.
# `cargo xtask places` writes this file and the table of it in the README; a story fails where something else happens.
#
#   offers      the ways that were offered, best first
#   reason      why, as the prompt says it
#   opener      the program that opened the page; empty where none did
#   loopback    what became of a browser on the person's computer that came to its own 127.0.0.1
#   signed_in   the ways that ended signed in: open, the browser came back by itself; paste, of the address on which it ended;
#               code; tunnel, the browser came back through the `ssh -L` line of the prompt; published, through a container's port;
#               device, with a code that was asked for by name
";

/// The file of places: those of the stories, or what happened in them.
#[derive(Debug, Deserialize)]
struct File<T> {
    place: Vec<T>,
}

/// A place among the stories.
#[derive(Debug, Deserialize)]
struct Name {
    name: String,
}

/// What happened in one place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[allow(dead_code, reason = "the stories find their entry by it")]
    name: String,
    r#where: String,
    offers: Vec<String>,
    #[allow(dead_code, reason = "too long for the table")]
    reason: String,
    opener: String,
    loopback: String,
    signed_in: Vec<String>,
}

/// Runs the stories, and writes down what they found.
pub(crate) fn record(root: &Path) -> Result<(), Trouble> {
    let found = target(root).join("places");
    // What an earlier run found must not be taken for this one's.
    let _ = fs::remove_dir_all(&found);
    let line = "cargo test --package aldis --features aldis/test-doors --test stories -- real_places --test-threads 2";
    Call::line(line).with("ALDIS_RECORD_PLACES", "1").run(root)?;
    let places: File<Name> = parse(PLACES, &read(&root.join(PLACES))?)?;
    let mut data = HEADING.to_owned();
    for Name { name } in &places.place {
        data.push('\n');
        data.push_str(&read(&found.join(format!("{name}.toml")))?);
    }
    write(&root.join(DATA), &data)?;
    let readme = read(&root.join(README))?;
    write(&root.join(README), &with_table(&readme, &table(&data)?)?)
}

/// Whether the README's table is the one of the data.
///
/// # Errors
/// When the data or the table cannot be read.
pub(crate) fn is_current(root: &Path) -> Result<bool, Trouble> {
    let readme = read(&root.join(README))?;
    Ok(with_table(&readme, &table(&read(&root.join(DATA))?)?)? == readme)
}

fn parse<T: serde::de::DeserializeOwned>(path: &str, text: &str) -> Result<T, Trouble> {
    toml::from_str(text)
        .map_err(|e| Trouble::new(format!("{path}: {e}"), "correct it, or: cargo xtask places"))
}

/// The table: places in which the same happens share a row.
fn table(data: &str) -> Result<String, Trouble> {
    let data: File<Entry> = parse(DATA, data)?;
    let mut rows: Vec<(Vec<&str>, String)> = Vec::new();
    for entry in &data.place {
        let happens = entry.happens();
        match rows.iter_mut().find(|(_, words)| *words == happens) {
            Some((places, _)) => places.push(&entry.r#where),
            None => rows.push((vec![&entry.r#where], happens)),
        }
    }
    let mut text = "| where you are | what `aldis login` does |\n| --- | --- |\n".to_owned();
    for (places, happens) in rows {
        text.push_str(&format!("| {} | {happens} |\n", places.join("; ")));
    }
    Ok(text)
}

impl Entry {
    /// What happens, in words.
    fn happens(&self) -> String {
        let first = match (self.offers.first().map(String::as_str), self.loopback.as_str()) {
            (None, _) => {
                return "ends at once and says what the job needs instead; `--flow device` signs in"
                    .to_owned();
            }
            (Some("code"), _) => return "shows a link and a code".to_owned(),
            (_, "reached") if self.opener.is_empty() => {
                return "shows a link for the browser there, which comes back by itself".to_owned();
            }
            (_, "reached") => return "opens the page, and the browser comes back by itself".to_owned(),
            _ if self.opener.is_empty() => {
                "shows a link for any browser; you paste the address from its address bar (the page will not load)"
            }
            _ => {
                "opens the page; you paste the address from the browser's address bar (the last page will not load)"
            }
        };
        let others = self.signed_in.iter().filter_map(|way| match way.as_str() {
            "code" => Some("or you press `c` for a code"),
            "tunnel" => Some("`f` shows the `ssh -L` line with which the browser comes back by itself"),
            "published" => Some("`f` shows how a published port lets the browser come back by itself"),
            _ => None,
        });
        std::iter::once(first).chain(others).collect::<Vec<_>>().join("; ")
    }
}

/// The README with this table in its place.
fn with_table(readme: &str, table: &str) -> Result<String, Trouble> {
    let parts = readme.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| {
        Trouble::new(
            format!("{README} has no place for the table of places"),
            format!("put these two lines where it belongs:\n\n{BEGIN}{END}"),
        )
    })?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(place: &str, offers: &str, opener: &str, loopback: &str, signed_in: &str) -> String {
        format!(
            "[[place]]\nname = \"{place}\"\nwhere = \"{place}\"\noffers = {offers}\nreason = \"why\"\nopener = \"{opener}\"\n\
             loopback = \"{loopback}\"\nsigned_in = {signed_in}\n"
        )
    }

    fn data() -> String {
        let pasting = "[\"paste\", \"code\", \"open\"]";
        [
            entry("here", "[\"open\"]", "xdg-open", "reached", "[\"open\"]"),
            entry("far", pasting, "", "refused", "[\"paste\", \"code\", \"tunnel\"]"),
            entry("away", pasting, "", "refused", "[\"paste\", \"code\"]"),
            entry("further", pasting, "", "refused", "[\"paste\", \"code\", \"tunnel\"]"),
            entry("job", "[]", "", "", "[\"code\"]"),
        ]
        .join("\n")
    }

    #[test]
    fn places_in_which_the_same_happens_share_a_row() {
        let table = table(&data()).unwrap();
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows.len(), 4, "{table}");
        assert_eq!(rows[0], "| here | opens the page, and the browser comes back by itself |");
        assert!(rows[1].starts_with("| far; further | ") && rows[1].contains("`ssh -L`"), "{table}");
        assert!(rows[2].starts_with("| away | ") && !rows[2].contains("ssh"), "{table}");
    }

    #[test]
    fn a_stale_table_is_found_and_one_without_a_place_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| write(&folder.path().join(path), text).unwrap();
        put(DATA, &data());
        put(README, &format!("# Title\n{BEGIN}old\n{END}rest\n"));
        assert!(!is_current(folder.path()).unwrap());
        put(README, &with_table(&format!("# Title\n{BEGIN}{END}rest\n"), &table(&data()).unwrap()).unwrap());
        assert!(is_current(folder.path()).unwrap());
        put(DATA, &data().replace("xdg-open", ""));
        assert!(!is_current(folder.path()).unwrap());
        put(README, "# Title\n");
        assert!(is_current(folder.path()).unwrap_err().to_string().contains(BEGIN));
        put(DATA, "[[place]]\nname = 1\n");
        assert!(is_current(folder.path()).is_err());
    }
}
