//! A signed-in session and its tokens.
//!
//! A session begins with a redeemed grant and ends at a fixed time, by logout, or when a refresh token is used in a way
//! that only a thief would. Its refresh tokens form a chain: each use makes a new pair. The answer to a use is kept,
//! encrypted under the used token, for a client that lost it.

use jiff::Timestamp;

use crate::instance::Call;
use crate::things::client::Scopes;
use crate::things::handle::{ClientHash, Handle};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, a UUID.
    pub id: String,
    /// Whose it is.
    pub person: String,
    /// To which client it was given.
    pub client: ClientHash,
    /// What it is good for.
    pub scopes: Scopes,
    /// The id that ties everything of this sign-in together in the audit log.
    pub workflow: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// When it was ended before that.
    pub ended_at: Option<Timestamp>,
    /// What is kept of the person's password when it began; none where they had none.
    pub password_mark: Option<String>,
}

impl Session {
    /// Whether it is still good: not over, not ended, and its person and their password are what they were (S12, S28).
    pub fn is_good(&self, call: &Call<'_>) -> bool {
        let is_open = self.ended_at.is_none() && call.now < self.ends_at;
        let is_known = call.instance.person(&self.person).is_some();
        let mark = self.password_mark.as_ref();
        is_open
            && is_known
            && mark.is_none_or(|mark| call.instance.session_mark(&self.person).as_ref() == Some(mark))
    }
}

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Its handle.
    pub handle: Handle,
    /// The session that it belongs to.
    pub session: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was presented anywhere.
    pub presented: bool,
    /// The refresh token whose use made it; none for the first of a session.
    pub born_of: Option<Handle>,
}

/// A refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Its handle.
    pub handle: Handle,
    /// The session that it belongs to.
    pub session: String,
    /// Whether it was presented anywhere, with or without success.
    pub presented: bool,
    /// The refresh token whose use made it; none for the first of a session.
    pub born_of: Option<Handle>,
    /// What became of it, once used.
    pub used: Option<UsedRefreshToken>,
}

/// The use of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedRefreshToken {
    /// When.
    pub at: Timestamp,
    /// Until when the same answer may be given again.
    pub replay_until: Timestamp,
    /// The end of the access token in that answer.
    pub access_expires_at: Timestamp,
    /// The answer, encrypted under the used token; none once it may not be given again.
    pub kept_reply: Option<Vec<u8>>,
}
