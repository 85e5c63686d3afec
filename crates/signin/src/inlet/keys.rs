//! The keys of a prompt that stays while a sign-in is under way: a letter that begins another way, and the address that
//! somebody pastes. What is pasted is a secret: it is shown nowhere, only that it came and how long it is.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use outside::keys::{self, Key, Keyboard, Loan};
use outside::signals::{Ending, Heard};
use zeroize::Zeroizing;

use crate::choose::Way;
use crate::drive::News;
use crate::flow::Event;
use crate::inlet::paste;
use crate::progress::Progress;

/// How soon the keys are given back when the sign-in ends.
const LOOK: Duration = Duration::from_millis(50);
/// More than any address that a browser ends on.
pub(crate) const LONGEST: usize = 1 << 17;

/// What a pasted text means to the flow, or what is wrong with it.
pub(crate) type Reader = Box<dyn Fn(&str, Given) -> Result<Event, Trouble> + Send>;

/// How a text was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// It was pasted, and no key was pressed since.
    Pasted,
    /// Its end was given, too: by Enter, or as the end of a line.
    Whole,
}

/// Why a text is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Nothing of the text is in it.
    pub(crate) why: String,
    /// Whether it may be the beginning of one.
    pub(crate) may_go_on: bool,
    /// Whether it is one if somebody means it so and presses Enter.
    pub(crate) needs_enter: bool,
}

/// What a letter by itself does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Begins a way.
    Begins(Way),
    /// Is the watcher's business.
    Told,
    /// Answers the question whether to keep the token.
    Answers(bool),
}

/// Somebody who listens to the keys. The terminal is as it was when this is dropped.
#[derive(Debug)]
pub(crate) struct Keys {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    loan: Loan,
}

impl Keys {
    /// Listens. Each letter of `letters` has its meaning; anything else is the beginning of an answer, which `reader` reads,
    /// where answers are taken. `marks` says whether the terminal can be asked to mark what is pasted.
    ///
    /// # Errors
    /// Where there is no terminal to listen to.
    pub(crate) fn listen(
        letters: Vec<(char, Meaning)>,
        reader: Option<Reader>,
        marks: bool,
        news: Sender<News>,
    ) -> io::Result<Self> {
        let [greeting, farewell] = if marks { [keys::PASTE_ON, keys::PASTE_OFF] } else { [""; 2] };
        let mut keyboard = Keyboard::open(greeting, farewell)?;
        let loan = keyboard.loan();
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut line = Line::new(letters, reader);
            while !is_over.load(Ordering::SeqCst) {
                let key = match keyboard.next(LOOK) {
                    Ok(Some(key)) => key,
                    Ok(None) => {
                        line.quiet().into_iter().for_each(|said| drop(news.send(said)));
                        continue;
                    }
                    Err(_) => {
                        let _ = news.send(News::Signal(Heard::Ending(Ending::HangUp)));
                        return;
                    }
                };
                // One that others follow at once is the beginning of something pasted where pastes are not marked.
                let may_be_alone = matches!(key, Key::Char(_)) && line.is_by_hand;
                let is_alone = may_be_alone && keyboard.is_quiet(LOOK).unwrap_or(true);
                for said in line.on(key, is_alone) {
                    let _ = news.send(said);
                }
            }
        });
        Ok(Self { stop, thread: Some(thread), loan })
    }

    /// What lends the terminal to the shell while the process is stopped.
    pub(crate) fn loan(&self) -> Loan {
        self.loan.clone()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What has been typed since the last answer.
struct Line {
    letters: Vec<(char, Meaning)>,
    reader: Option<Reader>,
    text: Zeroizing<String>,
    /// Whether each character of the text came alone, as fingers type them.
    is_by_hand: bool,
    /// Whether a line has ended. It is read when nothing more comes: a paste that is not marked has many ends.
    is_ended: bool,
    /// Whether more was waited for already.
    may_go_on: bool,
}

impl Line {
    fn new(letters: Vec<(char, Meaning)>, reader: Option<Reader>) -> Self {
        let text = Zeroizing::default();
        Self { letters, reader, text, is_by_hand: true, is_ended: false, may_go_on: false }
    }

    /// Nothing has been typed.
    fn clear(&mut self) {
        self.text = Zeroizing::default();
        self.is_by_hand = true;
    }

    fn meaning_of(&self, letter: char) -> Option<Meaning> {
        self.letters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(&letter))
            .map(|(_, meaning)| *meaning)
    }

    /// Nothing comes at the moment.
    fn quiet(&mut self) -> Vec<News> {
        if std::mem::take(&mut self.is_ended) { self.read(self.may_go_on, Given::Whole) } else { Vec::new() }
    }

    fn on(&mut self, key: Key, is_alone: bool) -> Vec<News> {
        match key {
            Key::Interrupt => vec![News::Signal(Heard::Ending(Ending::Interrupt))],
            Key::Suspend => vec![News::Signal(Heard::Suspend)],
            Key::Char(letter) if is_alone => self.on_letter(letter),
            Key::Char(c) => self.pasted(&c.to_string()),
            Key::Pasted(text) => {
                let mut news = self.pasted(text.expose());
                news.extend(self.read(true, Given::Pasted));
                news
            }
            Key::Enter => {
                self.is_ended = true;
                self.typed("\n")
            }
            Key::Backspace => {
                self.text.pop();
                self.is_by_hand |= self.text.is_empty();
                self.told()
            }
            Key::DeleteLine | Key::DeleteWord | Key::Escape => {
                self.clear();
                self.told()
            }
            _ => Vec::new(),
        }
    }

    /// A character that came alone. Where it does not go on an address that somebody types by hand, a letter has its meaning and
    /// all else is a slip of the finger; what was typed before it was no beginning then.
    fn on_letter(&mut self, letter: char) -> Vec<News> {
        let is_begun = !self.text.is_empty();
        let meaning = self.meaning_of(letter);
        let grown = Zeroizing::new(format!("{}{letter}", *self.text));
        if (is_begun || meaning.is_none()) && paste::may_be_typed(&grown) {
            return self.typed(&letter.to_string());
        }
        self.clear();
        let mut news = if is_begun { self.told() } else { Vec::new() };
        news.extend(meaning.map(|meaning| match meaning {
            Meaning::Begins(way) => News::Event(Event::Wanted(way)),
            Meaning::Told => News::Progress(Progress::Pressed { letter }),
            Meaning::Answers(answer) => News::Event(Event::Confirmed(answer)),
        }));
        news
    }

    /// More than fingers type at once, where answers are taken.
    fn pasted(&mut self, text: &str) -> Vec<News> {
        self.is_by_hand &= self.reader.is_none();
        self.typed(text)
    }

    fn typed(&mut self, text: &str) -> Vec<News> {
        if self.reader.is_none() {
            return Vec::new();
        }
        self.may_go_on &= text == "\n";
        if self.text.len() + text.len() <= LONGEST {
            // Grown at once, so that no copy of a part stays behind.
            if self.text.capacity() < LONGEST {
                let mut grown = Zeroizing::new(String::with_capacity(LONGEST));
                grown.push_str(&self.text);
                self.text = grown;
            }
            self.text.push_str(text);
        }
        self.told()
    }

    fn told(&self) -> Vec<News> {
        let characters = self.text.trim().chars().count();
        vec![News::Progress(Progress::Typed { characters, may_go_on: self.may_go_on })]
    }

    /// Reads what there is; what may be a beginning is kept, unless that is all there will be.
    fn read(&mut self, is_all: bool, given: Given) -> Vec<News> {
        let Some(reader) = &self.reader else { return Vec::new() };
        if self.text.trim().is_empty() {
            self.clear();
            return self.told();
        }
        let said = match reader(&self.text, given) {
            Err(trouble) if trouble.needs_enter => {
                return vec![News::Progress(Progress::NeedsEnter { why: trouble.why })];
            }
            Err(trouble) if trouble.may_go_on && !is_all => {
                self.may_go_on = true;
                return self.told();
            }
            Err(trouble) => News::Progress(Progress::NotTaken { why: trouble.why }),
            Ok(event) => News::Event(event),
        };
        self.clear();
        self.may_go_on = false;
        vec![News::Progress(Progress::Typed { characters: 0, may_go_on: false }), said]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Secret;

    fn line() -> Line {
        let reader: Reader = Box::new(|text, given| match text.replace('\n', "").as_str() {
            "good" => Ok(Event::Arrived(Ok("code".into()))),
            "bare" if given == Given::Whole => Ok(Event::Guessed("bare".into())),
            text => Err(Trouble { why: "no".into(), may_go_on: text == "go", needs_enter: text == "bare" }),
        });
        let letters = vec![('c', Meaning::Begins(Way::Code)), ('y', Meaning::Told)];
        Line::new(letters, Some(reader))
    }

    fn words(news: &[News]) -> String {
        let word = |news: &News| match news {
            News::Event(Event::Arrived(Ok(code))) => format!("code:{}", code.expose()),
            News::Event(Event::Guessed(code)) => format!("guessed:{}", code.expose()),
            News::Event(Event::Wanted(way)) => format!("wanted:{}", way.name()),
            News::Progress(Progress::Typed { characters, may_go_on: false }) => characters.to_string(),
            News::Progress(Progress::Typed { characters, may_go_on: true }) => format!("{characters}+"),
            News::Progress(Progress::Pressed { letter }) => format!("pressed:{letter}"),
            News::Progress(Progress::NotTaken { why }) => format!("not taken: {why}"),
            News::Progress(Progress::NeedsEnter { .. }) => "needs enter".to_owned(),
            News::Signal(Heard::Ending(_)) => "end".to_owned(),
            News::Signal(Heard::Suspend) => "stop".to_owned(),
            other => format!("{other:?}"),
        };
        news.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    fn press(line: &mut Line, key: Key) -> String {
        words(&line.on(key, false))
    }

    #[test]
    fn a_letter_by_itself_begins_its_way_and_in_a_text_it_is_a_letter() {
        let mut line = line();
        assert!(line.is_by_hand);
        assert_eq!(words(&line.on(Key::Char('C'), true)), "wanted:code");
        assert_eq!(words(&line.on(Key::Char('y'), true)), "pressed:y");
        assert_eq!(press(&mut line, Key::Char('c')), "1");
        assert!(!line.is_by_hand);
        assert_eq!(press(&mut line, Key::DeleteLine), "0");
        assert!(line.is_by_hand);
    }

    #[test]
    fn a_wrong_key_is_forgotten_and_an_address_can_be_typed_by_hand() {
        for (typed, expected) in [
            (" c", "wanted:code"),
            ("xc", "wanted:code"),
            ("xhc", "1 0 wanted:code"),
            ("hx", "1 0"),
            ("hello?y", "1 0 1 0 pressed:y"),
            ("HTTPc", "1 2 3 4 5"),
            ("127.0.0.1/c", "1 2 3 4 5 6 7 8 9 10 11"),
            ("y/c", "pressed:y 1 0 wanted:code"),
        ] {
            let mut line = line();
            let press = |c: char| words(&line.on(Key::Char(c), true));
            let told: Vec<String> = typed.chars().map(press).filter(|told| !told.is_empty()).collect();
            assert_eq!(told.join(" "), expected, "{typed:?}");
        }
    }

    #[test]
    fn what_is_pasted_is_read_at_once() {
        let mut line = line();
        assert_eq!(press(&mut line, Key::Pasted("good".into())), "4 0 code:code");
        assert_eq!(
            press(&mut line, Key::Pasted("go".into())),
            "2 0 not taken: no",
            "a mark says where it ends"
        );
    }

    #[test]
    fn a_bare_code_that_is_pasted_waits_for_enter_and_an_address_does_not() {
        let mut line = line();
        assert_eq!(press(&mut line, Key::Pasted("bare".into())), "4 needs enter");
        assert_eq!(press(&mut line, Key::Enter), "4");
        assert_eq!(words(&line.quiet()), "0 guessed:bare");
        press(&mut line, Key::Pasted("bare".into()));
        assert_eq!(press(&mut line, Key::DeleteLine), "0", "or is taken back");
        assert_eq!(press(&mut line, Key::Pasted("good".into())), "4 0 code:code");
    }

    #[test]
    fn what_is_not_marked_is_read_when_nothing_more_comes_after_the_end_of_a_line() {
        let mut line = line();
        let mut type_in = |text: &str| {
            for c in text.chars() {
                press(&mut line, if c == '\n' { Key::Enter } else { Key::Char(c) });
            }
            words(&line.quiet())
        };
        assert_eq!(type_in("good"), "");
        assert_eq!(type_in("\n"), "0 code:code");
        assert_eq!(type_in("go\nod\n"), "0 code:code", "wrapped over lines");
        assert_eq!(type_in("go\n"), "2+", "the rest may come late");
        assert_eq!(type_in("od\n"), "0 code:code");
        assert_eq!(type_in("go\n"), "2+");
        assert_eq!(type_in("\n"), "0 not taken: no", "nothing more came");
        assert_eq!(type_in("bad\n"), "0 not taken: no");
        assert_eq!(type_in("\n"), "0");
    }

    #[test]
    fn ctrl_c_and_ctrl_z_are_signals_and_nothing_is_kept_beyond_measure() {
        let mut line = line();
        assert_eq!(
            (press(&mut line, Key::Interrupt), press(&mut line, Key::Suspend)),
            ("end".into(), "stop".into())
        );
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(press(&mut line, Key::Pasted(Secret::new(long))), "0 0");
        line.clear();
        line.reader = None;
        assert_eq!(press(&mut line, Key::Char('x')), "");
        assert!(line.is_by_hand, "nothing is taken, so nothing keeps a letter from its work");
    }
}
