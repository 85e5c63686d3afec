//! A client that was let in through a browser (RFC 6749 section 4.1, with PKCE), from its code to its token.
//!
//! 1. The client hashes a secret of its own, the verifier, into a challenge, and opens `/authorize` in a browser with the
//!    challenge and its redirect URI (`authorize`, RFC 7636 section 4.3).
//! 2. A faulty question is refused at once. A good one waits for a person in its browser; nothing is kept of it here.
//! 3. Somebody approves it: a grant is made, and its code goes to the redirect URI (`authorize`, RFC 6749 section 4.1.2).
//! 4. The client exchanges the code, and proves with the verifier that the question was its own (`token_by_code`, RFC 7636
//!    section 4.5). The grant notes the session that it gave.
//! 5. Whoever could exchange the code a second time gets nothing, and that session ends: one of the two stole it.

use jiff::{SignedDuration, Timestamp};

use crate::things::client::Scopes;
use crate::things::handle::{ClientHash, Handle};

/// The longest life of a code (RFC 6749 section 4.1.2).
pub const LONGEST_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// A code grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeGrant {
    /// The handle of its code.
    pub handle: Handle,
    /// Which client asked; only this one may exchange the code.
    pub client: ClientHash,
    /// Where the code was sent, with the very port.
    pub redirect_uri: String,
    /// The hash of the client's verifier (`wire::pkce`).
    pub challenge: String,
    /// What the token will be good for.
    pub scopes: Scopes,
    /// The id that ties everything of this sign-in together in the audit log.
    pub workflow: String,
    /// Who approved; the session will be theirs.
    pub person: String,
    /// From which address it was approved; none where no browser was asked.
    pub approved_from: Option<String>,
    /// When the code ends.
    pub expires_at: Timestamp,
    /// The session that the code gave, once it was exchanged.
    pub session: Option<String>,
}
