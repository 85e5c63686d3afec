//! The HTTP skin of a center: receive, gather, decide, commit, reply. Knows no SQL and no rule.
//!
//! [`serve::run`] serves one center until it is told to stop; [`serve::listen`] makes the socket for it.
#![forbid(unsafe_code)]

mod admin;
mod apis;
mod browser;
mod decide;
mod door;
mod guesses;
mod hosts;
mod housekeeping;
mod limits;
mod live;
mod pages;
mod passwords;
mod refusals;
mod routes;
pub mod serve;
mod shared;

pub use serve::{ListenError, ServeError, Serving, Stopper, listen, run};
