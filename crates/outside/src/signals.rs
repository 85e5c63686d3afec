//! Ctrl-C, hang-up and the request to end, as values.

use std::io;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

/// Somebody wants this process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Ctrl-C.
    Interrupt,
    /// The terminal is gone.
    HangUp,
    /// A polite request (`kill`).
    Terminate,
}

impl Ending {
    /// The exit code that shells give a process ended by that signal: 128 and the signal's number.
    pub fn exit_code(self) -> u8 {
        128 + match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// Watches the signals that end a process, until dropped. After that they have their usual effect no more than that
/// they are ignored, so keep the watch until the process is about to end.
#[derive(Debug)]
pub struct Watch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Hands each signal to `heard`, on a thread of its own that ends with the watch.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn start(heard: impl Fn(Ending) + Send + 'static) -> io::Result<Self> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let handle = signals.handle();
        let thread = std::thread::spawn(move || {
            for signal in signals.forever() {
                heard(match signal {
                    SIGHUP => Ending::HangUp,
                    SIGTERM => Ending::Terminate,
                    _ => Ending::Interrupt,
                });
            }
        });
        Ok(Self { handle, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
