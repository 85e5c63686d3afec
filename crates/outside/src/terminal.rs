//! Standard input, output and error.

use std::io::{self, IsTerminal as _, Write as _};

use rustix::fs::FileType;
use wire::words::escape_unprintable;

use crate::env::Env;
use crate::painted::Painted;

/// What is known of the three standard streams.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// Whether somebody can type.
    pub input: bool,
    /// Whether standard output is a terminal.
    pub output: bool,
    /// Whether standard error is a terminal.
    pub error: bool,
    /// Whether moving the cursor makes sense on standard error.
    pub lively: bool,
    /// Whether colours make sense there, too.
    pub colors: bool,
    /// Whether it is a terminal that shows nothing but ASCII, as the locale says.
    pub ascii: bool,
}

impl Terminal {
    /// The streams of this process. `NO_COLOR` switches colours off, `TERM=dumb` moving lines as well.
    pub fn real(env: &Env) -> Self {
        let error = io::stderr().is_terminal();
        Self {
            input: io::stdin().is_terminal(),
            output: io::stdout().is_terminal(),
            error,
            lively: error && env.knows_sequences(),
            ascii: error && !env.is_utf8(),
            colors: error && env.knows_sequences() && env.get("NO_COLOR").is_none(),
        }
    }

    /// Columns of the terminal on standard error; 80 where nobody says.
    pub fn columns(&self) -> usize {
        match rustix::termios::tcgetwinsize(io::stderr()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
            _ => 80,
        }
    }

    /// Rows of the terminal on standard error; 24 where nobody says.
    pub fn rows(&self) -> usize {
        match rustix::termios::tcgetwinsize(io::stderr()) {
            Ok(size) if size.ws_row > 0 => usize::from(size.ws_row),
            _ => 24,
        }
    }

    /// Whether standard output leads nowhere: to `/dev/null`, as it does also where it was closed before this process began.
    pub fn leads_nowhere(&self) -> bool {
        let nowhere = rustix::fs::stat("/dev/null").map(|stat| stat.st_rdev);
        let out = rustix::fs::fstat(io::stdout()).map(|stat| (stat.st_mode, stat.st_rdev));
        matches!((out, nowhere), (Ok((mode, out)), Ok(nowhere))
            if out == nowhere && FileType::from_raw_mode(mode) == FileType::CharacterDevice)
    }

    /// Writes data to standard output, whole: byte for byte to a file or a pipe. On a terminal every unprintable character but
    /// line feed and tab is written as a JSON escape, so that a value from elsewhere does nothing to it.
    ///
    /// # Errors
    /// Whatever the system says; a reader that went away is an error, too.
    pub fn data(&self, text: &str) -> io::Result<()> {
        if self.output { write_out(escape_unprintable(text).as_bytes()) } else { write_out(text.as_bytes()) }
    }

    /// Writes text for people to standard output, whole. Only a terminal gets its colors.
    ///
    /// # Errors
    /// Whatever the system says; a reader that went away is an error, too.
    pub fn painted_data(&self, text: &Painted) -> io::Result<()> {
        write_out(if self.output { text.bytes() } else { text.plain().as_bytes() })
    }

    /// Writes words to standard error; on a terminal that shows nothing but ASCII every other character is a question mark.
    /// Nobody can be told when it fails.
    pub fn words(&self, text: impl Into<Painted>) {
        let text = text.into();
        let text = if self.ascii { text.in_ascii() } else { text };
        let mut out = io::stderr().lock();
        let _ = out.write_all(text.bytes()).and_then(|()| out.flush());
    }
}

fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
