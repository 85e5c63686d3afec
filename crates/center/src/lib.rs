//! The rules of an Identity Center. No HTTP, no SQL, no clock of its own, nothing async.
//!
//! One file is one use case: it receives a [`Call`] (who asks, when, with which dice), the request and the facts that a
//! store gathered, and answers with a [`Verdict`]: the reply or a refusal, the [`Change`]s to make, and the audit
//! entries. Nothing here happens; a verdict only says what should.
#![forbid(unsafe_code)]

pub mod accounts_list;
pub mod audit;
pub mod authorize;
pub mod caller_identity;
pub mod changes;
pub mod client_register;
pub mod device_decide;
pub mod device_start;
pub mod housekeeping;
pub mod instance;
pub mod logout;
pub mod organisation;
pub mod password;
pub mod portal;
pub mod revoke;
pub mod role_credentials;
pub mod roles_list;
pub mod seal;
pub mod seed;
pub mod sign_in;
pub mod things;
pub mod token_by_code;
pub mod token_by_device_code;
pub mod token_by_other_grant;
pub mod token_by_refresh;
mod tokens;
pub mod verdict;
pub mod who_am_i;

pub use changes::Change;
pub use instance::{Call, Caller, Dice, Instance};
pub use tokens::Issued;
pub use verdict::{AdminRefusal, Load, OidcRefusal, Pace, PortalRefusal, StsRefusal, Verdict};
