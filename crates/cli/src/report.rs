//! The way out: results, news, errors, hints and exit codes, as text or JSON.

use std::error::Error;

use outside::signals::Ending;

pub(crate) mod audit;
pub(crate) mod aws_output;
pub(crate) mod came;
pub(crate) mod configure_list;
pub(crate) mod credentials;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod forward;
pub(crate) mod hints;
pub(crate) mod listing;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod moving;
pub(crate) mod nearest;
pub(crate) mod news;
pub(crate) mod offer;
pub(crate) mod osc;
pub(crate) mod profiles;
pub(crate) mod qr;
pub(crate) mod reach;
pub(crate) mod ready;
pub(crate) mod setup;
pub(crate) mod status;
pub(crate) mod version;
pub(crate) mod when;
pub(crate) mod words;

/// A command that came to its good end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is done.
    Done,
    /// What was asked for is not there, which is an answer: exit code 1 and no words.
    Nothing,
    /// No command was given, and the help is shown: the exit code of bad arguments, as with the AWS CLI.
    Usage,
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
    /// There is no other section of that name.
    NoSuchSection,
    /// The name is one of a section and not of a value.
    NoValue,
    /// There is no such command to run.
    NoSuchCommand,
    /// The command to run cannot be started.
    NotStarted,
    /// The center said no.
    Refused,
    /// The person said no to a code.
    Denied,
    /// The person said no in the browser. The AWS CLI ends with 255 then, as it sees no answer of a service, and with 254 after a
    /// no to a code; programs that start it tell both apart from a sign-in that came about.
    DeniedInBrowser,
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
    /// The exit code, by the AWS CLI's table (126 and 127 are those of shells and `env`):
    ///
    /// | code | meaning |
    /// | --- | --- |
    /// | 0 | done; also when nobody reads the output any more |
    /// | 1 | `configure get`: the value is not set, or is a section; `profiles add`: the person said no |
    /// | 126 | `exec`: the command cannot be started |
    /// | 127 | `exec`: there is no such command |
    /// | 128 + n | ended by the signal n: 130 Ctrl-C, 129 the terminal is gone, 131 `kill -QUIT`, 143 `kill` |
    /// | 252 | bad arguments |
    /// | 253 | configuration |
    /// | 254 | refused by the center, or a code denied by the person |
    /// | 255 | everything else |
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::ReaderGone => 0,
            Self::NoValue => 1,
            Self::NotStarted => 126,
            Self::NoSuchCommand => 127,
            Self::Cancelled(ending) => ending.exit_code(),
            Self::Words => 252,
            Self::Configuration => 253,
            Self::Refused | Self::Denied => 254,
            Self::NoSuchProfile
            | Self::NoSuchSection
            | Self::CodeExpired
            | Self::DeniedInBrowser
            | Self::NotSignedIn
            | Self::Other => 255,
        }
    }

    /// Its name for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Words => "bad_arguments",
            Self::Configuration => "configuration",
            Self::NoSuchProfile => "no_such_profile",
            Self::NoSuchSection => "no_such_section",
            Self::NoValue => "no_value",
            Self::NoSuchCommand => "no_such_command",
            Self::NotStarted => "not_started",
            Self::Refused => "refused",
            Self::Denied | Self::DeniedInBrowser => "denied",
            Self::CodeExpired => "code_expired",
            Self::NotSignedIn => "not_signed_in",
            Self::Cancelled(_) => "cancelled",
            Self::ReaderGone => "reader_gone",
            Self::Other => "other",
        }
    }
}
