//! Every change that a store must be able to make. Each says which state it expects to find; a store that finds another
//! makes none of a verdict's changes and reports a conflict.

use jiff::Timestamp;

use crate::things::browser_session::BrowserSession;
use crate::things::code_grant::CodeGrant;
use crate::things::device_grant::DeviceGrant;
use crate::things::handle::Handle;
use crate::things::session::{AccessToken, RefreshToken, Session, UsedRefreshToken};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Adds a device grant. Expects no other grant with its handle or its user code.
    AddDeviceGrant(DeviceGrant),
    /// Approves a device grant. Expects it pending.
    ApproveDeviceGrant {
        /// Which.
        handle: Handle,
        /// In whose name.
        person: String,
    },
    /// Denies a device grant. Expects it pending.
    DenyDeviceGrant {
        /// Which.
        handle: Handle,
        /// In whose name.
        person: String,
    },
    /// Marks a device grant as redeemed. Expects it approved.
    RedeemDeviceGrant {
        /// Which.
        handle: Handle,
    },
    /// Adds a code grant. Expects no other with its handle.
    AddCodeGrant(CodeGrant),
    /// Notes the session that a code grant gave. Expects that it gave none yet.
    RedeemCodeGrant {
        /// Which.
        handle: Handle,
        /// The id of the session.
        session: String,
    },
    /// Adds a browser session. Expects no other with its handle.
    AddBrowserSession(BrowserSession),
    /// Notes the use of a browser session. Expects nothing.
    NoteBrowserSeen {
        /// Which.
        handle: Handle,
        /// When.
        at: Timestamp,
    },
    /// Removes a browser session. Expects nothing: one may be ended twice.
    EndBrowserSession {
        /// Which.
        handle: Handle,
    },
    /// Adds a session. Expects no other with its id.
    AddSession(Session),
    /// Adds an access token. Expects no other with its handle.
    AddAccessToken(AccessToken),
    /// Adds a refresh token. Expects no other with its handle.
    AddRefreshToken(RefreshToken),
    /// Notes that an access token was presented. Expects nothing.
    NoteAccessPresented {
        /// Which.
        handle: Handle,
    },
    /// Notes that a refresh token was presented. Expects nothing.
    NoteRefreshPresented {
        /// Which.
        handle: Handle,
    },
    /// Notes the use of a refresh token, which counts as presented, too. Expects it unused.
    UseRefreshToken {
        /// Which.
        handle: Handle,
        /// When, and the answer to keep.
        used: UsedRefreshToken,
    },
    /// Ends the time for which a used refresh token gets its answer again at `until`, if it did not end earlier. Expects
    /// nothing.
    LimitReplay {
        /// Which used token.
        handle: Handle,
        /// The new end.
        until: Timestamp,
    },
    /// Wipes the kept answer of a used refresh token. Expects nothing.
    WipeKeptReply {
        /// Which used token.
        handle: Handle,
    },
    /// Ends a session and wipes every kept answer of its refresh tokens. Expects nothing: a session may be ended twice.
    EndSession {
        /// Which.
        id: String,
        /// When.
        at: Timestamp,
    },
    /// Removes device grants whose codes ended before `before`. Expects nothing.
    ForgetDeviceGrants {
        /// The limit.
        before: Timestamp,
    },
    /// Removes code grants whose codes ended before `before`. Expects nothing.
    ForgetCodeGrants {
        /// The limit.
        before: Timestamp,
    },
    /// Removes browser sessions that ended (by time) before `before`. Expects nothing.
    ForgetBrowserSessions {
        /// The limit.
        before: Timestamp,
    },
    /// Removes sessions that ended (by time) before `before`, with all their tokens. Expects nothing.
    ForgetSessions {
        /// The limit.
        before: Timestamp,
    },
}
