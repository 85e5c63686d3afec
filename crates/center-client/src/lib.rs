//! Typed calls to an Identity Center, Amazon's or ours. Knows no files: what it is told comes as values, what it
//! learns goes back as values.
//!
//! - [`endpoint`]: region, partition and overrides → base addresses, computed and never asked
//! - [`start_url`]: a start URL → where its center is and how it wants to be named
//! - [`oidc`], [`portal`], [`sts`]: the calls
//! - [`calls`]: how a call is made: headers, patience, who may be spoken to in plain http
//! - [`refusal`]: a failed answer → what it means
#![forbid(unsafe_code)]

pub mod address;
pub mod calls;
pub mod endpoint;
pub mod oidc;
pub mod patience;
pub mod portal;
pub mod refusal;
pub mod start_url;
pub mod sts;

pub use calls::{CallError, Calls};
pub use endpoint::{Endpoint, Service};
pub use start_url::Center;
