//! Who says the word on a sign-in that waits.

use crate::audit::Entry;

/// Who decides, in the name of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    /// The person, signed in on a page.
    Themselves,
    /// An administrator of the machine, on their behalf, known by the number of their user.
    Administrator(u32),
}

impl Decider {
    /// Notes in an entry who decided.
    pub(crate) fn sign(self, entry: Entry) -> Entry {
        match self {
            Self::Themselves => entry,
            Self::Administrator(uid) => entry.administrator(uid),
        }
    }
}
