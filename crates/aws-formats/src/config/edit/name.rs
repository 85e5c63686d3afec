//! The name of a section, and the header that says it.

use std::fmt;

use super::{EditError, ends_or_hides};
use crate::config::document::{Piece, Pieces};
use crate::config::portable_name::is_portable_character;
use crate::config::settings::{File, Place, place};

/// Which section.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SectionName {
    /// `[profile NAME]`; the profile `default` is written `[default]`.
    Profile(String),
    /// `[sso-session NAME]`.
    SsoSession(String),
    /// `[services NAME]`.
    Services(String),
}

/// As it stands between the brackets, whether or not it may be written; control characters are escaped.
impl fmt::Display for SectionName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.words().chars() {
            if ends_or_hides(c) { write!(out, "{}", c.escape_default())? } else { write!(out, "{c}")? }
        }
        Ok(())
    }
}

impl SectionName {
    /// What a header opens, where it is a section that anybody reads; with it whether it says `profile`.
    pub(super) fn of_header(words: &str) -> Option<(Self, bool)> {
        match place(File::Config, words) {
            Place::Profile { name, prefixed } => Some((Self::Profile(name), prefixed)),
            Place::SsoSession(name) => Some((Self::SsoSession(name), true)),
            Place::Services(name) => Some((Self::Services(name), true)),
            Place::Ignored => None,
        }
    }

    /// The line of a new header.
    pub(super) fn header(&self) -> Result<String, EditError> {
        let (kind, name) = self.parts();
        let refuse = |why| EditError::Name { kind, name: name.to_owned(), why };
        if name.is_empty() {
            return Err(refuse("it is empty"));
        }
        if name.chars().any(ends_or_hides) {
            return Err(refuse("it has a control character"));
        }
        // Our reader would cope in quotes. Others end the header there, and some of them then refuse the whole file.
        if name.contains(']') {
            return Err(refuse("a ] ends the header"));
        }
        if name.contains(" #") || name.contains(" ;") {
            return Err(refuse("# or ; behind a blank begins a comment"));
        }
        let line = format!("[{}]", self.words());
        match Pieces::of_file(&line).next() {
            Some((_, Piece::Header(words)))
                if Self::of_header(words).is_some_and(|(read, _)| read == *self) =>
            {
                Ok(line)
            }
            _ => Err(refuse("it would be read as another name")),
        }
    }

    fn words(&self) -> String {
        match self.parts() {
            ("profile", "default") => "default".to_owned(),
            (kind, name) => format!("{kind} {}", quoted(name)),
        }
    }

    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Profile(name) => ("profile", name),
            Self::SsoSession(name) => ("sso-session", name),
            Self::Services(name) => ("services", name),
        }
    }
}

/// In the quotes of a shell where it holds more than all SDKs read without: that is how the AWS CLI writes such names.
fn quoted(name: &str) -> String {
    if !name.is_empty() && name.chars().all(is_portable_character) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', "'\"'\"'"))
}
