//! Where an answer for a sign-in may arrive on this machine.

pub(crate) mod keys;
pub(crate) mod loopback;
mod pages;
#[cfg_attr(not(test), expect(dead_code, reason = "the prompt that is pasted into comes next"))]
pub(crate) mod paste;
