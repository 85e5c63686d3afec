//! What a center keeps or seals.

pub mod browser_session;
pub mod client;
pub mod code_grant;
pub mod decider;
pub mod device_grant;
pub mod handle;
pub mod redirect_uri;
pub mod registered;
pub mod session;
pub mod user_code;
