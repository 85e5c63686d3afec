//! The words on the wire, used by both halves of Aldis. Knows no clock, no file and no socket.
//!
//! - [`authorize`]: question and answer of the authorization code grant, as addresses
//! - [`oidc`]: SSO OIDC (RegisterClient, StartDeviceAuthorization, CreateToken) and its refusals
//! - [`pkce`]: verifier, challenge and check of RFC 7636
//! - [`portal`]: the access portal (ListAccounts, ListAccountRoles, GetRoleCredentials, Logout)
//! - [`sts`]: GetCallerIdentity, form in and XML out
//! - [`sigv4`]: the signature of AWS requests, made and verified
//! - [`metadata`]: what a center says about itself (RFC 8414)
//! - [`admin`]: the lines on the administration socket of a center
//! - [`secret`]: texts that must not be seen
#![forbid(unsafe_code)]

pub mod admin;
pub mod authorize;
pub mod metadata;
pub mod oidc;
pub mod pkce;
pub mod portal;
pub mod secret;
pub mod sigv4;
pub mod sts;
pub mod words;

pub use secret::Secret;
