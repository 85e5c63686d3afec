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

/// What real places need: machines of namespaces with networks of their own, a server of SSH, and what people start there. Only
/// root builds them.
const NEEDS_OF_PLACES: &[Need] = &[
    Need { name: "`nsenter`", proof: &["nsenter", "--version"], packages: &["util-linux"] },
    Need { name: "`ip`", proof: &["ip", "-V"], packages: &["iproute2"] },
    Need { name: "`nft`", proof: &["nft", "--version"], packages: &["nftables"] },
    Need { name: "`ssh`", proof: &["ssh", "-V"], packages: &["openssh-client"] },
    Need { name: "`sshd`", proof: &["test", "-x", "/usr/sbin/sshd"], packages: &["openssh-server"] },
    Need { name: "`tmux`", proof: &["tmux", "-V"], packages: &["tmux"] },
    Need { name: "`screen`", proof: &["test", "-x", "/usr/bin/screen"], packages: &["screen"] },
    Need { name: "`sudo`", proof: &["sudo", "--version"], packages: &["sudo"] },
    Need { name: "`bwrap`", proof: &["bwrap", "--version"], packages: &["bubblewrap"] },
    Need { name: "`podman`", proof: &["podman", "--version"], packages: &["podman"] },
    Need { name: "`crun`", proof: &["crun", "--version"], packages: &["crun"] },
];

/// Ends well where the packages of `interop/node` can run.
const OLDEST_NODE: &str = "process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)";

/// What a machine has, and what may be done about the rest.
#[derive(Debug, Clone)]
struct Machine {
    missing: Vec<Need>,
    /// For real places; nothing where none can be built anyway.
    missing_for_places: Vec<Need>,
    /// We may install packages.
    is_root: bool,
    has_apt: bool,
}

/// How to come to what is missing.
#[derive(Debug)]
enum Way {
    Ready,
    /// With these packages, and with those without what they recommend: a system that starts services, mostly.
    Install {
        packages: Vec<&'static str>,
        bare: Vec<&'static str>,
    },
    Refuse(Trouble),
}

impl Machine {
    fn observe(root: &Path) -> Self {
        let missing =
            |needs: &[Need]| needs.iter().filter(|need| !need.call().ends_well(root)).copied().collect();
        let is_root = Call::line("id -u").answer(root).as_deref() == Some("0");
        Self {
            missing: missing(NEEDS),
            missing_for_places: missing(if is_root { NEEDS_OF_PLACES } else { &[] }),
            is_root,
            has_apt: Call::line("apt-get --version").ends_well(root),
        }
    }

    fn way(&self) -> Way {
        let all: Vec<&Need> = self.missing.iter().chain(&self.missing_for_places).collect();
        if all.is_empty() {
            return Way::Ready;
        }
        let of = |needs: &[Need]| {
            let mut packages: Vec<&str> = needs.iter().flat_map(|need| need.packages).copied().collect();
            packages.dedup();
            packages
        };
        let (packages, bare) = (of(&self.missing), of(&self.missing_for_places));
        let names: Vec<&str> = all.iter().map(|need| need.name).collect();
        let what = format!("not on this machine: {}", names.join(", "));
        match (self.is_root, self.has_apt) {
            (true, true) => Way::Install { packages, bare },
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
        Way::Install { packages, bare } => {
            let quiet = |call: Call| call.with("DEBIAN_FRONTEND", "noninteractive").run(root);
            quiet(Call::line("apt-get update"))?;
            for (words, packages) in [("", packages), ("--no-install-recommends", bare)] {
                if !packages.is_empty() {
                    quiet(Call::line(&format!("apt-get install -y {words} {}", packages.join(" "))))?;
                }
            }
            let machine = Machine::observe(root);
            if let Some(still) = machine.missing.iter().chain(&machine.missing_for_places).next() {
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
        let machine =
            Machine { missing: Vec::new(), missing_for_places: Vec::new(), is_root: true, has_apt: true };
        assert!(matches!(machine.way(), Way::Ready));
        let packages_of = |machine: &Machine| match machine.way() {
            Way::Install { packages, bare } => (packages, bare),
            other => panic!("does not install: {other:?}"),
        };
        let machine = Machine { missing: vec![NEEDS[0], NEEDS[4]], ..machine };
        assert_eq!(packages_of(&machine), (vec!["chromium", "python3-venv", "python3-pip"], vec![]));
        let twice = Machine { missing: vec![NEEDS[5], NEEDS[6]], ..machine.clone() };
        assert_eq!(packages_of(&twice), (vec!["util-linux"], vec![]));
        let of_places = NEEDS_OF_PLACES[4..6].to_vec();
        let of_places = Machine { missing: vec![], missing_for_places: of_places, ..machine.clone() };
        assert_eq!(packages_of(&of_places), (vec![], vec!["openssh-server", "tmux"]));
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
