//! Tests that cannot run on this machine say so, where `cargo xtask test` reads it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::{env, thread};

/// The file into which skipped tests are written, one a line; `cargo xtask test` sets it.
const LIST: &str = "ALDIS_SKIPPED_TESTS";

/// Says that the test of this thread is skipped, and why. The test returns then.
#[allow(clippy::print_stderr, reason = "whoever runs one test reads it there")]
pub fn skip(why: &str) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("a test");
    eprintln!("skipped: {name}: {why}");
    let Some(path) = env::var_os(LIST) else { return };
    let list = OpenOptions::new().create(true).append(true).open(&path);
    let line = format!("{name}: {}\n", why.replace('\n', " "));
    // Tests are many processes: one write is one line.
    let written = list.and_then(|mut list| list.write_all(line.as_bytes()));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
