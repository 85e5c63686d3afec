//! What a center keeps: grants, sessions, tokens and the audit log. Gathers facts for the rules and commits their
//! verdicts; knows no rule itself.
//!
//! - [`store`]: the promise that every store gives
//! - [`sqlite`]: SQLite, in a file or in memory
#![forbid(unsafe_code)]

pub mod sqlite;
pub mod store;
#[cfg(test)]
mod story;

pub use sqlite::Sqlite;
pub use store::{CommitError, Committed, Logged, Store, StoreError};
