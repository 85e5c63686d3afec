//! What the tests need of the machine: foreign programs from its packages, foreign clients from their registries. Whatever is
//! missing is installed, or the line that does it is shown.

use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::trouble::{Trouble, read};

/// A program that tests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    /// What it is called when it is missing.
    name: &'static str,
    /// A line that ends well only where it can be used; its words are parted by blanks.
    proof: &'static [&'static str],
    /// Debian's packages with it.
    packages: &'static [&'static str],
}

impl Need {
    fn call(&self) -> Call {
        let (program, words) = self.proof.split_first().unwrap_or((&"", &[]));
        Call::new(*program, words)
    }
}

const NEEDS: &[Need] = &[
    Need {
        name: "Chromium (/usr/bin/chromium)",
        proof: &["/usr/bin/chromium", "--version"],
        packages: &["chromium"],
    },
    // By its path: another AWS CLI may come first in PATH.
    Need {
        name: "the AWS CLI, version 2 (/usr/bin/aws)",
        proof: &["/usr/bin/aws", "--version"],
        packages: &["awscli"],
    },
    Need {
        name: "Node.js (`node`), version 18 or newer",
        proof: &["node", "--eval", OLDEST_NODE],
        packages: &["nodejs"],
    },
    Need { name: "`npm`", proof: &["npm", "--version"], packages: &["npm"] },
    // Debian's python3 has `venv` without `ensurepip`, which is in python3-venv.
    Need {
        name: "`python3` with its modules `venv` and `ensurepip`",
        proof: &["python3", "-c", "import venv, ensurepip"],
        packages: &["python3-venv", "python3-pip"],
    },
    // A terminal of a test is a session of its own, and what it started ends with it.
    Need { name: "`setsid`", proof: &["setsid", "--version"], packages: &["util-linux"] },
    Need { name: "`setpriv`", proof: &["setpriv", "--version"], packages: &["util-linux"] },
    Need { name: "`bash`", proof: &["bash", "--version"], packages: &["bash"] },
];

/// Ends well where the packages of `interop/node` can run.
const OLDEST_NODE: &str = "process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)";

/// What a machine has, and what may be done about the rest.
#[derive(Debug, Clone)]
struct Machine {
    missing: Vec<Need>,
    /// We may install packages.
    is_root: bool,
    has_apt: bool,
}

/// How to come to what is missing.
#[derive(Debug)]
enum Way {
    Ready,
    /// With these packages.
    Install(Vec<&'static str>),
    Refuse(Trouble),
}

impl Machine {
    fn observe(root: &Path) -> Self {
        Self {
            missing: NEEDS.iter().filter(|need| !need.call().ends_well(root)).copied().collect(),
            is_root: Call::line("id -u").answer(root).as_deref() == Some("0"),
            has_apt: Call::line("apt-get --version").ends_well(root),
        }
    }

    fn way(&self) -> Way {
        if self.missing.is_empty() {
            return Way::Ready;
        }
        let mut packages: Vec<&str> = self.missing.iter().flat_map(|need| need.packages).copied().collect();
        packages.dedup();
        let names: Vec<&str> = self.missing.iter().map(|need| need.name).collect();
        let what = format!("not on this machine: {}", names.join(", "));
        match (self.is_root, self.has_apt) {
            (true, true) => Way::Install(packages),
            (false, true) => Way::Refuse(Trouble::new(
                what,
                format!("sudo apt-get update && sudo apt-get install -y {}", packages.join(" ")),
            )),
            (_, false) => {
                Way::Refuse(Trouble::new(what, "install them, then type: cargo xtask prepare".to_owned()))
            }
        }
    }
}

/// Sees to all that the Rust tests need: programs, and axe-core for the pages.
pub(crate) fn prepare(root: &Path) -> Result<(), Trouble> {
    match Machine::observe(root).way() {
        Way::Ready => {}
        Way::Refuse(trouble) => return Err(trouble),
        Way::Install(packages) => {
            let quiet = |call: Call| call.with("DEBIAN_FRONTEND", "noninteractive").run(root);
            quiet(Call::line("apt-get update"))?;
            quiet(Call::line(&format!("apt-get install -y {}", packages.join(" "))))?;
            if let Some(still) = Machine::observe(root).missing.first() {
                return Err(Trouble::new(
                    format!("{} still cannot be used after its packages were installed", still.name),
                    format!("see what it says: {}", still.call().shown()),
                ));
            }
        }
    }
    node_packages(root, "interop/axe", &target(root).join("axe"))
}

/// Installs the packages that the lock file in `source` pins below `place`, where they are not there in this version yet.
pub(crate) fn node_packages(root: &Path, source: &str, place: &Path) -> Result<(), Trouble> {
    let wanted = read(&root.join(source).join("package-lock.json"))?;
    let stamp = place.join("node_modules/.made-from-package-lock.json");
    if is_current(&stamp, &wanted) {
        println!("{} is made from {source}/package-lock.json as it is now", place.display());
        return Ok(());
    }
    if place != root.join(source) {
        for name in ["package.json", "package-lock.json"] {
            write(&place.join(name), &read(&root.join(source).join(name))?)?;
        }
    }
    let place_shown = place.display().to_string();
    let words = ["ci", "--prefix", &place_shown, "--ignore-scripts", "--no-audit", "--no-fund"];
    Call::new("npm", &words).run(root)?;
    // Written last: a folder that was left half-made has no stamp and is made again.
    write(&stamp, &wanted)
}

/// Whether a place was made from exactly this text.
pub(crate) fn is_current(stamp: &Path, wanted: &str) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|made_from| made_from == wanted)
}

/// Writes a file of ours, and its folder.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text)).map_err(|e| {
        Trouble::new(
            format!("{} cannot be written: {e}", path.display()),
            "see that the folder is yours and the disk is not full",
        )
    })
}

/// The folder that cargo builds into.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_installed_only_by_root_and_only_those_that_are_missing() {
        let machine = Machine { missing: Vec::new(), is_root: true, has_apt: true };
        assert!(matches!(machine.way(), Way::Ready));
        let machine = Machine { missing: vec![NEEDS[0], NEEDS[4]], ..machine };
        let Way::Install(packages) = machine.way() else { panic!("does not install") };
        assert_eq!(packages, ["chromium", "python3-venv", "python3-pip"]);
        let twice = Machine { missing: vec![NEEDS[5], NEEDS[6]], ..machine.clone() };
        let Way::Install(packages) = twice.way() else { panic!("does not install") };
        assert_eq!(packages, ["util-linux"]);
        let Way::Refuse(trouble) = (Machine { is_root: false, ..machine.clone() }).way() else {
            panic!("installs")
        };
        let trouble = trouble.to_string();
        assert!(
            trouble.contains("sudo apt-get update && sudo apt-get install -y chromium python3"),
            "{trouble}"
        );
        let Way::Refuse(trouble) = (Machine { has_apt: false, ..machine }).way() else { panic!("installs") };
        assert!(trouble.to_string().contains("cargo xtask prepare"), "{trouble}");
    }

    #[test]
    fn a_proof_can_be_typed_as_it_is_shown() {
        let shown: Vec<String> = NEEDS.iter().map(|need| need.call().shown()).collect();
        assert_eq!(shown[1], "/usr/bin/aws --version");
        assert_eq!(shown[4], "python3 -c 'import venv, ensurepip'");
    }

    #[test]
    fn a_place_is_used_again_only_for_the_same_packages() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = folder.path().join("below/stamp");
        assert!(!is_current(&stamp, "boto3==1"));
        write(&stamp, "boto3==1").unwrap();
        assert!(is_current(&stamp, "boto3==1"));
        assert!(!is_current(&stamp, "boto3==2"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let trouble = node_packages(folder.path(), "interop/axe", folder.path()).unwrap_err().to_string();
        assert!(trouble.contains("interop/axe/package-lock.json"), "{trouble}");
    }
}
