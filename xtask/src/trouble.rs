//! Why a command stopped, and what its reader can do next.

use std::fmt;
use std::path::Path;

/// A failure in two parts: what went wrong, and the next thing to do.
#[derive(Debug)]
pub(crate) struct Trouble {
    what: String,
    next: String,
}

impl Trouble {
    /// `what` went wrong; `next` ends in something that the reader can do or paste.
    pub(crate) fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n\nhint: {}", self.what, self.next)
    }
}

/// The whole text of a file that must be there.
pub(crate) fn read(path: &Path) -> Result<String, Trouble> {
    std::fs::read_to_string(path).map_err(|e| {
        Trouble::new(
            format!("{} cannot be read: {e}", path.display()),
            "see that the file is there, is readable and is UTF-8 text",
        )
    })
}
