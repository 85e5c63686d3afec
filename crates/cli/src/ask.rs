//! Asking a person. Without a terminal nothing is asked: what is missing is an error that names the option.

mod menu;

use std::io;
use std::time::Duration;

use outside::Outside;
use outside::dialogue::Dialogue;
use outside::keys::Key;
use outside::painted::{Color, Painted};
use outside::signals::Ending;
use wire::words::shown_address;

use crate::report::words::{Style, note, wrapped};
use crate::report::{Failure, Kind};
use menu::{Menu, Outcome, fitted};

/// How long a terminal may have another size before the menu is drawn anew.
const LOOK: Duration = Duration::from_millis(100);
/// A plain question lists no more entries than fit on a screen.
const MOST_LISTED: usize = 20;

/// Somebody who can be asked, or not.
#[derive(Debug)]
pub(crate) struct Asker<'a> {
    outside: &'a Outside,
    style: Style,
    /// The command that asks.
    command: &'static str,
    dialogue: Dialogue,
}

/// A question that is answered by a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// What is asked for, without a colon.
    pub(crate) text: &'a str,
    /// The answer when nothing is typed; shown in brackets.
    pub(crate) current: Option<&'a str>,
    /// The option that answers it.
    pub(crate) option: &'static str,
}

/// A choice from a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice<'a> {
    /// One of them.
    pub(crate) singular: &'static str,
    /// The entries, each on one line.
    pub(crate) entries: &'a [String],
    /// The same for a terminal in which an entry does not fit.
    pub(crate) narrow: &'a [String],
    /// The option that answers it.
    pub(crate) option: &'static str,
    /// The number of the entry on which a menu begins.
    pub(crate) start: usize,
}

/// An answer that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadAnswer {
    /// The fault.
    pub(crate) why: String,
    /// An answer that would be taken, which Enter then gives.
    pub(crate) proposal: Option<String>,
}

impl From<String> for BadAnswer {
    fn from(why: String) -> Self {
        Self { why, proposal: None }
    }
}

impl<'a> Asker<'a> {
    /// Begins. From here on Ctrl-C ends the process wherever it is.
    pub(crate) fn begin(outside: &'a Outside, style: Style, command: &'static str) -> Result<Self, Failure> {
        let dialogue = Dialogue::begin().map_err(|error| Failure::new(Kind::Other, NoSignals(error)))?;
        Ok(Self { outside, style, command, dialogue })
    }

    /// The command that asks.
    pub(crate) fn command(&self) -> &'static str {
        self.command
    }

    /// Whether there is somebody.
    pub(crate) fn can_ask(&self) -> bool {
        self.outside.terminal.input && self.outside.terminal.error
    }

    /// Something that hears Ctrl-C itself.
    pub(crate) fn without<T>(&self, doing: impl FnOnce() -> T) -> T {
        self.dialogue.without(doing)
    }

    /// Asks until `accept` takes the answer. Its reason against one is shown, and its proposal is what Enter gives then.
    pub(crate) fn line<T>(
        &self,
        question: Question<'_>,
        accept: impl Fn(&str) -> Result<T, BadAnswer>,
    ) -> Result<T, Failure> {
        let Question { text, current, option } = question;
        if !self.can_ask() {
            return Err(self.nobody(text, option));
        }
        let shown = |current: &str| match current.contains("://") {
            true => shown_address(current),
            false => current.to_owned(),
        };
        let mut current = current.map(str::to_owned);
        loop {
            let current_shown =
                current.as_deref().map(|current| format!(" [{}]", shown(current))).unwrap_or_default();
            let typed = self.dialogue.ask(format!("{text}{current_shown}: ")).map_err(cannot_read)?;
            let typed = typed.ok_or_else(left)?;
            let answer = if typed.is_empty() {
                current.as_deref().filter(|text| *text != NONE).unwrap_or_default()
            } else {
                &typed
            };
            match accept(answer) {
                Ok(taken) => return Ok(taken),
                Err(BadAnswer { why, proposal }) => {
                    self.refuse(&why);
                    current = proposal.or(current);
                }
            }
        }
    }

    /// Says why an answer is not taken.
    pub(crate) fn refuse(&self, why: &str) {
        let why = wrapped(why, self.outside.terminal.columns().saturating_sub(1), 0);
        self.outside.terminal.words(self.style.paint(Color::Red, &why).then("\n"));
    }

    /// Lets somebody choose; hands over the number of the entry.
    pub(crate) fn choose(&self, choice: Choice<'_>) -> Result<usize, Failure> {
        if !self.can_ask() {
            return Err(self.nobody(&format!("the {}", choice.singular), choice.option));
        }
        if self.is_lively() { self.by_menu(choice) } else { self.by_number(choice) }
    }

    fn is_lively(&self) -> bool {
        self.outside.terminal.lively && self.outside.env.get("TERM").is_some()
    }

    fn nobody(&self, what: &str, option: &str) -> Failure {
        Failure::new(Kind::Words, format!("{what}: nobody can be asked without a terminal"))
            .hint(format!("add the answer to the same command, {}: {option} VALUE", self.command))
    }

    fn by_menu(&self, choice: Choice<'_>) -> Result<usize, Failure> {
        let is_ascii = !self.outside.env.is_utf8();
        let mut menu = Menu::new(choice.entries, choice.narrow, choice.start);
        let terminal = &self.outside.terminal;
        // Bracketed paste would put its marks into the filter; lines that are too long must not wrap while it is drawn.
        let mut keyboard = self.dialogue.keyboard("\r\u{1b}[J").map_err(cannot_read)?;
        let mut drawn: Option<(usize, usize)> = None;
        loop {
            let size = (terminal.columns(), terminal.rows());
            let key = if drawn.is_some() { keyboard.next(LOOK).map_err(cannot_read)? } else { None };
            let has_key = key.is_some();
            match key {
                Some(Key::Suspend) => {
                    terminal.words(Painted::control("\r\u{1b}[J"));
                    keyboard.suspend().map_err(cannot_read)?;
                    drawn = None;
                }
                Some(Key::Redraw) => terminal.words(Painted::control("\u{1b}[H\u{1b}[2J")),
                Some(key) => match menu.on(key) {
                    Outcome::GoesOn => {}
                    Outcome::Chosen(number) => return Ok(number),
                    Outcome::Left => return Err(left()),
                },
                None => {}
            }
            if has_key || drawn != Some(size) {
                let lines = menu.lines(size.0, size.1, is_ascii);
                // Drawn downwards, and back up to where the next drawing begins.
                let up = Painted::control(format!("\r\u{1b}[{}A", lines.len() - 1));
                terminal.words(Painted::control("\r\u{1b}[J").then(lines.join("\n")).then(up));
                drawn = Some(size);
            }
        }
    }

    /// For terminals that cannot move their cursor.
    fn by_number(&self, choice: Choice<'_>) -> Result<usize, Failure> {
        let Choice { singular, entries, narrow, .. } = choice;
        let is_ascii = !self.outside.env.is_utf8();
        let searched: Vec<String> = entries.iter().map(|entry| entry.to_lowercase()).collect();
        let mut listed: Vec<usize> = (0..entries.len()).collect();
        loop {
            if listed.len() <= MOST_LISTED {
                for (place, number) in listed.iter().enumerate() {
                    let columns = self.outside.terminal.columns().saturating_sub(6);
                    let entry = fitted(menu::fitting(entries, narrow, *number, columns), columns, is_ascii);
                    note(self.outside, self.style, format!("{:>3}  {entry}", place + 1));
                }
            }
            let text = match listed.len() {
                count @ ..=MOST_LISTED => {
                    format!("Number of the {singular} (1-{count}), or part of its name: ")
                }
                count => format!("Part of the name of the {singular} ({count} match): "),
            };
            let typed = self.dialogue.ask(&text).map_err(cannot_read)?.ok_or_else(left)?;
            let by_number = typed.parse::<usize>().ok().filter(|_| listed.len() <= MOST_LISTED);
            if let Some(number) = by_number.and_then(|number| listed.get(number.checked_sub(1)?)) {
                return Ok(*number);
            }
            let found = menu::matching(&searched, &typed);
            match found.as_slice() {
                [number] => return Ok(*number),
                [] => note(self.outside, self.style, "Nothing matches"),
                _ => listed = found,
            }
        }
    }
}

/// What is shown where there is no current value, as the AWS CLI does.
pub(crate) const NONE: &str = "None";

/// Somebody ended it.
fn left() -> Failure {
    Failure::new(Kind::Cancelled(Ending::Interrupt), "Cancelled: nothing was written to the config file")
}

fn cannot_read(error: io::Error) -> Failure {
    // The signal of a hang-up comes at about the same time.
    if outside::keys::is_hang_up(&error) {
        return Failure::new(Kind::Cancelled(Ending::HangUp), "Cancelled: the terminal is gone");
    }
    Failure::new(Kind::Other, CannotRead(error))
}

#[derive(Debug, thiserror::Error)]
#[error("the answer cannot be read from the terminal")]
struct CannotRead(#[source] io::Error);

#[derive(Debug, thiserror::Error)]
#[error("signals cannot be watched")]
struct NoSignals(#[source] io::Error);
