//! What an administrator allows: `/etc/aldis/policy.toml`.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use outside::files;
use toml::de::{DeTable, DeValue};

use super::Way;

/// What is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    file: PathBuf,
    /// Nothing where the file does not say.
    allowed_flows: Option<Vec<Way>>,
}

/// What is wrong in the text of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct PolicyError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

/// Why a policy that is there does not count; nobody signs in then, or it could be got rid of by making it unreadable.
#[derive(Debug, thiserror::Error)]
pub enum PolicyUnread {
    /// It could not be read.
    #[error("{} could not be read", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is somebody else's.
    #[error("{} does not belong to root", file.display())]
    NotOfRoot {
        /// Which file.
        file: PathBuf,
    },
    /// Others may write it.
    #[error("{} may be written by others than root (mode {mode:04o})", file.display())]
    Writable {
        /// Which file.
        file: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// It says something that is not understood.
    #[error("{}, {source}", file.display())]
    NotUnderstood {
        /// Which file.
        file: PathBuf,
        /// What and where.
        source: PolicyError,
    },
}

impl Policy {
    /// Whose folder must be root's alone, too.
    pub const FOLDER: &'static str = "/etc/aldis";
    /// Where it lies.
    pub const FILE: &'static str = "/etc/aldis/policy.toml";

    /// The policy of this machine; nothing where there is none.
    ///
    /// # Errors
    /// When there is one that does not count.
    pub fn read() -> Result<Option<Self>, PolicyUnread> {
        Self::read_from(Path::new(Self::FILE), 0)
    }

    /// Reads a policy that belongs to this user.
    fn read_from(file: &Path, owner: u32) -> Result<Option<Self>, PolicyUnread> {
        let file = file.to_owned();
        let read = match files::read_owned(&file) {
            Ok(Some(read)) => read,
            Ok(None) => return Self::check_absent(file).map(|()| None),
            Err(source) => return Err(PolicyUnread::Io { file, source }),
        };
        if read.owner != owner {
            return Err(PolicyUnread::NotOfRoot { file });
        }
        if read.mode & 0o022 != 0 {
            return Err(PolicyUnread::Writable { file, mode: read.mode });
        }
        // Whoever may write there can put another file in its place.
        if let Some(folder) = file.parent() {
            let folder = folder.to_owned();
            match files::owner_and_mode_behind(&folder) {
                Err(source) => return Err(PolicyUnread::Io { file: folder, source }),
                Ok((other, _)) if other != owner => return Err(PolicyUnread::NotOfRoot { file: folder }),
                Ok((_, mode)) if mode & 0o022 != 0 => {
                    return Err(PolicyUnread::Writable { file: folder, mode });
                }
                Ok(_) => {}
            }
        }
        match Self::parse(&read.text) {
            Ok(policy) => Ok(Some(Self { file, ..policy })),
            Err(source) => Err(PolicyUnread::NotUnderstood { file, source }),
        }
    }

    /// Checks that a policy which could not be found does not exist in any form. A link that leads nowhere was made by
    /// somebody who wanted a policy here.
    fn check_absent(file: PathBuf) -> Result<(), PolicyUnread> {
        let dangling = |file| {
            let source = io::Error::new(io::ErrorKind::NotFound, "it is a link that leads nowhere");
            Err(PolicyUnread::Io { file, source })
        };
        if files::exists(&file) {
            return dangling(file);
        }
        let Some(folder) = file.parent().map(Path::to_owned).filter(|folder| files::exists(folder)) else {
            return Ok(());
        };
        if files::is_folder(&folder) {
            return Ok(());
        }
        if files::owner_and_mode_behind(&folder).is_ok() {
            let source = io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder");
            return Err(PolicyUnread::Io { file: folder, source });
        }
        dangling(folder)
    }

    /// Reads the text of a policy.
    ///
    /// # Errors
    /// The first thing that is wrong: no TOML, a key that is not known, a flow that is none. Nothing is passed over: who mistypes
    /// a rule must hear of it.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let at = |span: Range<usize>, what: String| {
            let before = text.get(..span.start).unwrap_or(text);
            PolicyError { line: before.matches('\n').count() + 1, what }
        };
        let table = DeTable::parse(text)
            .map_err(|error| at(error.span().unwrap_or(0..0), error.message().trim().to_owned()))?;
        let mut allowed_flows = None;
        for (key, value) in table.get_ref() {
            if key.get_ref() != "allowed_flows" {
                return Err(at(
                    key.span(),
                    format!("{:?} is no key of a policy: allowed_flows is", key.get_ref()),
                ));
            }
            let DeValue::Array(items) = value.get_ref() else {
                return Err(at(value.span(), "allowed_flows is a list of flows".to_owned()));
            };
            let flow = |item: &toml::Spanned<DeValue<'_>>| {
                item.get_ref().as_str().and_then(Way::of_flow).ok_or_else(|| {
                    at(item.span(), "a flow is \"browser\", \"paste\" or \"device\"".to_owned())
                })
            };
            allowed_flows = Some(items.iter().map(flow).collect::<Result<Vec<Way>, _>>()?);
        }
        Ok(Self { file: PathBuf::from(Self::FILE), allowed_flows })
    }

    /// Whether a way may be offered.
    pub fn allows(&self, way: Way) -> bool {
        self.allowed_flows.as_ref().is_none_or(|allowed| allowed.contains(&way))
    }

    /// Where it was read.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What it allows: "allows only paste, device".
    pub fn in_words(&self) -> String {
        let allowed: Vec<&str> =
            Way::ALL.into_iter().filter(|way| self.allows(*way)).map(Way::flow).collect();
        if allowed.is_empty() {
            return "allows no flow".to_owned();
        }
        format!("allows only {}", allowed.join(", "))
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test makes a policy of every kind of file"
)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_policy_allows_what_it_lists_and_everything_where_it_lists_nothing() {
        let policy = Policy::parse("# ours\nallowed_flows = [\"paste\", \"browser\"]\n").unwrap();
        assert!(policy.allows(Way::Open) && policy.allows(Way::Paste) && !policy.allows(Way::Code));
        assert_eq!(policy.in_words(), "allows only browser, paste");
        assert!(Way::ALL.into_iter().all(|way| Policy::parse("").unwrap().allows(way)));
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        let wrong = |text| Policy::parse(text).unwrap_err();
        let unknown = wrong("allowed_flows = [\"paste\"]\n\nallowed_flow = []\n");
        assert_eq!(unknown.line, 3);
        assert!(unknown.what.contains("\"allowed_flow\""), "{unknown}");
        assert_eq!(wrong("\n[flows]\n").line, 2);
        let flow = wrong("allowed_flows = [\n  \"paste\",\n  \"code\",\n]\n");
        assert_eq!((flow.line, flow.what.contains("device")), (3, true));
        assert_eq!(wrong("allowed_flows = [1]").line, 1);
        assert_eq!(wrong("allowed_flows = \"paste\"").line, 1);
        assert_eq!(wrong("\nallowed_flows = [\"paste\"").line, 2);
        assert_eq!(wrong("allowed_flows = []\nallowed_flows = []").line, 2);
    }

    #[test]
    fn a_file_counts_only_if_nobody_else_can_have_written_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        let own = outside::env::own_uid();
        assert!(Policy::read_from(&file, own).unwrap().is_none());
        let write = |text: &str, mode| {
            outside::shelf::keep(&file, text.as_bytes()).unwrap();
            set_mode(&file, mode);
        };
        write("allowed_flows = [\"device\"]", 0o644);
        let policy = Policy::read_from(&file, own).unwrap().unwrap();
        assert_eq!((policy.file(), policy.allows(Way::Open)), (file.as_path(), false));
        assert!(matches!(Policy::read_from(&file, own + 1), Err(PolicyUnread::NotOfRoot { .. })));
        for mode in [0o664, 0o646] {
            write("allowed_flows = [\"device\"]", mode);
            assert!(matches!(Policy::read_from(&file, own), Err(PolicyUnread::Writable { .. })));
        }
        write("nothing = 1", 0o600);
        let words = Policy::read_from(&file, own).unwrap_err().to_string();
        assert!(words.contains("policy.toml, line 1: "), "{words}");
        assert!(matches!(Policy::read_from(folder.path(), own), Err(PolicyUnread::Io { .. })));
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "the forms are those that no program of ours makes"
    )]
    fn a_policy_that_exists_in_any_form_and_cannot_be_read_is_an_error() {
        use std::os::unix::fs::symlink;
        let own = outside::env::own_uid();
        let forms: [fn(&Path); 8] = [
            |file| symlink("nowhere", file).unwrap(),
            |file| symlink("/nowhere/at/all", file).unwrap(),
            |file| symlink("policy.toml", file).unwrap(),
            |file| std::fs::create_dir(file).unwrap(),
            |file| drop(std::os::unix::net::UnixListener::bind(file).unwrap()),
            |file| symlink("/dev/zero", file).unwrap(),
            |file| std::fs::write(file, [0xff]).unwrap(),
            |file| {
                let folder = file.parent().unwrap();
                std::fs::remove_dir(folder).unwrap();
                symlink("nowhere", folder).unwrap();
            },
        ];
        let folders: [fn(&Path); 2] =
            [|folder| std::fs::write(folder, "").unwrap(), |folder| symlink("aldis", folder).unwrap()];
        let read = |make: &dyn Fn(&Path)| {
            let above = tempfile::tempdir().unwrap();
            let file = above.path().join("aldis/policy.toml");
            make(&file);
            Policy::read_from(&file, own)
        };
        for (number, form) in forms.iter().enumerate() {
            let found = read(&|file| {
                std::fs::create_dir(file.parent().unwrap()).unwrap();
                form(file);
            });
            assert!(matches!(found, Err(PolicyUnread::Io { .. })), "{number}: {found:?}");
        }
        for (number, form) in folders.iter().enumerate() {
            let found = read(&|file| form(file.parent().unwrap()));
            assert!(matches!(found, Err(PolicyUnread::Io { .. })), "folder {number}: {found:?}");
        }
        assert!(read(&|_| {}).unwrap().is_none());
        assert!(read(&|file| std::fs::create_dir(file.parent().unwrap()).unwrap()).unwrap().is_none());
    }

    fn set_mode(file: &Path, mode: u32) {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}
