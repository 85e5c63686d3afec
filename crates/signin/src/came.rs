//! What came with a sign-in: who, and which accounts. Somebody may have brought it about that a sign-in which begins here is
//! finished as their own person (RFC 6819 section 4.4.1.8; or a device code that another approves), and what is then written goes
//! to their accounts. So each sign-in is compared with the one before, of which our own state keeps the names.
//!
//! All of it is for the person's eyes: where an answer does not come, the sign-in is as good as with it.

use std::collections::BTreeSet;
use std::sync::mpsc::channel;
use std::time::Duration;

use center_client::CallError;
use center_client::endpoint::Source;
use center_client::portal::Portal;
use center_client::start_url::{self, Center};
use outside::files;
use wire::Secret;
use wire::portal::AccountInfo;
use wire::words::printable;

use crate::pins::Face;
use crate::progress::Unwatched;
use crate::session::Session;
use crate::sign_in::SignedIn;

/// How long somebody who is signed in already waits for the names.
const PATIENCE: Duration = Duration::from_secs(5);
/// More pages of accounts than anybody looks through for a warning.
const MOST_PAGES: usize = 10;
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
    /// Why the accounts are not known, where they are not.
    pub unknown: Option<String>,
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
    /// Whether there were more, or may have been.
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
    /// accounts is there any more. Of a later listing that is not known to its end nothing is concluded, and neither of two
    /// centers.
    fn has_nothing_in_common_with(&self, later: &Self) -> bool {
        if !start_url::is_same(&self.start_url, &later.start_url) {
            return false;
        }
        match (&self.person, &later.person) {
            (Some(one), Some(another)) => one != another,
            _ => !self.accounts.is_empty() && !later.has_more && self.accounts.is_disjoint(&later.accounts),
        }
    }

    /// Whether only the rest of the later listing can say it.
    fn needs_the_rest_of(&self, later: &Self) -> bool {
        later.has_more
            && self.has_nothing_in_common_with(&Self { has_more: false, ..later.clone() })
            && (self.person.is_none() || later.person.is_none())
    }
}

/// A token that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedAt {
    /// Whose it is.
    pub(crate) came: Came,
    /// The facts to keep for the next comparison, if any are known.
    pub(crate) seen: Option<Seen>,
}

/// What the portal said, as far as it did.
struct Heard {
    person: Option<String>,
    accounts: Result<(Vec<AccountInfo>, Option<String>), CallError>,
}

impl Heard {
    /// Asks. Amazon's portal may know who is there, but does not promise it.
    fn of(portal: &Portal<'_>, is_ours: bool) -> Self {
        let person = is_ours.then(|| portal.who_am_i().ok()).flatten();
        Self { person, accounts: portal.some_accounts(None) }
    }
}

/// Whether the portal is asked for the name of the person. Amazon's documents no such call, so it is asked only at a center that
/// described itself, and at an address that the configuration names in the place of Amazon's.
fn tells_the_person(center: &Center) -> bool {
    match center.sso.source {
        Source::Metadata { .. } => true,
        Source::Computed => false,
        Source::Variable(_) | Source::ServicesSection | Source::ProfileKey => {
            !start_url::is_amazons_domain(center.sso.address.host())
        }
    }
}

/// The ids on the pages behind the first one; nothing where there are too many, or one does not come.
fn ids_behind(portal: &Portal<'_>, mut next: Option<String>) -> Option<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    for _ in 1..MOST_PAGES {
        let Some(token) = next else { return Some(ids) };
        let (accounts, behind) = portal.some_accounts(Some(&token)).ok()?;
        ids.extend(accounts.into_iter().map(|account| account.account_id));
        next = behind;
    }
    next.is_none().then_some(ids)
}

impl Session {
    /// What is kept of the last sign-in. Asked for before one begins: of several terminals that end with the same sign-in, the
    /// first keeps that in its place.
    pub fn last_seen(&self) -> Option<Seen> {
        self.store.read_seen(&self.target)
    }

    /// Asks who signed in and what they have, and compares that with the sign-in `before`, in whose place it is kept. What the
    /// portal does not say within five seconds is not known. Nobody is asked twice: if the token was looked at before it was
    /// kept, that counts.
    pub fn what_came(&self, signed_in: &SignedIn, before: Option<Seen>) -> Option<Came> {
        let looked_at = match &signed_in.looked_at {
            Some(looked_at) => LookedAt::clone(looked_at),
            None => {
                let center = self.center().ok()?;
                // Another process may have signed in, at another portal.
                self.check_pin(center, Face::Sso, &mut Unwatched).ok()?;
                self.look_at(center, &self.read().ok()?.access_token, before)
            }
        };
        if let Some(seen) = &looked_at.seen {
            // If it cannot be kept, the next one is not compared.
            let _ = self.store.keep_seen(&self.target, seen);
        }
        Some(looked_at.came)
    }

    /// Asks the portal whose a token is and compares that with the sign-in `before`. Keeps nothing: the token may not be kept
    /// either.
    pub(crate) fn look_at(&self, center: &Center, token: &Secret, before: Option<Seen>) -> LookedAt {
        let (center, token) = (center.clone(), token.clone());
        let calls = self.calls().clone();
        let (sender, answer) = channel();
        let (go_on, asked) = channel::<Option<String>>();
        let (rest_sender, rest) = channel();
        std::thread::spawn(move || {
            let portal = Portal { calls: &calls, endpoint: &center.sso, token: &token };
            let _ = sender.send(Heard::of(&portal, tells_the_person(&center)));
            if let Ok(next) = asked.recv() {
                let _ = rest_sender.send(ids_behind(&portal, next));
            }
        });
        let silent = |_| "the portal did not answer within five seconds".to_owned();
        let (person, listing) = match answer.recv_timeout(PATIENCE).map_err(silent) {
            Ok(heard) => (heard.person, heard.accounts.map_err(|error| error.to_string())),
            Err(why) => (None, Err(why)),
        };
        let start_url = self.target.center.start_url.clone();
        let (accounts, next, unknown) = match listing {
            Ok((accounts, next)) => (accounts, next, None),
            Err(why) => (Vec::new(), None, Some(why)),
        };
        let has_more = next.is_some();
        let ids = accounts.iter().map(|account| account.account_id.clone()).collect();
        let is_cut = has_more || unknown.is_some();
        let mut now = Seen { start_url, person: person.clone(), accounts: ids, has_more: is_cut };
        let needs_more = before.as_ref().is_some_and(|before| before.needs_the_rest_of(&now));
        if needs_more
            && go_on.send(next).is_ok()
            && let Ok(Some(ids)) = rest.recv_timeout(PATIENCE)
        {
            now.accounts.extend(ids);
            now.has_more = false;
        }
        let stranger = before.clone().filter(|before| before.has_nothing_in_common_with(&now));
        if stranger.is_some() {
            // Aldis uses none of them any more, but the AWS CLI, which does not know whose they are, would.
            for path in self.store.fetched_roles(&self.target) {
                let _ = files::remove(&path);
            }
            self.store.forget_fetched_roles(&self.target);
        }
        if unknown.is_some() && stranger.is_none() {
            // What was known of their accounts still is.
            now.accounts = before.map(|before| before.accounts).unwrap_or_default();
        }
        let seen = (person.is_some() || unknown.is_none()).then_some(now);
        LookedAt { came: Came { person, accounts, has_more, unknown, before: stranger }, seen }
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
            (seen("", &["1"], "more"), seen("", &["2"], ""), true),
            (seen("", &["1"], ""), seen("", &["2"], "more"), false),
        ];
        for (before, now, is_strange) in rows {
            assert_eq!(before.has_nothing_in_common_with(&now), is_strange, "{before:?} {now:?}");
        }
        let rows = [
            (seen("", &["1"], ""), seen("", &["2"], "more"), true),
            (seen("ann", &["1"], ""), seen("", &["2"], "more"), true),
            (seen("", &["1"], ""), seen("", &["1", "2"], "more"), false),
            (seen("ann", &["1"], ""), seen("bob", &["2"], "more"), false),
            (seen("", &["1"], ""), seen("", &["2"], ""), false),
            (seen("", &[], ""), seen("", &["2"], "more"), false),
        ];
        for (before, now, needs) in rows {
            assert_eq!(before.needs_the_rest_of(&now), needs, "{before:?} {now:?}");
        }
        let elsewhere = Seen { start_url: "https://other.example/start".into(), ..seen("bob", &["2"], "") };
        assert!(!seen("ann", &["1"], "").has_nothing_in_common_with(&elsewhere));
    }
}
