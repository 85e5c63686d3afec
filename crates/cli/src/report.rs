//! The way out: results, news, errors, hints and exit codes, as text or JSON.

use std::error::Error;

use outside::signals::Ending;

pub(crate) mod audit;
pub(crate) mod credentials;
pub(crate) mod hints;
pub(crate) mod listing;
pub(crate) mod login;
pub(crate) mod news;
pub(crate) mod ready;
pub(crate) mod setup;
pub(crate) mod when;
pub(crate) mod words;

/// A command that came to its good end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is done.
    Done,
}

/// A command that did not.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind of end it is.
    pub(crate) kind: Kind,
    /// What is wrong, with its causes.
    pub(crate) error: Box<dyn Error + Send + Sync>,
    /// What to type next.
    pub(crate) hints: Vec<String>,
}

impl Failure {
    /// A failure without hints.
    pub(crate) fn new(kind: Kind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, error: error.into(), hints: Vec::new() }
    }

    /// The same failure with one more hint. A hint ends in a command that can be pasted.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The words cannot be understood.
    Words,
    /// Something is missing in the configuration, or wrong with it.
    Configuration,
    /// There is no profile of that name; to the AWS CLI this is not a matter of configuration.
    NoSuchProfile,
    /// The center said no.
    Refused,
    /// The person said no.
    Denied,
    /// Nobody said anything in time.
    CodeExpired,
    /// Only a sign-in helps.
    NotSignedIn,
    /// Ctrl-C and its like.
    Cancelled(Ending),
    /// Whoever read the output went away, and wants no words about it.
    ReaderGone,
    /// Everything else: the network, the disk.
    Other,
}

impl Kind {
    /// The exit code, by the AWS CLI's table:
    ///
    /// | code | meaning |
    /// | --- | --- |
    /// | 0 | done; also when nobody reads the output any more |
    /// | 128 + n | ended by the signal n: 130 Ctrl-C, 129 the terminal is gone, 143 `kill` |
    /// | 252 | bad arguments |
    /// | 253 | configuration |
    /// | 254 | refused by the center, or denied by the person |
    /// | 255 | everything else |
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::ReaderGone => 0,
            Self::Cancelled(ending) => ending.exit_code(),
            Self::Words => 252,
            Self::Configuration => 253,
            Self::Refused | Self::Denied => 254,
            Self::NoSuchProfile | Self::CodeExpired | Self::NotSignedIn | Self::Other => 255,
        }
    }

    /// Its name for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Words => "bad_arguments",
            Self::Configuration => "configuration",
            Self::NoSuchProfile => "no_such_profile",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::CodeExpired => "code_expired",
            Self::NotSignedIn => "not_signed_in",
            Self::Cancelled(_) => "cancelled",
            Self::ReaderGone => "reader_gone",
            Self::Other => "other",
        }
    }
}
