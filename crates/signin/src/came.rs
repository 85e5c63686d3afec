//! What came with a sign-in: who, and which accounts. Somebody may have brought it about that a sign-in which begins here is
//! finished as their own person (RFC 6819 section 4.4.1.8; or a device code that another approves), and what is then written goes
//! to their accounts. So each sign-in is compared with the one before, of which our own state keeps the names.
//!
//! All of it is for the person's eyes: where an answer does not come, the sign-in is as good as with it.

use std::collections::BTreeSet;
use std::sync::mpsc::channel;
use std::time::Duration;

use center_client::endpoint::Source;
use center_client::portal::Portal;
use center_client::start_url;
use wire::portal::AccountInfo;
use wire::words::printable;

use crate::session::Session;

/// How long somebody who is signed in already waits for the names.
const PATIENCE: Duration = Duration::from_secs(5);
/// Room for a name.
const SHOWN: usize = 256;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    /// The name with which the person signed in, where the center says it.
    pub person: Option<String>,
    /// Their accounts, at most the first hundred, in the portal's order.
    pub accounts: Vec<AccountInfo>,
    /// Whether there are more.
    pub has_more: bool,
    /// The sign-in before, where this one has nothing in common with it.
    pub before: Option<Seen>,
}

/// What is kept of a sign-in, to compare the next one with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Where it was.
    start_url: String,
    /// The person's name, where it was known.
    pub person: Option<String>,
    /// The ids of the accounts.
    pub accounts: BTreeSet<String>,
    /// Whether there were more.
    has_more: bool,
}

impl Seen {
    /// Reads what [`Seen::to_text`] wrote; nothing where it is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut seen = Self::default();
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("start_url", url)) => seen.start_url = url.to_owned(),
                Some(("person", name)) => seen.person = Some(name.to_owned()),
                Some(("account", id)) => drop(seen.accounts.insert(id.to_owned())),
                _ if line == "more" => seen.has_more = true,
                _ => return None,
            }
        }
        (!seen.start_url.is_empty()).then_some(seen)
    }

    /// A line for each fact. None of them holds a line feed: they were made printable.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("start_url {}\n", printable(&self.start_url, SHOWN));
        text.extend(self.person.iter().map(|name| format!("person {name}\n")));
        text.extend(self.accounts.iter().map(|id| format!("account {id}\n")));
        if self.has_more {
            text.push_str("more\n");
        }
        text
    }

    /// Whether the later one can hardly be of the same person: the names differ, or, where one is not known, none of the
    /// accounts is there any more. Of listings that go on nothing is concluded, and neither of two centers.
    fn has_nothing_in_common_with(&self, other: &Self) -> bool {
        if !start_url::is_same(&self.start_url, &other.start_url) {
            return false;
        }
        match (&self.person, &other.person) {
            (Some(one), Some(another)) => one != another,
            _ => {
                !self.accounts.is_empty()
                    && !self.has_more
                    && !other.has_more
                    && self.accounts.is_disjoint(&other.accounts)
            }
        }
    }
}

impl Session {
    /// Asks who signed in and what they have, and compares that with the sign-in before, in whose place it is kept. Nothing where
    /// the portal does not answer within five seconds.
    pub fn what_came(&self) -> Option<Came> {
        let center = self.center().ok()?.clone();
        let token = self.read().ok()?.access_token;
        let calls = self.calls().clone();
        let (sender, answer) = channel();
        std::thread::spawn(move || {
            let portal = Portal { calls: &calls, endpoint: &center.sso, token: &token };
            // Amazon's portal may know the operation, but does not promise it.
            let is_ours = matches!(center.sso.source, Source::Metadata { .. });
            let person = is_ours.then(|| portal.who_am_i().ok()).flatten();
            let _ = sender.send((person, portal.first_accounts()));
        });
        let (person, accounts) = answer.recv_timeout(PATIENCE).ok()?;
        let (accounts, has_more) = accounts.ok()?;
        let now = Seen {
            start_url: self.target.center.start_url.clone(),
            person: person.clone(),
            accounts: accounts.iter().map(|account| account.account_id.clone()).collect(),
            has_more,
        };
        let before = self.store.read_seen(&self.target);
        // Where it cannot be kept, the next one is not compared.
        let _ = self.store.keep_seen(&self.target, &now);
        let before = before.filter(|before| before.has_nothing_in_common_with(&now));
        Some(Came { person, accounts, has_more, before })
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    fn seen(person: &str, accounts: &[&str], more: &str) -> Seen {
        Seen {
            start_url: "https://d-1234567890.awsapps.com/start".into(),
            person: (!person.is_empty()).then(|| person.to_owned()),
            accounts: accounts.iter().map(|id| (*id).to_owned()).collect(),
            has_more: !more.is_empty(),
        }
    }

    #[test]
    fn what_was_seen_is_read_as_it_was_written() {
        for seen in [seen("Ann Other", &["111122223333", "444455556666"], "more"), seen("", &[], "")] {
            assert_eq!(Seen::parse(&seen.to_text()), Some(seen));
        }
        for text in ["", "person a\n", "start_url a\nnoise\n", "{}"] {
            assert_eq!(Seen::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_stranger_is_who_shares_nothing() {
        let rows = [
            (seen("ann", &["1"], ""), seen("ann", &["2"], ""), false),
            (seen("ann", &["1"], ""), seen("bob", &["1"], ""), true),
            (seen("", &["1"], ""), seen("bob", &["1"], ""), false),
            (seen("", &["1", "2"], ""), seen("", &["2", "3"], ""), false),
            (seen("", &["1"], ""), seen("", &["2"], ""), true),
            (seen("", &["1"], ""), seen("", &[], ""), true),
            (seen("", &[], ""), seen("", &["1"], ""), false),
            (seen("", &[], ""), seen("", &[], ""), false),
            (seen("", &["1"], "more"), seen("", &["2"], ""), false),
            (seen("", &["1"], ""), seen("", &["2"], "more"), false),
        ];
        for (before, now, is_strange) in rows {
            assert_eq!(before.has_nothing_in_common_with(&now), is_strange, "{before:?} {now:?}");
        }
        let elsewhere = Seen { start_url: "https://other.example/start".into(), ..seen("bob", &["2"], "") };
        assert!(!seen("ann", &["1"], "").has_nothing_in_common_with(&elsewhere));
    }
}
