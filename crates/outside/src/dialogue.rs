//! A dialogue with somebody at the terminal: questions that are answered by a line or by keys, and one way out of all of them
//! at any time.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use crate::keys::Keyboard;
use crate::painted::Painted;
use crate::signals::{Ending, Watch};

/// The longest line that a terminal hands over; its end is included.
const LONGEST: u64 = 4096;

/// What the end of the process leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Farewell {
    /// Whether somebody else hears the signals now.
    is_quiet: bool,
    /// What brings the terminal back to what it was.
    pub(crate) keyboard: Option<crate::keys::Tidy>,
}

/// A dialogue. From its beginning Ctrl-C, a hang-up and the request to end leave the terminal as it was and end the process with
/// the signal's exit code, wherever it is.
#[derive(Debug)]
pub struct Dialogue {
    farewell: Arc<Mutex<Farewell>>,
    _watch: Watch,
}

impl Dialogue {
    /// Begins it.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn begin() -> io::Result<Self> {
        let farewell = Arc::<Mutex<Farewell>>::default();
        let watch = Watch::start({
            let farewell = Arc::clone(&farewell);
            move |ending| end(&farewell, ending)
        })?;
        Ok(Self { farewell, _watch: watch })
    }

    /// Writes the question to standard error and reads the answer, without blanks around it. Nothing where somebody ended the
    /// input instead.
    ///
    /// # Errors
    /// Whatever the system says; bytes that are no text are an error, too.
    pub fn ask(&self, question: impl Into<Painted>) -> io::Result<Option<String>> {
        io::stderr().write_all(question.into().bytes())?;
        let mut line = String::new();
        let length = io::stdin().lock().take(LONGEST).read_line(&mut line)?;
        if length == 0 {
            let _ = io::stderr().write_all(b"\n");
            return Ok(None);
        }
        Ok(Some(line.trim().to_owned()))
    }

    /// The keyboard. `farewell` is written to standard error when it is given back, whatever the reason.
    ///
    /// # Errors
    /// Whatever the system says; standard input that is no terminal is an error, too.
    pub fn keyboard(&self, farewell: &str) -> io::Result<Keyboard> {
        Keyboard::take(farewell, Arc::clone(&self.farewell))
    }

    /// Does something that hears the signals itself.
    pub fn without<T>(&self, doing: impl FnOnce() -> T) -> T {
        lock(&self.farewell).is_quiet = true;
        let done = doing();
        lock(&self.farewell).is_quiet = false;
        done
    }
}

fn end(farewell: &Mutex<Farewell>, ending: Ending) {
    let mut farewell = lock(farewell);
    if farewell.is_quiet {
        return;
    }
    if let Some(tidy) = farewell.keyboard.take() {
        tidy.up();
    } else if ending == Ending::Interrupt {
        // Behind the ^C that the terminal wrote itself.
        let _ = io::stderr().write_all(b"\n");
    }
    std::process::exit(i32::from(ending.exit_code()));
}

pub(crate) fn lock(farewell: &Mutex<Farewell>) -> std::sync::MutexGuard<'_, Farewell> {
    farewell.lock().unwrap_or_else(PoisonError::into_inner)
}
