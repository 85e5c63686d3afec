//! Decides how to sign in, does it, keeps it fresh. Never prints, never reads what was typed.
//!
//! - [`came`]: who signed in and with which accounts, and whether that is somebody else than before
//! - [`surroundings`]: where we are: facts with their evidence
//! - [`choose`]: facts and a wish → the ways to sign in, in their order, with reasons
//! - [`flow`]: the flows as steppers without IO
//! - `inlet`: where an answer may arrive
//! - `pins`: to which addresses the tokens of a session go
//! - `company`: several processes that take part in one sign-in
//! - `cool_down`: who may not ask again so soon
//! - `drive`: turns a stepper until it is done: the only loop of the client
//! - [`session`] and [`mod@sign_in`]: `fresh` and `sign_in`, the only ways to a token
//! - [`role_credentials`]: token + account + role → short-term credentials
//! - [`sign_out`]: ends a sign-in and removes what came of it
//! - [`status`]: how a sign-in stands, by its file alone
//! - [`progress`]: what a watcher may be told
//! - `store`: the files, which are the AWS CLI's
//! - [`token_state`]: can a token be used or renewed, or does only a sign-in help?
//! - `family`: which tokens and role credentials came from the same sign-in, and which tokens their center refused
//! - `turns`: one process at a time, where locks can be had
#![forbid(unsafe_code)]

pub mod came;
pub mod choose;
mod company;
mod cool_down;
mod drive;
mod family;
pub mod flow;
mod inlet;
mod pins;
pub mod progress;
pub mod role_credentials;
pub mod session;
pub mod sign_in;
pub mod sign_out;
pub mod status;
mod store;
pub mod surroundings;
pub mod token_state;
mod turns;
