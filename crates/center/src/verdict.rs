//! What a use case decides: the reply or a refusal, the changes to make, the entries to log.

use wire::oidc::OidcError;
use wire::portal::PortalError;
use wire::sts::StsError;

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;

/// A decision. The reply may go out only after all changes and entries are stored, in one transaction.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Verdict<Reply, Refusal> {
    /// What to answer.
    pub reply: Result<Reply, Refusal>,
    /// What to change first. If one of them finds another state than it expects, none is made, the facts are gathered
    /// anew and the use case decides once more.
    pub changes: Vec<Change>,
    /// What to log along with it.
    pub entries: Vec<Entry>,
}

impl<Reply, Refusal> Verdict<Reply, Refusal> {
    /// A reply that changes something.
    pub fn accept(reply: Reply, changes: Vec<Change>, entries: Vec<Entry>) -> Self {
        Self { reply: Ok(reply), changes, entries }
    }

    /// A refusal that is worth an entry.
    pub fn refuse(refusal: Refusal, changes: Vec<Change>, entries: Vec<Entry>) -> Self {
        Self { reply: Err(refusal), changes, entries }
    }

    /// A refusal that leaves no trace: a poll that has to wait.
    pub fn wait(refusal: Refusal) -> Self {
        Self { reply: Err(refusal), changes: Vec::new(), entries: Vec::new() }
    }

    /// Whether there is nothing to store.
    pub fn writes_nothing(&self) -> bool {
        self.changes.is_empty() && self.entries.is_empty()
    }
}

/// Whether a poll came at its time. Kept in memory by the HTTP skin and handed to the rule as a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// At its time.
    Ok,
    /// Too soon after the one before.
    TooFast,
}

/// Whether there is room for one more of what strangers may ask for. Kept in memory by the HTTP skin and handed to the rule
/// as a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// There is.
    Ok,
    /// There is not.
    TooMuch {
        /// In how many seconds there is again.
        retry_after: i64,
        /// Whether to log it: once a minute, or the log would carry the flood on.
        is_news: bool,
    },
}

impl Load {
    /// Lets one through, or refuses it with at most one entry a minute.
    ///
    /// # Errors
    /// The whole verdict.
    pub(crate) fn check<Reply>(
        self,
        call: &Call<'_>,
        burst: Event,
    ) -> Result<(), Verdict<Reply, OidcRefusal>> {
        let Self::TooMuch { retry_after, is_news } = self else { return Ok(()) };
        let mut refusal =
            OidcRefusal::new(OidcError::SlowDown, "Too many requests; wait before the next one");
        refusal.retry_after = Some(retry_after);
        let entries = if is_news { vec![Entry::new(call, burst)] } else { Vec::new() };
        Err(Verdict::refuse(refusal, Vec::new(), entries))
    }
}

/// SSO OIDC says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcRefusal {
    /// Which of its errors.
    pub error: OidcError,
    /// Why, for a person.
    pub description: String,
    /// In how many seconds to ask again, where that is known.
    pub retry_after: Option<i64>,
}

impl OidcRefusal {
    /// A refusal.
    pub fn new(error: OidcError, description: impl Into<String>) -> Self {
        Self { error, description: description.into(), retry_after: None }
    }
}

/// What an administrator of the machine asks for is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminRefusal {
    /// For a program.
    pub code: String,
    /// For a person.
    pub message: String,
}

impl AdminRefusal {
    /// A refusal.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// There is nobody of that name to act on behalf of.
    pub(crate) fn unknown_person(call: &Call<'_>, name: &str) -> Self {
        let names: Vec<&str> = call.instance.organisation.people.iter().map(|p| p.name.as_str()).collect();
        Self::new(
            "unknown_person",
            format!("there is no person {name:?} here; there is {}", names.join(", ")),
        )
    }
}

/// The access portal says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalRefusal {
    /// Which of its errors.
    pub error: PortalError,
    /// Why, for a person.
    pub message: String,
}

impl PortalRefusal {
    /// A refusal.
    pub fn new(error: PortalError, message: impl Into<String>) -> Self {
        Self { error, message: message.into() }
    }
}

/// STS says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsRefusal {
    /// Which of its errors.
    pub error: StsError,
    /// Why, for a person.
    pub message: String,
}

impl StsRefusal {
    /// A refusal.
    pub fn new(error: StsError, message: impl Into<String>) -> Self {
        Self { error, message: message.into() }
    }
}
