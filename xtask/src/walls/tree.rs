//! The files of the repository.

use std::path::Path;

use crate::trouble::Trouble;

/// Folders that programs fill and nobody keeps.
const LEFT_OUT: [&str; 3] = [".git", "node_modules", "__pycache__"];

/// Every file below `root`, by its path from there, in order. Folders that are marked as a cache, as cargo and pytest
/// mark theirs, are left out; links are not followed.
pub(super) fn files(root: &Path) -> Result<Vec<String>, Trouble> {
    let mut paths = Vec::new();
    let mut waiting = vec![String::new()];
    while let Some(folder) = waiting.pop() {
        let unreadable = |e: std::io::Error| {
            Trouble::new(
                format!("the folder {} cannot be read: {e}", root.join(&folder).display()),
                "see that it is yours",
            )
        };
        for entry in std::fs::read_dir(root.join(&folder)).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{folder}{name}");
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_file() {
                paths.push(path);
            } else if kind.is_dir() && path != "target" && is_kept(&entry.path(), &name) {
                waiting.push(format!("{path}/"));
            }
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether people keep what is in this folder.
fn is_kept(folder: &Path, name: &str) -> bool {
    !LEFT_OUT.contains(&name) && !folder.join("CACHEDIR.TAG").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_leave_behind_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "README.md",
            ".ci/run",
            "crates/wire/src/lib.rs",
            "crates/target/src/lib.rs",
            "target/debug/made.rs",
            ".git/config",
            "interop/__pycache__/a.pyc",
            "built/CACHEDIR.TAG",
            "built/made.rs",
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let kept = [".ci/run", "README.md", "crates/target/src/lib.rs", "crates/wire/src/lib.rs"];
        assert_eq!(files(folder.path()).unwrap(), kept);
    }
}
