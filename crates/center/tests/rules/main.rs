//! The rules of the center, driven as a store and a web skin would drive them, without either.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may panic"
)]

mod code;
mod device;
mod identity;
mod paper;
mod portal;
mod refresh;
mod registration;
mod sign_in;
