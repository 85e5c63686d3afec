//! Tells the program which source it is built from, for reports of faults. For release builds on Linux with glibc it also hands
//! the layout of `cached.ld` to the linker; a linker that the user chose may not read linker scripts (mold does not), and does
//! without.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "so cargo speaks with a build script, which has no other doors to files and variables"
)]

use std::env::var;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=cached.ld");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ALDIS_COMMIT");
    let folder = PathBuf::from(var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let named = var("ALDIS_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = named.or_else(|| checked_out(&folder.join("../../.git")));
    println!("cargo::rustc-env=ALDIS_BUILD_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    for name in ["TARGET", "PROFILE"] {
        println!("cargo::rustc-env=ALDIS_BUILD_{name}={}", var(name).unwrap_or_default());
    }

    let is = |name: &str, wanted: &str| var(name).is_ok_and(|value| value == wanted);
    let has_chosen = var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("-fuse-ld="));
    if !has_chosen
        && is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
    {
        for word in ["-T", &folder.join("cached.ld").display().to_string()] {
            println!("cargo::rustc-link-arg-bins={word}");
        }
    }
}

/// The commit that is checked out, read from the files of the repository at `git`: the program `git` may be missing, and it refuses
/// repositories of other users, such as those that are mounted into a container. `None` outside of a checkout, and for forms of
/// repositories that are not known here. The build script runs again only when the files change that were read, which is when
/// another commit is checked out or made.
fn checked_out(git: &Path) -> Option<String> {
    // In a worktree and in a submodule `.git` is a file that names the folder.
    let git = match read_to_string(git) {
        Ok(text) => git.parent()?.join(text.trim().strip_prefix("gitdir: ")?),
        Err(_) => git.to_owned(),
    };
    let head = watched(&git.join("HEAD"))?;
    let Some(name) = head.trim().strip_prefix("ref: ") else { return hash(head.trim()) };
    // Worktrees share the branches of the repository that they belong to.
    let shared = match read_to_string(git.join("commondir")) {
        Ok(text) => git.join(text.trim()),
        Err(_) => git.clone(),
    };
    if let Some(text) = watched(&shared.join(name)) {
        return hash(text.trim());
    }
    // The next commit makes a file of its own for the branch, and a line in the log.
    let _ = watched(&git.join("logs/HEAD"));
    let packed = watched(&shared.join("packed-refs"))?;
    let mut refs = packed.lines().filter_map(|line| line.split_once(' '));
    refs.find(|(_, other)| *other == name).and_then(|(commit, _)| hash(commit))
}

/// The text of a file that there is; cargo runs the build script again when it changes. (Were a missing one named, cargo would run
/// the script each time.)
fn watched(path: &Path) -> Option<String> {
    let text = read_to_string(path).ok()?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text)
}

fn hash(text: &str) -> Option<String> {
    let is_hash = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_owned())
}
