//! What a center does by itself as time passes: wipe what may not be sent any more, forget what is long over.

use jiff::{SignedDuration, Timestamp};

use crate::changes::Change;
use crate::instance::Lifetimes;
use crate::things::handle::Handle;

/// How long an ended session is remembered, so that its tokens are known as its own.
const SESSION_MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// What a store knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Used refresh tokens whose answer is still kept though it may not be given again.
    pub replies_over: Vec<Handle>,
}

/// Wipes every kept answer whose time is over. To be asked every second or so, so that none stays much longer.
pub fn wipe(facts: &Facts) -> Vec<Change> {
    facts.replies_over.iter().map(|handle| Change::WipeKeptReply { handle: handle.clone() }).collect()
}

/// Forgets grants and sessions that are long over. To be asked now and then; it only makes room.
pub fn forget(now: Timestamp, lifetimes: &Lifetimes) -> Vec<Change> {
    let before = |memory: SignedDuration| now.checked_sub(memory).unwrap_or(Timestamp::MIN);
    vec![
        Change::ForgetDeviceGrants { before: before(lifetimes.expired_code_memory) },
        Change::ForgetCodeGrants { before: before(lifetimes.expired_code_memory) },
        Change::ForgetBrowserSessions { before: now },
        Change::ForgetSessions { before: before(SESSION_MEMORY) },
    ]
}
