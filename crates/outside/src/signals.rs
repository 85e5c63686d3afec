//! Ctrl-C, hang-up, the request to end, Ctrl-Z and its way back, as values.

use std::io;
use std::thread::JoinHandle;

use nix::unistd::{getppid, getsid};
use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
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
    /// `kill -QUIT`, for which the system's own answer is to leave everything as it lies.
    Quit,
}

impl Ending {
    /// The exit code that shells give a process ended by that signal: 128 and the signal's number.
    pub fn exit_code(self) -> u8 {
        128 + match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Quit => 3,
            Self::Terminate => 15,
        }
    }
}

/// What ends a process.
const ENDINGS: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// A signal that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Somebody wants an end.
    Ending(Ending),
    /// Ctrl-Z. Whoever hears it leaves the terminal tidy and calls [`suspend`].
    Suspend,
    /// The process goes on after it was stopped; others may have written to the terminal meanwhile.
    Resumed,
}

/// Stops this job as Ctrl-Z does, whoever of it is between us and the shell, and comes back when it goes on. Where no shell is
/// there to let it go on (the first process of a container, a command of `ssh -t`), it is not stopped, as the kernel would have
/// it.
pub fn suspend() {
    // What lives outside of this PID namespace is 0 to the system, a number that rustix has no value for: a parent or a
    // leader there would not see that we stopped.
    let (parent, own) = (getppid(), getsid(None));
    let has_shell =
        parent.as_raw() != 0 && own.is_ok_and(|leader| leader.as_raw() != 0) && getsid(Some(parent)) == own;
    if has_shell {
        // A system without job control has no such signal either.
        let _ = kill_current_process_group(Signal::STOP);
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
        Self::over(&ENDINGS, move |signal| {
            if let Heard::Ending(ending) = signal {
                heard(ending);
            }
        })
    }

    /// The same for a command that keeps a prompt on the terminal: Ctrl-Z and the way back are heard, too.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn with_suspension(heard: impl Fn(Heard) + Send + 'static) -> io::Result<Self> {
        Self::over(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT], heard)
    }

    fn over(signals: &[i32], heard: impl Fn(Heard) + Send + 'static) -> io::Result<Self> {
        let mut signals = Signals::new(signals)?;
        let handle = signals.handle();
        let thread = std::thread::spawn(move || {
            for signal in signals.forever() {
                heard(match signal {
                    SIGHUP => Heard::Ending(Ending::HangUp),
                    SIGTERM => Heard::Ending(Ending::Terminate),
                    SIGQUIT => Heard::Ending(Ending::Quit),
                    SIGTSTP => Heard::Suspend,
                    SIGCONT => Heard::Resumed,
                    _ => Heard::Ending(Ending::Interrupt),
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
