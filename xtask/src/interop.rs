//! Foreign clients against our binary: the Python environment that they live in, and their tests.

use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::trouble::{Trouble, read};

/// The pinned packages of the foreign clients.
const REQUIREMENTS: &str = "interop/python/requirements.txt";
/// The packages of a Debian machine that has no usable Python.
const APT_INSTALL: &str = "apt-get install -y python3-venv python3-pip";

/// What this machine offers for making a Python environment.
#[derive(Debug, Clone, Copy)]
struct Machine {
    /// `python3` runs and has all that a new environment with pip needs.
    has_python: bool,
    /// We may install packages.
    is_root: bool,
    has_apt: bool,
}

/// How to come to a usable Python.
#[derive(Debug)]
enum Way {
    Ready,
    Install,
    Refuse(Trouble),
}

impl Machine {
    fn observe(root: &Path) -> Self {
        Self {
            // Debian's python3 has `venv` without `ensurepip`, which is in python3-venv.
            has_python: Call::new("python3", &["-c", "import venv, ensurepip"]).ends_well(root),
            is_root: Call::line("id -u").answer(root).as_deref() == Some("0"),
            has_apt: Call::line("apt-get --version").ends_well(root),
        }
    }

    fn way(self) -> Way {
        let what = "`python3` with its modules `venv` and `ensurepip` is not on this machine";
        match self {
            Self { has_python: true, .. } => Way::Ready,
            Self { is_root: true, has_apt: true, .. } => Way::Install,
            Self { has_apt: true, .. } => {
                Way::Refuse(Trouble::new(what, format!("sudo apt-get update && sudo {APT_INSTALL}")))
            }
            Self { .. } => Way::Refuse(Trouble::new(
                what,
                "install Python 3 with its venv module and pip, then type: cargo xtask prepare",
            )),
        }
    }
}

/// Runs the foreign clients' tests against the release binary.
pub(crate) fn run(root: &Path) -> Result<(), Trouble> {
    let binary = target(root).join("release").join(format!("aldis{}", std::env::consts::EXE_SUFFIX));
    if !binary.is_file() {
        return Err(Trouble::new(
            format!("{} is not there to be tested", binary.display()),
            "cargo build --release -p aldis",
        ));
    }
    let python = prepare(root)?;
    // Kept out of the source folders: the tests leave nothing there.
    let cache = format!("cache_dir={}", target(root).join("pytest-cache").display());
    Call::new(python.display().to_string(), &["-m", "pytest", "-o", &cache, "interop/python"])
        .with("ALDIS_BIN", binary.display().to_string())
        .run(root)
}

/// Makes the Python environment, or finds it as the requirements want it; hands over its `python`.
pub(crate) fn prepare(root: &Path) -> Result<PathBuf, Trouble> {
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
    usable_python(root)?;
    Call::new("python3", &["-m", "venv", "--clear", &folder.display().to_string()]).run(root)?;
    let pip =
        ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "-r", REQUIREMENTS];
    Call::new(&python_shown, &pip).run(root)?;
    // Written last: an environment that was left half-made has no stamp and is made again.
    std::fs::write(&stamp, wanted).map_err(|e| {
        Trouble::new(
            format!("{} cannot be written: {e}", stamp.display()),
            "see that the target folder is yours and the disk is not full",
        )
    })?;
    Ok(python)
}

/// Whether the environment was made from exactly these requirements.
fn is_current(stamp: &Path, wanted: &str) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|made_from| made_from == wanted)
}

/// Sees to a `python3` that can make environments.
fn usable_python(root: &Path) -> Result<(), Trouble> {
    match Machine::observe(root).way() {
        Way::Ready => Ok(()),
        Way::Refuse(trouble) => Err(trouble),
        Way::Install => {
            Call::line("apt-get update").run(root)?;
            Call::line(APT_INSTALL).with("DEBIAN_FRONTEND", "noninteractive").run(root)?;
            if Machine::observe(root).has_python {
                return Ok(());
            }
            Err(Trouble::new(
                "`python3` still lacks its module `venv` or `ensurepip` after the packages were installed",
                "see which python3 comes first in PATH with: type -a python3",
            ))
        }
    }
}

/// The folder that cargo builds into.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_installed_only_by_root_and_only_when_missing() {
        let machine = Machine { has_python: true, is_root: true, has_apt: true };
        assert!(matches!(machine.way(), Way::Ready));
        let machine = Machine { has_python: false, ..machine };
        assert!(matches!(machine.way(), Way::Install));
        let Way::Refuse(trouble) = (Machine { is_root: false, ..machine }).way() else { panic!("installs") };
        assert!(trouble.to_string().contains("sudo apt-get update && sudo apt-get install"), "{trouble}");
        let Way::Refuse(trouble) = (Machine { has_apt: false, ..machine }).way() else { panic!("installs") };
        assert!(trouble.to_string().contains("cargo xtask prepare"), "{trouble}");
    }

    #[test]
    fn an_environment_is_used_again_only_for_the_same_requirements() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = folder.path().join("stamp");
        assert!(!is_current(&stamp, "boto3==1"));
        std::fs::write(&stamp, "boto3==1").unwrap();
        assert!(is_current(&stamp, "boto3==1"));
        assert!(!is_current(&stamp, "boto3==2"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let trouble = prepare(folder.path()).unwrap_err().to_string();
        assert!(trouble.contains("interop/python/requirements.txt"), "{trouble}");
    }
}
