//! Running the binary, to its end or beside other things.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Machine, PATIENCE, Terminal};

/// A user without a record and without rights.
pub(crate) const SOMEBODY: u32 = 61_234;

/// Whether the tests run as root.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// A command line, not yet started.
#[derive(Debug)]
pub struct Run<'a> {
    /// Whose files must be there when it is started.
    _machine: &'a Machine,
    command: Command,
    input: Option<String>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(machine: &'a Machine, words: &[&str]) -> Self {
        Self::of(machine, machine.binary(), words)
    }

    /// Found in the machine's `PATH`, not in that of the tests.
    pub(crate) fn of(machine: &'a Machine, program: &Path, words: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.env_clear().envs(machine.environment().iter().cloned()).args(words);
        command.current_dir(machine.home()).stdin(Stdio::null());
        Self { _machine: machine, command, input: None }
    }

    /// With one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without a variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// With that text on standard input.
    #[must_use]
    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self.command.stdin(Stdio::piped());
        self
    }

    /// As somebody whom modes hold: root writes everywhere, so for root this is another user, to whom
    /// [`Machine::give_to_somebody`] has given the machine. Everybody else is somebody already.
    #[must_use]
    pub fn as_somebody(self) -> Self {
        if !is_root() {
            return self;
        }
        let user = [format!("--reuid={SOMEBODY}"), format!("--regid={SOMEBODY}")];
        let mut run = self.behind(&["setpriv", &user[0], &user[1], "--clear-groups", "--"]);
        // The machine's home may be closed to them.
        run.command.current_dir("/");
        run
    }

    /// To be killed when the thread that starts it ends, also when that is killed itself.
    #[must_use]
    pub fn ending_with_the_test(self) -> Self {
        self.behind(&["setpriv", "--pdeathsig", "KILL", "--"])
    }

    /// Behind a program that ends in being the words after its own, such as `unshare -n`: the number of the process stays.
    #[must_use]
    pub fn behind(mut self, words: &[&str]) -> Self {
        let (program, words) = words.split_first().expect("a program");
        let mut command = Command::new(program);
        command.args(words).arg(self.command.get_program()).args(self.command.get_args());
        let variables = self.command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.env_clear().envs(variables);
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        self.command = command;
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Outcome {
        self.start().finish()
    }

    /// Runs it to its end and expects success; hands over its standard output.
    pub fn ok(self) -> String {
        let outcome = self.run();
        assert!(outcome.code == Some(0), "{outcome}");
        outcome.stdout
    }

    /// Starts it in a terminal of its own of so many columns and rows, as its only program.
    pub fn in_terminal(self, size: (u16, u16)) -> Terminal {
        Terminal::start(&self.command, size)
    }

    /// Runs it and hands over what it printed; where there is no such program, says which Debian package has it.
    pub fn found(mut self, name: &str, package: &str) -> String {
        match self.command.output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(error) => panic!(
                "the program `{name}` cannot be run ({error}): this test needs Debian's package `{package}`; \
                 `cargo xtask prepare` installs it"
            ),
        }
    }

    /// Starts it and lets it run beside the test.
    pub fn start(mut self) -> Running {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let shown = format!("{:?}", self.command);
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
        if let (Some(text), Some(mut stdin)) = (self.input, child.stdin.take()) {
            // A program that ends early leaves a broken pipe, which is its own business.
            let _ = stdin.write_all(text.as_bytes());
        }
        let (sender, lines) = channel();
        collect(child.stdout.take(), Stream::Out, sender.clone());
        collect(child.stderr.take(), Stream::Err, sender);
        Running { child, lines, stdout: String::new(), stderr: String::new(), shown }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

fn collect(stream: Option<impl Read + Send + 'static>, which: Stream, lines: Sender<(Stream, String)>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            if lines.send((which, String::from_utf8_lossy(&line).into_owned())).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// A running program. It is killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lines: Receiver<(Stream, String)>,
    stdout: String,
    stderr: String,
    shown: String,
}

impl Running {
    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line, on either stream, that `wanted` accepts, and hands over what it made of it.
    pub fn wait_for<T>(&mut self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((stream, line)) => {
                    self.keep(stream, &line);
                    if let Some(found) = wanted(line.trim_end()) {
                        return found;
                    }
                }
                Err(_) => panic!(
                    "{}: waited in vain for {what}\n--- stdout\n{}\n--- stderr\n{}",
                    self.shown, self.stdout, self.stderr
                ),
            }
        }
    }

    fn keep(&mut self, stream: Stream, line: &str) {
        match stream {
            Stream::Out => self.stdout.push_str(line),
            Stream::Err => self.stderr.push_str(line),
        }
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name} {}", self.pid());
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Outcome {
        let status = self.wait();
        while let Ok((stream, line)) = self.lines.recv_timeout(Duration::from_secs(5)) {
            self.keep(stream, &line);
        }
        Outcome {
            code: status.code(),
            stdout: std::mem::take(&mut self.stdout),
            stderr: std::mem::take(&mut self.stderr),
            shown: std::mem::take(&mut self.shown),
        }
    }

    fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the state of a child") {
                return status;
            }
            assert!(
                Instant::now() < end,
                "{} does not end\n--- stdout\n{}\n--- stderr\n{}",
                self.shown,
                self.stdout,
                self.stderr
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a program ended and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Its data.
    pub stdout: String,
    /// Its words.
    pub stderr: String,
    shown: String,
}

impl Outcome {
    /// Expects an exit code and these words on standard error.
    #[track_caller]
    pub fn fails(&self, code: i32, words: &[&str]) -> &Self {
        assert!(self.code == Some(code), "expected exit code {code}: {self}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing: {self}");
        }
        self
    }

    /// Expects success and these words on standard error.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> &Self {
        self.fails(0, words)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{}\nexit: {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.shown, self.code, self.stdout, self.stderr
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "this test needs Debian's package `awscli`; `cargo xtask prepare` installs it")]
    fn a_program_that_is_missing_is_named_with_its_package() {
        Machine::new("/bin/true").program("no-such-program-here", &["--version"]).found("aws", "awscli");
    }
}
