//! The way in which a user wants to sign in.

use std::net::{IpAddr, Ipv4Addr};

use aws_formats::sso_cache::registration::Grant;

use crate::choose::Way;
use crate::inlet::keys::Meaning;

/// Whether whoever listens there hears what comes to 127.0.0.1.
pub fn is_localhost(address: IpAddr) -> bool {
    address.is_unspecified() || address == IpAddr::V4(Ipv4Addr::LOCALHOST)
}

/// The key that begins the device flow, and again when its codes have ended.
pub const CODE_KEY: char = 'c';
/// The key that begins the browser's flow where a code comes first.
pub const PASTE_KEY: char = 'p';
/// The key that keeps a token about which there is a doubt. It is none of the keys of the prompt before, which may be pressed at
/// the moment when the question comes.
pub const KEEP_KEY: char = 'k';
/// The key that ends such a token.
pub const DROP_KEY: char = 'n';

/// The way in which a command treats sign-ins that wait for the user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Redeems an earlier one if it is approved, else shows one and waits for it.
    #[default]
    Usual,
    /// The same, but does not wait: a later command finishes it.
    LeavePending,
    /// Finishes an earlier one and begins none.
    Resume,
}

/// The options of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The ways that are offered, best first; at least one.
    pub ways: Vec<Way>,
    /// The port of 127.0.0.1 to which a browser comes back; 0 for a free one.
    pub port: u16,
    /// Whether to open the page of the first way in a browser here.
    pub open_browser: bool,
    /// Whether the browser runs on this computer, as far as is known, so that a short link on our listener leads it to the page.
    pub browser_is_here: bool,
    /// Whether a browser that is started runs on this computer as this user, so that its arguments need hold no more than the
    /// short link.
    pub opens_short: bool,
    /// Whether a code may be used, as far as a policy has a say.
    pub may_use_code: bool,
    /// The treatment of sign-ins that wait for the user.
    pub mode: Mode,
    /// Whether a person at the terminal on standard input presses keys and pastes answers.
    pub reads_keys: bool,
    /// Whether answers are lines of standard input, which is no terminal then.
    pub reads_lines: bool,
    /// Whether an answer may be pasted, as far as a policy has a say; if not, none is read from anywhere but the listener.
    pub may_paste: bool,
    /// Keys that are the watcher's business.
    pub told_keys: Vec<char>,
    /// Whether a person at a terminal may see it.
    pub has_terminal: bool,
    /// Whether to begin also where nobody answered the last sign-ins.
    pub at_once: bool,
    /// The address at which to wait for the browser instead of 127.0.0.1; its `Host` and its `state` are checked all the same.
    pub callback_listen: Option<IpAddr>,
}

impl Wish {
    pub(super) fn offers(&self, grant: Grant) -> bool {
        self.ways.iter().any(|way| way.grant() == grant)
    }

    /// Whether an answer is read from anywhere but the listener: pasted at the terminal, or as a line.
    pub fn takes_answers(&self) -> bool {
        self.may_paste && (self.ways.contains(&Way::Paste) || self.reads_lines)
    }

    /// Whether there is another way than a browser that comes back; somebody who named an address means that one.
    pub(super) fn can_do_without_listening(&self) -> bool {
        self.callback_listen.is_none() && self.ways.iter().any(|way| *way != Way::Open)
    }

    /// Whether whoever comes to 127.0.0.1 finds somebody there.
    pub(super) fn listens_on_localhost(&self) -> bool {
        self.callback_listen.is_none_or(is_localhost)
    }

    /// The letters of the prompt. That of a way which has begun does nothing.
    pub(super) fn letters(&self) -> Vec<(char, Meaning)> {
        let ways = [(CODE_KEY, Way::Code), (PASTE_KEY, Way::Paste)];
        let is_offered = |(_, way): &(char, Way)| self.offers(way.grant());
        let begins = ways.into_iter().filter(is_offered).map(|(letter, way)| (letter, Meaning::Begins(way)));
        let told = self.told_keys.iter().map(|letter| (*letter, Meaning::Told));
        begins.chain(told).collect()
    }

    /// The first way, which begins.
    pub(super) fn first(&self) -> Way {
        self.ways.first().copied().unwrap_or(Way::Open)
    }
}

impl Way {
    pub(super) fn grant(self) -> Grant {
        match self {
            Self::Open | Self::Paste => Grant::AuthorizationCode,
            Self::Code => Grant::DeviceCode,
        }
    }
}
