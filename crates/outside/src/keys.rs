//! Keys, as they are pressed: standard input in raw mode, and what its bytes mean.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, OutputModes, Termios, tcgetattr, tcsetattr};
use wire::Secret;
use zeroize::Zeroizing;

use crate::dialogue::{self, Farewell};

/// The bytes of one key come together, also over a slow line.
const BETWEEN_BYTES: Duration = Duration::from_millis(50);
/// A paste that nothing follows for so long has lost its end mark, or comes over a line that stalls.
const WITHIN_PASTE: Duration = Duration::from_millis(500);

/// A key, or what else came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A character that is no control character.
    Char(char),
    /// Return.
    Enter,
    /// Backspace.
    Backspace,
    /// Ctrl-U.
    DeleteLine,
    /// Ctrl-W.
    DeleteWord,
    /// The arrow upwards, or Ctrl-P.
    Up,
    /// The arrow downwards, or Ctrl-N.
    Down,
    /// A page upwards.
    PageUp,
    /// A page downwards.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Escape.
    Escape,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    EndOfInput,
    /// Ctrl-Z.
    Suspend,
    /// Ctrl-L.
    Redraw,
    /// What was pasted, where the terminal marks it ([`PASTE_ON`]); control characters and all.
    Pasted(Secret),
}

/// Asks the terminal to mark what is pasted (bracketed paste).
pub const PASTE_ON: &str = "\u{1b}[?2004h";
/// Asks it to do so no more.
pub const PASTE_OFF: &str = "\u{1b}[?2004l";

/// The keyboard of the terminal on standard input, in raw mode until this is dropped. [`crate::dialogue::Dialogue`] hands it
/// out and gives it back when the process is asked to end.
#[derive(Debug)]
pub struct Keyboard {
    loan: Loan,
    bytes: Bytes,
    keys: VecDeque<Key>,
    farewell: Arc<Mutex<Farewell>>,
}

/// What brings the terminal back to what it was.
#[derive(Debug)]
pub(crate) struct Tidy {
    usual: Usual,
    farewell: String,
}

/// The terminal as it was before; nothing until this job has had it, as it is the shell's until then.
type Usual = Arc<OnceLock<Termios>>;

impl Tidy {
    pub(crate) fn up(self) {
        give_back(&self.usual, &self.farewell);
    }
}

/// Lends the terminal to somebody else for a while, from any thread.
#[derive(Debug, Clone)]
pub struct Loan {
    usual: Usual,
    greeting: String,
    farewell: String,
}

impl Loan {
    /// The terminal as it was before.
    pub fn lend(&self) {
        give_back(&self.usual, &self.farewell);
    }

    /// Raw again, unless another job has the terminal now: asking for it then would stop this one.
    pub fn take_back(&self) {
        if !is_in_background() {
            let _ = raw(&self.usual);
            let _ = io::stderr().write_all(self.greeting.as_bytes());
        }
    }
}

/// Whether another job has the terminal on standard input: to read from it, or to change it, would stop this one.
fn is_in_background() -> bool {
    // A group that was made outside of this PID namespace is 0 to both, a number that rustix has no value for.
    nix::unistd::tcgetpgrp(io::stdin()).is_ok_and(|front| front != nix::unistd::getpgrp())
}

impl Keyboard {
    /// Takes the keyboard for somebody who hears the signals that end a process. `greeting` is written to standard error at
    /// once, `farewell` when it is given back. While another job has the terminal nothing is read and nothing changed.
    ///
    /// # Errors
    /// Whatever the system says; standard input that is no terminal is an error, too.
    pub fn open(greeting: &str, farewell: &str) -> io::Result<Self> {
        let mut keyboard = Self::of_terminal(farewell, Arc::default())?;
        keyboard.loan.greeting = greeting.to_owned();
        keyboard.loan.farewell = farewell.to_owned();
        keyboard.loan.take_back();
        Ok(keyboard)
    }

    /// Whether no key comes for so long.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn is_quiet(&self, patience: Duration) -> io::Result<bool> {
        Ok(self.keys.is_empty() && !is_ready(patience)?)
    }

    /// What lends its terminal.
    pub fn loan(&self) -> Loan {
        self.loan.clone()
    }

    pub(crate) fn take(text: &str, farewell: Arc<Mutex<Farewell>>) -> io::Result<Self> {
        let keyboard = Self::of_terminal(text, farewell)?;
        raw(&keyboard.loan.usual)?;
        Ok(keyboard)
    }

    fn of_terminal(text: &str, farewell: Arc<Mutex<Farewell>>) -> io::Result<Self> {
        tcgetattr(io::stdin())?;
        let usual = Usual::default();
        dialogue::lock(&farewell).keyboard =
            Some(Tidy { usual: Arc::clone(&usual), farewell: text.to_owned() });
        let loan = Loan { usual, greeting: String::new(), farewell: String::new() };
        Ok(Self { loan, bytes: Bytes::default(), keys: VecDeque::new(), farewell })
    }

    /// The next key; nothing where none comes in time.
    ///
    /// # Errors
    /// Whatever the system says; the end of standard input is an error, too.
    pub fn next(&mut self, patience: Duration) -> io::Result<Option<Key>> {
        loop {
            if let Some(key) = self.keys.pop_front() {
                return Ok(Some(key));
            }
            if is_in_background() {
                std::thread::sleep(patience);
                return Ok(None);
            }
            if !is_ready(self.bytes.patience().unwrap_or(patience))? {
                self.keys.extend(self.bytes.close());
                return Ok(self.keys.pop_front());
            }
            // Past the buffer of the standard library, as nobody could ask that whether it holds something.
            let mut buffer = Zeroizing::new([0; 1024]);
            let length = rustix::io::retry_on_intr(|| rustix::io::read(io::stdin(), buffer.as_mut_slice()))?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.keys.extend(buffer[..length].iter().filter_map(|byte| self.bytes.push(*byte)));
        }
    }

    /// Stops this process as Ctrl-Z does, the terminal given back to the shell meanwhile.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.loan.lend();
        crate::signals::suspend();
        raw(&self.loan.usual)
    }
}

fn raw(usual: &Usual) -> io::Result<()> {
    let before = tcgetattr(io::stdin())?;
    let mut raw = usual.get_or_init(|| before).clone();
    raw.make_raw();
    // Line ends stay line ends, whoever writes them.
    raw.output_modes |= OutputModes::OPOST;
    tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
    Ok(())
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Some(tidy) = dialogue::lock(&self.farewell).keyboard.take() {
            tidy.up();
        }
    }
}

/// Whether a read failed because there is no terminal any more.
pub fn is_hang_up(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
        || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

fn is_ready(patience: Duration) -> io::Result<bool> {
    let stdin = io::stdin();
    let mut waits = [PollFd::new(&stdin, PollFlags::IN)];
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(&mut waits, Some(&patience)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Leaves the terminal as it was, unless another job has it.
fn give_back(usual: &Usual, farewell: &str) {
    if let Some(usual) = usual.get().filter(|_| !is_in_background()) {
        // Nobody can be told when that fails.
        let _ = io::stderr().write_all(farewell.as_bytes());
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, usual);
    }
}

/// Bytes that may not be a whole key yet.
#[derive(Debug, Default)]
struct Bytes {
    open: Vec<u8>,
    /// What is being pasted.
    paste: Option<Zeroizing<Vec<u8>>>,
    /// Whether the beginning of a paste was taken for keys, as nothing followed for a while.
    is_torn: bool,
}

/// Longer sequences are not those of a key.
const LONGEST: usize = 32;
const PASTE_BEGINS: &[u8] = b"200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";
/// Of what is longer the rest is passed over.
const LONGEST_PASTE: usize = 1 << 17;

impl Bytes {
    /// How long the rest may take of what has begun, if something has.
    fn patience(&self) -> Option<Duration> {
        match (&self.paste, self.open.is_empty()) {
            (Some(_), _) => Some(WITHIN_PASTE),
            // An escape that nothing follows at once was the key itself.
            (None, false) => Some(BETWEEN_BYTES),
            (None, true) => None,
        }
    }

    /// Nothing more comes. A paste without its end mark is the keys that it is made of, so that Ctrl-C is Ctrl-C in it and after
    /// it; what was only late goes on as more keys, and the mark at its end ends the line.
    fn close(&mut self) -> Vec<Key> {
        let Some(paste) = self.paste.take() else {
            let open = std::mem::take(&mut self.open);
            return if open == b"\x1b" { vec![Key::Escape] } else { Vec::new() };
        };
        self.is_torn = true;
        paste.iter().filter_map(|byte| self.push(*byte)).collect()
    }

    fn push(&mut self, byte: u8) -> Option<Key> {
        if let Some(mut paste) = self.paste.take() {
            paste.push(byte);
            if paste.ends_with(PASTE_ENDS) {
                let text = &paste[..paste.len() - PASTE_ENDS.len()];
                return Some(Key::Pasted(Secret::new(String::from_utf8_lossy(text))));
            }
            if paste.len() > LONGEST_PASTE {
                // The end must still be found.
                let middle = LONGEST_PASTE - PASTE_ENDS.len()..paste.len() - PASTE_ENDS.len();
                paste.drain(middle);
            }
            self.paste = Some(paste);
            return None;
        }
        self.open.push(byte);
        let key = match self.open.as_slice() {
            [0x1b] | [0x1b, b'[' | b'O'] => return None,
            [0x1b, b'[', rest @ ..] => match rest.last() {
                // ECMA-48 section 5.4: a sequence ends with a byte from @ to ~.
                Some(_) if rest == PASTE_BEGINS => {
                    self.paste = Some(Zeroizing::default());
                    self.is_torn = false;
                    None
                }
                Some(_) if rest == &PASTE_ENDS[2..] && std::mem::take(&mut self.is_torn) => Some(Key::Enter),
                Some(b'@'..=b'~') => sequence(rest),
                _ if rest.len() > LONGEST => None,
                _ => return None,
            },
            [0x1b, b'O', last] => arrow(*last),
            [0x1b, ..] => None,
            [control @ (0..=0x1f | 0x7f)] => plain(*control),
            text => match std::str::from_utf8(text) {
                Ok(text) => text.chars().next().filter(|c| !c.is_control()).map(Key::Char),
                // The rest of the character is still to come.
                Err(error) if error.error_len().is_none() => return None,
                Err(_) => None,
            },
        };
        self.open.clear();
        key
    }
}

fn plain(byte: u8) -> Option<Key> {
    Some(match byte {
        b'\r' | b'\n' => Key::Enter,
        0x7f | 0x08 => Key::Backspace,
        0x01 => Key::Home,
        0x03 => Key::Interrupt,
        0x04 => Key::EndOfInput,
        0x05 => Key::End,
        0x0c => Key::Redraw,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x15 => Key::DeleteLine,
        0x17 => Key::DeleteWord,
        0x1a => Key::Suspend,
        _ => return None,
    })
}

fn sequence(rest: &[u8]) -> Option<Key> {
    match rest {
        [last] => arrow(*last),
        b"1~" | b"7~" => Some(Key::Home),
        b"4~" | b"8~" => Some(Key::End),
        b"5~" => Some(Key::PageUp),
        b"6~" => Some(Key::PageDown),
        _ => None,
    }
}

fn arrow(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'F' => Key::End,
        b'H' => Key::Home,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut read = Bytes::default();
        let mut keys: Vec<_> = bytes.iter().filter_map(|byte| read.push(*byte)).collect();
        keys.extend(read.close());
        keys
    }

    #[test]
    fn bytes_are_keys() {
        let table: [(&[u8], &[Key]); 14] = [
            (b"a\r", &[Key::Char('a'), Key::Enter]),
            ("ü漢".as_bytes(), &[Key::Char('ü'), Key::Char('漢')]),
            (b"\x1b", &[Key::Escape]),
            (b"\x1b[A\x1bOB\x10\x0e", &[Key::Up, Key::Down, Key::Up, Key::Down]),
            (b"\x1b[5~\x1b[6~", &[Key::PageUp, Key::PageDown]),
            (b"\x1b[H\x1b[4~\x1bOF", &[Key::Home, Key::End, Key::End]),
            (b"\x1b[1;5Ax", &[Key::Char('x')]),
            (b"\x1b[200~a\r\x1b[A\x1b[201~b", &[Key::Pasted("a\r\u{1b}[A".into()), Key::Char('b')]),
            (b"\x7f\x08\x15\x17", &[Key::Backspace, Key::Backspace, Key::DeleteLine, Key::DeleteWord]),
            (b"\x03\x04\x1a\x0c", &[Key::Interrupt, Key::EndOfInput, Key::Suspend, Key::Redraw]),
            (b"\xffa", &[Key::Char('a')]),
            (b"\xc3\xc3a", &[Key::Char('a')]),
            (b"\x00\x02a", &[Key::Char('a')]),
            ("\u{85}a".as_bytes(), &[Key::Char('a')]),
        ];
        for (bytes, expected) in table {
            assert_eq!(keys(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_paste_without_measure_is_cut_and_ends_all_the_same() {
        let mut bytes = b"\x1b[200~".to_vec();
        bytes.extend(vec![b'a'; 3 * LONGEST_PASTE]);
        bytes.extend(b"\x1b[201~b");
        let keys = keys(&bytes);
        let [Key::Pasted(text), Key::Char('b')] = keys.as_slice() else { panic!("{}", keys.len()) };
        assert!(text.expose().len() <= LONGEST_PASTE);
    }

    #[test]
    fn a_paste_that_never_ends_is_keys_after_a_while() {
        let mut read = Bytes::default();
        let mut push =
            |bytes: &[u8]| -> Vec<Key> { bytes.iter().filter_map(|byte| read.push(*byte)).collect() };
        assert_eq!(push(b"\x1b[200~a\x03"), []);
        assert_eq!(read.patience(), Some(WITHIN_PASTE));
        assert_eq!(read.close(), [Key::Char('a'), Key::Interrupt]);
        assert_eq!(read.patience(), None);
        let mut push =
            |bytes: &[u8]| -> Vec<Key> { bytes.iter().filter_map(|byte| read.push(*byte)).collect() };
        assert_eq!(push(b"\x03b\x1b[201~\x1b[201~"), [Key::Interrupt, Key::Char('b'), Key::Enter]);
        assert_eq!(push(b"\x1b[200~a\x03\x1b[201~"), [Key::Pasted("a\u{3}".into())], "a whole one stays one");
    }

    #[test]
    fn a_sequence_that_never_ends_is_given_up() {
        let mut bytes = b"\x1b[".to_vec();
        bytes.extend([b'1'; LONGEST + 1]);
        bytes.push(b'x');
        assert_eq!(keys(&bytes), [Key::Char('x')]);
    }
}
