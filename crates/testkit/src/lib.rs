//! For stories: a machine of its own (home, environment) on which the real binary runs, a real center on a free port, a real
//! terminal, a real browser, other machines built out of namespaces, and pages of somebody else.
//!
//! Whatever goes wrong here is a failed test, so everything panics with what it saw.
#![forbid(unsafe_code)]
#![allow(clippy::panic, clippy::expect_used, reason = "a test that cannot go on should say so and stop")]

mod center;
mod chromium;
mod http;
mod machine;
mod place;
mod processes;
mod proxy;
mod relay;
mod run;
mod screen;
mod site;
mod skip;
mod socks;
mod target;
mod terminal;

pub use center::Center;
pub use chromium::{Browser, Page};
pub use http::{Answer, Ask};
pub use machine::{Machine, config};
pub use place::{Forward, Net, PERSON, Place};
pub use proxy::Proxy;
pub use relay::Relay;
pub use run::{Outcome, Run, Running, is_root};
pub use screen::draw;
pub use site::Site;
pub use skip::skip;
pub use socks::Socks;
pub use target::{screens, target};
pub use terminal::Terminal;

use std::time::Duration;

/// How long anything here may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(30);
