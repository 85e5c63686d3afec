//! Where an answer for a sign-in may arrive on this machine.

pub(crate) mod keys;
pub(crate) mod lines;
pub(crate) mod loopback;
mod pages;
pub(crate) mod paste;
