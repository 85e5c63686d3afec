//! A person who signed in on a page: what a browser holds in a cookie, and when it ends (S54).
//!
//! It ends 8 hours after it began, 30 minutes after its last use, by signing out, by signing in anew, and when the person or
//! their password is not what it was.

use jiff::{SignedDuration, Timestamp};

use crate::changes::Change;
use crate::instance::Call;
use crate::things::handle::Handle;

/// How long one lasts at most.
pub const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(8);
/// How long one lasts unused.
pub const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// How often its use is written down at most: a page must not cost a disk sync each time.
const NOTE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A browser session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSession {
    /// The handle of the cookie's value.
    pub handle: Handle,
    /// Whose it is.
    pub person: String,
    /// What is kept of the password that began it: see [`crate::password::mark`].
    pub password_mark: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was used, to a minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
}

impl BrowserSession {
    /// Whether it still is a sign-in of its person.
    pub fn is_good(&self, call: &Call<'_>) -> bool {
        let idle_end = self.seen_at.checked_add(IDLE).unwrap_or(Timestamp::MAX);
        let mark = call.instance.password_mark(&self.person);
        call.now < self.ends_at && call.now < idle_end && mark.is_some_and(|mark| mark == self.password_mark)
    }

    /// What using it changes: nothing, most of the time.
    pub fn used(&self, call: &Call<'_>) -> Option<Change> {
        let is_old = call.now.duration_since(self.seen_at) >= NOTE_EVERY;
        is_old.then(|| Change::NoteBrowserSeen { handle: self.handle.clone(), at: call.now })
    }
}
