//! `aldis`: AWS sign-in that works wherever your terminal is. Words in, words out; what happens between them is in the
//! libraries.
#![forbid(unsafe_code)]

mod args;
mod ask;
mod commands;
mod report;
mod request;
mod table;

use std::process::ExitCode;

use outside::Outside;

fn main() -> ExitCode {
    let outside = Outside::real();
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    ExitCode::from(table::run(&outside, words))
}
