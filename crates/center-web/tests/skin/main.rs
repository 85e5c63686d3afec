//! A real center in this process, on a free port, spoken to over sockets.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on may panic"
)]

mod admin;
mod browser;
mod code;
mod faults;
mod http;
mod oauth;
mod oidc;
mod pages;
mod portal;
mod races;
mod running;
mod sign_in;
mod skin;
mod sts;
