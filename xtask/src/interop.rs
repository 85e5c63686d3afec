//! Foreign clients against our binary, in Python and JavaScript: the environments that they live in, and their tests.

use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::dist;
use crate::machine::{is_current, node_packages, target, write};
use crate::trouble::{Trouble, read};

/// The pinned packages of the foreign clients in Python.
const REQUIREMENTS: &str = "interop/python/requirements.txt";
/// Those in JavaScript, which look for their packages beside them.
const NODE: &str = "interop/node";

/// Runs the foreign clients' tests against the binary that people use on this system.
pub(crate) fn run(root: &Path) -> Result<(), Trouble> {
    let binary = dist::for_people(root)?;
    let python = python(root)?;
    // Before both: Python lets a client in JavaScript race with its own.
    node_packages(root, NODE, &root.join(NODE))?;
    // Kept out of the source folders: the tests leave nothing there.
    let cache = format!("cache_dir={}", target(root).join("pytest-cache").display());
    Call::new(python.display().to_string(), &["-m", "pytest", "-o", &cache, "interop/python"])
        .with("ALDIS_BIN", binary.display().to_string())
        .run(root)?;
    Call::line("node --test").with("ALDIS_BIN", binary.display().to_string()).run(&root.join(NODE))
}

/// Makes everything that the foreign clients need.
pub(crate) fn prepare(root: &Path) -> Result<(), Trouble> {
    python(root)?;
    node_packages(root, NODE, &root.join(NODE))
}

/// Makes the Python environment, or finds it as the requirements want it; hands over its `python`.
fn python(root: &Path) -> Result<PathBuf, Trouble> {
    let wanted = read(&root.join(REQUIREMENTS))?;
    let folder = target(root).join("interop-venv");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let python_shown = python.display().to_string();
    let stamp = folder.join("made-from-requirements.txt");
    let runs = Call::new(&python_shown, &["-m", "pytest", "--version"]).ends_well(root);
    if is_current(&stamp, &wanted) && runs {
        println!("{} is made from {REQUIREMENTS} as it is now", folder.display());
        return Ok(python);
    }
    Call::new("python3", &["-m", "venv", "--clear", &folder.display().to_string()]).run(root)?;
    let pip =
        ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "-r", REQUIREMENTS];
    Call::new(&python_shown, &pip).run(root)?;
    // Written last: an environment that was left half-made has no stamp and is made again.
    write(&stamp, &wanted)?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let trouble = python(folder.path()).unwrap_err().to_string();
        assert!(trouble.contains("interop/python/requirements.txt"), "{trouble}");
    }
}
