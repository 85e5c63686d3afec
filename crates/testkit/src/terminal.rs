//! A real terminal (a pseudo-terminal), as a person sits at it: what they type goes through the line discipline, so Ctrl-C,
//! Ctrl-Z, hang-up and job control are the kernel's own.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::PATIENCE;
use crate::processes::{Led, children, kill, let_end};

/// How often the program's end is looked for.
const GLANCE: Duration = Duration::from_millis(10);

/// A terminal with one program, or a shell, in it. Whatever runs in it is killed when it is dropped.
#[derive(Debug)]
pub struct Terminal {
    /// The person's side; none once they hung up.
    person: Option<File>,
    /// The program's side, kept open so that the last program's end does not end the terminal.
    name: PathBuf,
    _line: File,
    child: Child,
    /// Whether the program was brought to another place.
    is_elsewhere: bool,
    shown: String,
    raw: Vec<u8>,
    /// How much of the plain text was waited for already.
    read: usize,
}

impl Terminal {
    /// Starts a program as the leader of a session whose terminal this is, `size` columns and rows large. Its signals are as
    /// a login leaves them, however the tests themselves were started.
    pub fn start(program: &Command, size: (u16, u16)) -> Self {
        Self::start_by(&[], program, size)
    }

    /// The same in another place, into which the words of `entry` lead.
    pub(crate) fn start_by(entry: &[String], program: &Command, (columns, rows): (u16, u16)) -> Self {
        let person =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&person).expect("a terminal of ours");
        unlockpt(&person).expect("a terminal to open");
        let name = ptsname(&person, Vec::new()).expect("its name");
        let name = PathBuf::from(name.to_str().expect("a name in ASCII"));
        let person = File::from(person);
        set_size(&person, columns, rows);
        let line = open_line(&name);
        let stdio = || Stdio::from(OwnedFd::from(line.try_clone().expect("one more descriptor")));

        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).args(entry);
        command.args(["env", "--default-signal", "setsid", "--ctty", "--wait"]);
        command.arg(program.get_program()).args(program.get_args()).env_clear().env("TERM", "xterm-256color");
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let shown = format!("{program:?}");
        let is_elsewhere = !entry.is_empty();
        Self { person: Some(person), name, _line: line, child, is_elsewhere, shown, raw: Vec::new(), read: 0 }
    }

    /// The number of the process that leads the session: the program itself, or the shell.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types a text. A line ends in `\r`, as the Enter key sends it.
    pub fn send(&mut self, text: &str) {
        let shown = &self.shown;
        let person = self.person.as_mut().unwrap_or_else(|| panic!("{shown}: hung up already"));
        person.write_all(text.as_bytes()).unwrap_or_else(|error| panic!("{shown}: typing {text:?}: {error}"));
    }

    /// Types a line.
    pub fn line(&mut self, text: &str) {
        self.send(&format!("{text}\r"));
    }

    /// Pastes a text as a terminal does: in brackets where the program in front asked for them.
    pub fn paste(&mut self, text: &str) {
        let screen = self.screen();
        let asked = screen.rfind("\u{1b}[?2004h") > screen.rfind("\u{1b}[?2004l");
        self.send(&if asked { format!("\u{1b}[200~{text}\u{1b}[201~") } else { text.to_owned() });
    }

    /// Types a letter with the Ctrl key held.
    pub fn ctrl(&mut self, letter: char) {
        let code = u8::try_from(letter.to_ascii_uppercase()).expect("a letter") & 0x1f;
        self.send(char::from(code).to_string().as_str());
    }

    /// Changes the size of the window, of which the program in front is told.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        set_size(self.person.as_ref().expect("not hung up"), columns, rows);
    }

    /// The person closes the window, or their connection breaks.
    pub fn hang_up(&mut self) {
        self.person = None;
    }

    /// Waits until these words come after those that were waited for last, escape sequences left out; hands over everything
    /// in between and the words.
    pub fn wait_for(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let plain = self.plain();
            let unread = plain.get(self.read..).unwrap_or_default();
            if let Some(at) = unread.find(words) {
                let upto = at + words.len();
                self.read += upto;
                return unread[..upto].to_owned();
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.take_in(left) {
                panic!("{}: waited in vain for {words:?} after\n{unread}\n--- all\n{plain}", self.shown);
            }
        }
    }

    /// Everything that the programs wrote so far, with its escape sequences.
    pub fn screen(&mut self) -> String {
        while self.take_in(Duration::ZERO) {}
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// The same without escape sequences, lines ended by `\n`.
    pub fn plain(&mut self) -> String {
        plain(&self.screen())
    }

    /// The settings of the line as `stty -a` shows them: compare them before and after.
    pub fn settings(&self) -> String {
        let output = Command::new("stty").arg("-a").stdin(open_line(&self.name)).output().expect("stty");
        assert!(output.status.success(), "stty: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits for the end of the program or shell: its exit code, or 128 and the number of the signal that ended it.
    pub fn wait(&mut self) -> i32 {
        let end = Instant::now() + PATIENCE;
        loop {
            // What it writes must be read, or it would never end.
            self.take_in(GLANCE);
            if let Some(status) = self.child.try_wait().expect("the state of a child") {
                return code(status);
            }
            if Instant::now() > end {
                let plain = self.plain();
                panic!("{} does not end\n{plain}", self.shown);
            }
            if self.person.is_none() {
                std::thread::sleep(GLANCE);
            }
        }
    }

    /// Reads what is there within that time; whether there was anything.
    fn take_in(&mut self, time: Duration) -> bool {
        let Some(person) = &mut self.person else { return false };
        let mut polled = [PollFd::new(&*person, PollFlags::IN)];
        let time = Timespec::try_from(time).expect("a short time");
        if !poll(&mut polled, Some(&time)).is_ok_and(|ready| ready > 0) {
            return false;
        }
        let mut bytes = [0; 4096];
        let length = person.read(&mut bytes).unwrap_or(0);
        self.raw.extend(&bytes[..length]);
        length > 0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.person = None;
        // Jobs in the background are groups of their own, but of this session. In another place a child leads it.
        let there = if self.is_elsewhere { children(self.pid()) } else { Vec::new() };
        for leader in &there {
            kill(Led::Session, *leader);
        }
        if !there.is_empty() {
            let_end(&mut self.child);
        }
        kill(Led::Session, self.pid());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open_line(name: &PathBuf) -> File {
    let flags = i32::try_from(OFlags::NOCTTY.bits()).expect("a flag");
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(name);
    file.unwrap_or_else(|error| panic!("{}: {error}", name.display()))
}

fn set_size(person: &File, columns: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(person, size).expect("a size");
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).expect("an end")
}

/// A text without control sequences (ECMA-48): CSI, OSC and the short ones. One that has only begun is left out, too.
fn plain(text: &str) -> String {
    let mut rest = text.chars().peekable();
    let mut plain = String::new();
    while let Some(letter) = rest.next() {
        if letter != '\u{1b}' {
            plain.push(letter);
            continue;
        }
        match rest.next() {
            Some('[') => {
                rest.find(|letter| ('@'..='~').contains(letter));
            }
            // Ended by BEL, or by ESC and a backslash.
            Some(']' | 'P' | '^' | '_' | 'X') => {
                while let Some(letter) = rest.next() {
                    if letter == '\u{7}' || letter == '\u{1b}' && rest.next_if_eq(&'\\').is_some() {
                        break;
                    }
                }
            }
            Some(' '..='/') => {
                rest.find(|letter| !(' '..='/').contains(letter));
            }
            Some(_) | None => {}
        }
    }
    // At the beginning of a line, going there does nothing.
    plain.replace("\r\n", "\n").replace("\n\r", "\n")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn sequences_are_no_words() {
        for (raw, words) in [
            ("a\u{1b}[1;31mb\u{1b}[0mc\r\n", "abc\n"),
            ("\u{1b}]0;title\u{7}x\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "xlink"),
            ("\u{1b}7\u{1b}(B\u{1b}=w\u{1b}[?25h", "w"),
            ("whole\u{1b}[3", "whole"),
            ("ä\rö", "ä\rö"),
            ("$ sh\r\n\u{1b}[?2004l\rready\r\n", "$ sh\nready\n"),
        ] {
            assert_eq!(plain(raw), words);
        }
    }
}
