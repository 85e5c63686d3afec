//! The promise that every store gives: one gather for each use case that needs facts, one commit, and the audit log.
//!
//! A gather sees one moment: never half of a verdict. A commit makes all changes and entries of a verdict or none, and
//! answers only when they survive a loss of power.

use center::audit::Entry;
use center::changes::Change;
use center::things::browser_session::BrowserSession;
use center::things::code_grant::CodeGrant;
use center::things::device_grant::DeviceGrant;
use center::things::handle::Handle;
use center::{housekeeping, portal, token_by_refresh};
use jiff::Timestamp;
use serde_json::Value;

/// A place for what a center keeps.
pub trait Store: Send + Sync + 'static {
    /// The device grant under what is kept of a user code.
    fn gather_device_decide(
        &self,
        user_code: &str,
    ) -> impl Future<Output = Result<Option<DeviceGrant>, StoreError>> + Send;

    /// The device grant under a device code.
    fn gather_token_by_device_code(
        &self,
        device_code: &Handle,
    ) -> impl Future<Output = Result<Option<DeviceGrant>, StoreError>> + Send;

    /// The code grant under an authorization code.
    fn gather_token_by_code(
        &self,
        code: &Handle,
    ) -> impl Future<Output = Result<Option<CodeGrant>, StoreError>> + Send;

    /// The browser session of a cookie.
    fn gather_browser_session(
        &self,
        cookie: &Handle,
    ) -> impl Future<Output = Result<Option<BrowserSession>, StoreError>> + Send;

    /// What is known of a refresh token.
    fn gather_token_by_refresh(
        &self,
        refresh_token: &Handle,
    ) -> impl Future<Output = Result<token_by_refresh::Facts, StoreError>> + Send;

    /// What is known of an access token, for all operations of the portal.
    fn gather_portal(
        &self,
        access_token: &Handle,
    ) -> impl Future<Output = Result<portal::Facts, StoreError>> + Send;

    /// What has to be wiped by now.
    fn gather_housekeeping(
        &self,
        now: Timestamp,
    ) -> impl Future<Output = Result<housekeeping::Facts, StoreError>> + Send;

    /// Makes the changes, each of which names the state that it expects, and logs the entries, in one transaction.
    fn commit(
        &self,
        changes: Vec<Change>,
        entries: Vec<Entry>,
    ) -> impl Future<Output = Result<Committed, CommitError>> + Send;

    /// At most `limit` entries of the audit log after a position, in order.
    fn audit_after(
        &self,
        position: i64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Logged>, StoreError>> + Send;
}

/// A verdict is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The last position of the audit log that readers find by now.
    pub last_audit_position: i64,
}

/// An entry of the audit log in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Grows by time.
    pub position: i64,
    /// The record in CloudTrail's shape.
    pub record: Value,
}

/// A verdict is not stored, not even in part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A change found another state than it expects: somebody was faster. Gather and decide again.
    #[error("somebody was faster")]
    Conflict,
    /// The store cannot do it.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// The store cannot do what it promised. Kept as words, since one failure may answer many callers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// What lies on the disk is not what was written.
    #[error("the database is damaged ({0}): restore a copy, or move it away to begin anew")]
    Damaged(String),
    /// No room.
    #[error("the disk of the database is full ({0})")]
    Full(String),
    /// The file or its folder cannot be written any more.
    #[error("the database cannot be written ({0})")]
    ReadOnly(String),
    /// Somebody else writes all the time.
    #[error("another process keeps the database locked ({0})")]
    Busy(String),
    /// The writer is gone, so the process is about to end.
    #[error("the database is closed")]
    Closed,
    /// Whatever else the database says.
    #[error("the database failed ({0})")]
    Failed(String),
}
