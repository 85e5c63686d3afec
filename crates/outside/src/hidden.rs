//! Lines that nobody must see: typed at a terminal without echo, or read from a pipe.

use std::io::{self, BufRead as _, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use wire::Secret;
use zeroize::Zeroizing;

use crate::signals::Watch;

/// The longest line, its end included; no password is longer.
const LONGEST: u64 = 4096;

/// Asks at the terminal on standard input, once for each prompt, without echo. The echo comes back in any case: at the end, on
/// Ctrl-C, when the terminal hangs up, and when this process is asked to end; there the process ends with the signal's exit code.
///
/// # Errors
/// Whatever the system says; standard input that is no terminal is an error, too.
pub fn ask(prompts: &[&str]) -> io::Result<Vec<Secret>> {
    let shown = tcgetattr(io::stdin())?;
    let end = Watch::start({
        let shown = shown.clone();
        move |ending| {
            restore(&shown);
            let _ = io::stderr().write_all(b"\n");
            std::process::exit(i32::from(ending.exit_code()));
        }
    })?;
    let mut hidden = shown.clone();
    hidden.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
    // A shell that stops and continues this process would leave the echo on.
    hidden.special_codes[SpecialCodeIndex::VSUSP] = 0;
    tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
    let lines = prompts.iter().map(|prompt| {
        io::stderr().write_all(prompt.as_bytes())?;
        let line = line();
        // The end of the line was not echoed either.
        io::stderr().write_all(b"\n")?;
        line
    });
    let lines = lines.collect();
    restore(&shown);
    drop(end);
    lines
}

/// One line of standard input, without its end. No longer one than a few thousand bytes is read.
///
/// # Errors
/// Whatever the system says; bytes that are no text are an error, too.
pub fn line() -> io::Result<Secret> {
    let mut text = Zeroizing::new(String::new());
    io::stdin().lock().take(LONGEST).read_line(&mut text)?;
    Ok(Secret::new(text.trim_end_matches(['\n', '\r'])))
}

fn restore(shown: &Termios) {
    // Nobody can be told when that fails.
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, shown);
}
