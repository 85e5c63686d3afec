//! The administration socket of a center: one JSON object a line, a request followed by its answers.
//!
//! Only people on the center's own machine reach it (a Unix socket in a private folder), so requests carry no
//! secret; who asks is what the operating system says of the peer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secret::Secret;

/// The name of the socket of the center that listens on `port`, within the private folder.
pub fn socket_name(port: u16) -> String {
    format!("center-{port}.sock")
}

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum AdminRequest {
    /// Decides one pending device sign-in.
    DecideDevice {
        /// The code as the terminal shows it; case, dashes and spaces do not matter.
        user_code: String,
        /// On whose behalf.
        person: String,
        /// Approve, or deny.
        decision: Decision,
    },
    /// Approves the question of a client that waits for an authorization code.
    Authorize {
        /// The whole address, as it was opened in a browser.
        url: String,
        /// On whose behalf.
        person: String,
    },
    /// Reads the audit log.
    Audit {
        /// Only entries after this position; 0 for all.
        after: i64,
        /// Whether to stay and send what comes.
        follow: bool,
    },
    /// Asks for the address of the center; it is the message of `Done`.
    SayUrl,
    /// Moves the clock of a center that was started with a test clock.
    MoveClock {
        /// By how many seconds, forward.
        seconds: i64,
    },
}

/// A person's word on a pending sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Let it in.
    Approve,
    /// Refuse it.
    Deny,
}

/// What is answered. `Audit` is answered by any number of `Event`s, then `Done`: at once, or, for one that follows, when the
/// center ends in good order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum AdminAnswer {
    /// It is done, and this is what was done.
    Done {
        /// For a person.
        message: String,
    },
    /// It is done, and this is the redirect that the browser would get.
    Redirect {
        /// The redirect URI with the code.
        location: Secret,
    },
    /// One audit entry.
    Event {
        /// Its place in the log; grows by time.
        position: i64,
        /// The entry in CloudTrail's shape.
        event: Value,
    },
    /// It was not done.
    Refused {
        /// For a program: `unknown_code`, `unknown_person`, `no_test_clock`, …
        code: String,
        /// For a person.
        message: String,
    },
}
