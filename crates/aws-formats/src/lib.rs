//! The texts that Aldis shares with every AWS tool. Pure: text in, values out, and back.
//!
//! - [`config`]: `~/.aws/config` and `~/.aws/credentials`
//! - [`sso_cache`]: tokens, registrations and role credentials as the AWS CLI keeps them
//! - [`login_cache`]: credentials of `aws login` as the AWS CLI keeps them
//! - [`credentials_out`]: credentials in the forms that other tools take
#![forbid(unsafe_code)]

pub mod config;
pub mod credentials_out;
pub mod login_cache;
pub mod sso_cache;
