//! Changes to `~/.aws/config` that touch the lines that must change, and no others: comments, order, blanks, line ends, a byte
//! order mark and the missing end of a last line stay as they were written. A line that is appended always ends.
//!
//! The text is read as [`Settings`](super::Settings) reads it, so a key or a section that stands twice is changed where it
//! counts. After all edits the new text is read once more: an edit that would change how anything else reads is refused.

mod check;
mod difference;
mod name;
mod sheet;
#[cfg(test)]
mod tests;

use std::fmt;

use super::document::{Fault, without_comment};
pub use difference::{Difference, difference};
pub use name::SectionName;
use sheet::Sheet;

/// One change. `Debug` shows no values: they may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum Edit {
    /// Gives a key a value; continuation and nested lines of the old one go. A section that is missing is added. A new key
    /// goes behind the last property of its section.
    Set {
        /// Where.
        section: SectionName,
        /// Letters, digits, `-` and `_`; written in lower case where it is new.
        key: String,
        /// One line, as [`Settings`](super::Settings) will read it. May be empty.
        value: String,
    },
    /// Gives the key `below` a value in the block of `key`, such as `endpoint_url` below `sts`. Section and block are added
    /// where they are missing.
    SetNested {
        /// Where.
        section: SectionName,
        /// The key that opens the block.
        key: String,
        /// The key in the block.
        below: String,
        /// As in [`Edit::Set`].
        value: String,
    },
    /// Removes a key with its continuation and nested lines wherever the section says it. Fine where it does not.
    Remove {
        /// Where.
        section: SectionName,
        /// Which key.
        key: String,
    },
    /// Adds a section without keys at the end, behind one blank line. Fine where it is there.
    AddSection(SectionName),
    /// Removes a section with the comments in it, wherever it stands. Comments above its header, and those that a blank line
    /// keeps apart from it, stay. Fine where it is not there.
    RemoveSection(SectionName),
}

impl fmt::Debug for Edit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { section, key, .. } => write!(out, "Set({section} {key:?})"),
            Self::SetNested { section, key, below, .. } => {
                write!(out, "SetNested({section} {key:?} {below:?})")
            }
            Self::Remove { section, key } => write!(out, "Remove({section} {key:?})"),
            Self::AddSection(section) => write!(out, "AddSection({section})"),
            Self::RemoveSection(section) => write!(out, "RemoveSection({section})"),
        }
    }
}

/// Why a text is not changed. No value is repeated: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text has a line that no reader understands, so nobody can say what a change to it means.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// No header for this name would be read as this name by every tool.
    #[error("the name {name:?} cannot be written as {kind}: {why}")]
    Name {
        /// `profile`, `sso-session` or `services`.
        kind: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Not a key.
    #[error("{0:?} is not a key: keys consist of letters, digits, - and _")]
    Key(String),
    /// The value would not be read as it is meant.
    #[error("the value of {key} {why}")]
    Value {
        /// Whose value.
        key: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nothing can stand below a key that has a value of its own.
    #[error("{key} of [{section}] has a value of its own, so {below} cannot stand below it")]
    HasValue {
        /// Where.
        section: SectionName,
        /// Which key.
        key: String,
        /// What was to stand below it.
        below: String,
    },
    /// Something that is none of the edits' business would read differently, such as an indented header that turns into the
    /// continuation of a value.
    #[error("the change would change how [{section}] reads, too")]
    WouldChange {
        /// The section, as its header says it.
        section: String,
    },
}

/// The text with all edits made in order, or none of them. Takes time in proportion to text and edits.
///
/// # Errors
/// A text with a fault, a name, key or value that would not be read back as it is, and an edit that would change more than
/// it says.
pub fn edited(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut sheet = Sheet::read(text)?;
    for edit in edits {
        match edit {
            Edit::Set { section, key, value } => {
                sheet.set(section, &checked_key(key)?, checked_value(key, value)?)?;
            }
            Edit::SetNested { section, key, below, value } => {
                let value = checked_value(below, value)?;
                sheet.set_nested(section, &checked_key(key)?, &checked_key(below)?, value)?;
            }
            Edit::Remove { section, key } => sheet.remove(section, &key.to_ascii_lowercase()),
            Edit::AddSection(section) => sheet.add_section(section)?,
            Edit::RemoveSection(section) => sheet.remove_section(section),
        }
    }
    let new = sheet.text();
    sheet.check_roles(&new)?;
    check::check(text, &new, edits)?;
    Ok(new)
}

fn checked_key(key: &str) -> Result<String, EditError> {
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Err(EditError::Key(key.to_owned()));
    }
    Ok(key.to_ascii_lowercase())
}

fn checked_value<'a>(key: &str, value: &'a str) -> Result<&'a str, EditError> {
    let refuse = |why| Err(EditError::Value { key: key.to_owned(), why });
    if value.contains(['\n', '\r']) {
        return refuse("has more than one line");
    }
    if value.chars().any(ends_or_hides) {
        return refuse("has a control character");
    }
    if value.trim() != value {
        return refuse("begins or ends with a blank, which no reader keeps");
    }
    // The blank is the one that stands behind the = of a new line.
    if without_comment(&format!(" {value}")) != value {
        return refuse("has a # or ; that every reader takes for the begin of a comment");
    }
    Ok(value)
}

/// Control characters, and the two separators at which some readers end a line.
fn ends_or_hides(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}
