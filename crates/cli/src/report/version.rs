//! The output of `aldis --version --verbose`, for a report of a fault: which source, built for what and how, on which system.

use outside::Outside;
use outside::env::operating_system;
use serde_json::json;

use super::words::print;
use super::{Exit, Failure};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that was checked out, or that `ALDIS_COMMIT` named; changes that are not committed do not show.
const COMMIT: &str = env!("ALDIS_BUILD_COMMIT");
const TARGET: &str = env!("ALDIS_BUILD_TARGET");
const PROFILE: &str = env!("ALDIS_BUILD_PROFILE");

/// Prints the version, with all facts if it is `verbose`.
pub(crate) fn show(outside: &Outside, verbose: bool, json: bool) -> Result<Exit, Failure> {
    if !verbose {
        let object = json!({ "version": VERSION });
        return print(outside, &if json { format!("{object:#}\n") } else { format!("aldis {VERSION}\n") });
    }
    let facts = [
        ("commit", COMMIT.to_owned()),
        ("target", TARGET.to_owned()),
        ("linkage", linkage()),
        ("profile", PROFILE.to_owned()),
        ("operating system", operating_system()),
    ];
    if json {
        let version = [("version".to_owned(), json!(VERSION))];
        let facts = facts.map(|(name, value)| (name.replace(' ', "_"), json!(value)));
        let object: serde_json::Map<String, serde_json::Value> = version.into_iter().chain(facts).collect();
        return print(outside, &format!("{:#}\n", json!(object)));
    }
    let lines = facts.map(|(name, value)| format!("{name}: {value}\n"));
    print(outside, &format!("aldis {VERSION}\n{}", lines.concat()))
}

/// The way in which the program finds its C library.
fn linkage() -> String {
    let how = if cfg!(target_feature = "crt-static") { "static" } else { "dynamic" };
    let libc = match () {
        () if cfg!(target_env = "gnu") => "glibc",
        () if cfg!(target_env = "musl") => "musl",
        () if cfg!(target_os = "macos") => "libSystem",
        () => "the C library of the system",
    };
    format!("{how}, {libc}")
}
