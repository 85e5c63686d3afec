//! A device that waits to be let in (RFC 8628), from its start to its token.
//!
//! 1. The client asks for codes: a grant is made, [`State::Pending`] (`device_start`, section 3.1 and 3.2).
//! 2. The client shows the user code and the verification URI (section 3.3).
//! 3. A person finds the grant by its user code and decides: [`State::Approved`] or [`State::Denied`]
//!    (`device_decide`).
//! 4. Meanwhile the client polls with its device code (`token_by_device_code`, section 3.4): it hears
//!    `authorization_pending`, or `slow_down` when it polls too fast.
//! 5. After the decision it hears `access_denied`, or gets its tokens and the grant becomes [`State::Redeemed`], once.
//! 6. Past its end it hears `expired_token` for a while, then the grant is forgotten (section 3.5).

use jiff::Timestamp;

use crate::things::client::Scopes;
use crate::things::handle::{ClientHash, Handle};

/// A device grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceGrant {
    /// The handle of its device code.
    pub handle: Handle,
    /// What is kept of its user code: see [`crate::things::user_code::kept`].
    pub user_code: String,
    /// Which client started it; only this one may redeem it.
    pub client: ClientHash,
    /// What the client calls itself; not verified.
    pub client_name: String,
    /// What the token will be good for.
    pub scopes: Scopes,
    /// The id that ties everything of this sign-in together in the audit log.
    pub workflow: String,
    /// From which address it was started.
    pub started_from: String,
    /// What called itself the starter there; not verified.
    pub user_agent: String,
    /// When its codes end.
    pub expires_at: Timestamp,
    /// How far it is.
    pub state: State,
}

/// How far a device grant is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nobody has decided.
    Pending,
    /// A person let it in.
    Approved {
        /// Who; the session will be theirs.
        person: String,
    },
    /// A person refused it.
    Denied {
        /// Who.
        person: String,
    },
    /// Its token has been given out.
    Redeemed,
}
