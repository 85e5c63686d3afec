//! A sign-in while it goes on, and its end.

use std::cell::OnceCell;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use outside::Outside;
use signin::came::Came;
use signin::choose::Way;
use signin::progress::{Link, Offer, Progress, Watcher};
use signin::sign_in::{SignInError, SignedIn, is_localhost};
use signin::surroundings::Ssh;

use wire::words::printable_lines;

use super::came;
use super::events;
use super::forward::{self, Ready};
use super::news::warning;
use super::offer::{Piece, first_words, invitation, port_of, ready_lines, way_to_a_browser, way_to_paste};
use super::osc::{Between, is_web_address};
use super::qr;
use super::when;
use super::words::{Color, Style, note, print, warn, wrapped};
use super::{Exit, Failure, Kind, hints};
use crate::request::login::{COPY_KEY, How, QR_KEY};
use crate::request::session::Meant;

const BEAT: Duration = Duration::from_millis(120);
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// For terminals that show nothing but ASCII.
const PLAIN_FRAMES: [char; 4] = ['|', '/', '-', '\\'];
/// Back to the first column, and all of the line away.
const CLEAR_LINE: &str = "\r\u{1b}[2K";

/// Where links and codes are shown; all other words are shown on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Standard error, as all words.
    Words,
    /// Standard output: programs that wrap `aws sso login` read them there.
    Data,
}

/// Shows a sign-in.
#[derive(Debug)]
pub(crate) struct LoginReport<'a> {
    outside: &'a Outside,
    style: Style,
    stage: Stage,
    target: String,
    /// The command that signs in with a code.
    with_code: String,
    /// The command that ends the sign-in.
    sign_out: String,
    /// The ways that are offered, best first.
    ways: Vec<Way>,
    /// Whether answers are taken as lines of standard input.
    takes_lines: bool,
    /// Whether keys are listened to.
    has_keys: bool,
    /// How somebody came here over SSH, if so.
    ssh: Option<Ssh>,
    /// Whether the browser is thought to be on this computer.
    is_browser_here: bool,
    /// Whether this is a container.
    is_container: bool,
    /// Where a browser is waited for instead of 127.0.0.1.
    callback_listen: Option<IpAddr>,
    /// Why the first way is first; said once.
    reason: Option<String>,
    /// Whether a browser is started, so that nobody need see the link.
    starts_browser: bool,
    /// Why what the person must see could not be written.
    lost: OnceCell<io::Error>,
    /// What has been typed or pasted and not been read yet, in characters.
    typed: usize,
    /// What the person was told to do, for when they come back to the terminal.
    offer: Option<Offer>,
    /// Whether a line is there that has to be taken away before the next words.
    spinning: bool,
    frame: usize,
}

impl<'a> LoginReport<'a> {
    /// Shows the sign-in to what is meant.
    pub(crate) fn new(outside: &'a Outside, style: Style, stage: Stage, meant: &Meant) -> Self {
        let target = meant.target.name().to_owned();
        let with_code = format!("{} --use-device-code", meant.login);
        Self {
            outside,
            style,
            stage,
            target,
            with_code,
            sign_out: meant.logout.clone(),
            takes_lines: false,
            ways: vec![Way::Open],
            has_keys: false,
            ssh: None,
            is_browser_here: true,
            is_container: false,
            callback_listen: None,
            reason: None,
            starts_browser: false,
            lost: OnceCell::new(),
            typed: 0,
            offer: None,
            spinning: false,
            frame: 0,
        }
    }

    /// The same, with what was chosen here and why.
    pub(crate) fn with_plan(mut self, how: &How) -> Self {
        self.ways = how.plan.ways();
        self.has_keys = how.wish.reads_keys;
        self.takes_lines = how.wish.reads_lines;
        self.ssh = how.ssh.clone();
        self.is_browser_here = how.plan.is_browser_here;
        self.is_container = how.is_container;
        self.callback_listen = how.wish.callback_listen;
        self.starts_browser = how.plan.starts_browser;
        self.reason = Some(how.plan.reason.clone());
        self
    }

    /// The same, where another command is the one that signs in with a code.
    pub(crate) fn with_code_by(mut self, command: &str) -> Self {
        self.with_code = command.to_owned();
        self
    }

    fn is_lively(&self) -> bool {
        self.outside.terminal.lively && !self.style.json
    }

    fn stop_spinning(&mut self) {
        if self.spinning {
            self.outside.terminal.words(CLEAR_LINE);
            self.spinning = false;
        }
    }

    fn spin(&mut self, left: Duration) {
        let frames: &[char] = if self.outside.env.is_utf8() { &FRAMES } else { &PLAIN_FRAMES };
        let frame = frames[self.frame % frames.len()];
        self.frame += 1;
        let (left, keys, waiting) = (when::minutes(left), self.keys(), self.waiting());
        let room = self.outside.terminal.columns().saturating_sub(1);
        // What nothing else says is not left out: the keys, or what came of them.
        let short = if self.typed == 0 { format!("{left}{keys}") } else { waiting.clone() };
        let lines = [format!("{frame} {waiting}, {left} left{keys}"), format!("{frame} {short}")];
        let line = lines.iter().find(|line| line.chars().count() <= room).unwrap_or(&lines[1]);
        let shown: String = line.chars().take(room).collect();
        self.outside.terminal.words(&format!("{CLEAR_LINE}{shown}"));
        self.spinning = true;
    }

    /// What the person has to give.
    fn awaited(&self) -> &'static str {
        match (&self.offer, self.ways.first()) {
            (Some(Offer::Link(_)), Some(Way::Paste)) => "address",
            (Some(Offer::Link(_)), _) => "browser",
            _ => "approval",
        }
    }

    fn waiting(&self) -> String {
        match self.typed {
            0 => format!("waiting for your {}", self.awaited()),
            count => format!("{count} characters; Enter reads them"),
        }
    }

    /// The keys that begin another way.
    fn keys(&self) -> &'static str {
        match (self.other_way(), &self.offer) {
            (Some(Way::Code), _) => ", [c] code [y] copy",
            (Some(_), _) => ", [p] paste [y] copy [q] QR",
            (None, Some(Offer::Codes(_))) if self.has_keys => ", [y] copy [q] QR",
            (None, _) if self.has_keys => ", [y] copy",
            (None, _) => "",
        }
    }

    /// The way that a key begins, as long as it has not begun.
    fn other_way(&self) -> Option<Way> {
        let first = self.ways.first().filter(|_| self.has_keys)?;
        let is_code_first = *first == Way::Code;
        let is_other = |way: &&Way| (**way == Way::Code) != is_code_first;
        let other = self.ways.iter().find(is_other).copied();
        let has_begun = match &self.offer {
            Some(Offer::Codes(_)) => !is_code_first,
            Some(Offer::Link(_)) => is_code_first,
            None => false,
        };
        other.filter(|_| !has_begun)
    }

    fn ask(&self, offer: &Offer) {
        if let Some(reason) = self.reason.as_ref().filter(|_| self.offer.is_none()) {
            self.note(&format!("{}: {reason}", first_words(self.ways.first(), self.is_browser_here)));
        }
        if let Some(address) = self.callback_listen.filter(|_| self.offer.is_none()) {
            self.warn_of_listening(address);
        }
        if self.style.json {
            let way = self.ways.first().copied();
            let event = events::action_required(&self.target, offer, way, self.takes_lines);
            return self.put(&event.to_string());
        }
        self.show(&match offer {
            Offer::Codes(codes) => invitation(codes, &self.target),
            Offer::Link(link) if self.ways.contains(&Way::Paste) && self.has_keys => {
                let comes_back = self.ways.contains(&Way::Open) && self.ways.first() == Some(&Way::Open);
                let mut pieces = way_to_paste(link, &self.target, comes_back, self.elsewhere());
                pieces.extend(ready_lines(self.forwards(link)));
                pieces
            }
            Offer::Link(link) => way_to_a_browser(link, &self.target, &self.with_code, self.elsewhere()),
        });
    }

    /// Writes a line that the person must see to standard output. One that cannot be written ends the sign-in, for nobody would
    /// answer it.
    fn put(&self, line: &str) {
        let terminal = &self.outside.terminal;
        let written = terminal.data(&format!("{line}\n"));
        let written = written.and_then(|()| match terminal.leads_nowhere() && !self.starts_browser {
            true => Err(io::Error::other("it is closed, or /dev/null")),
            false => Ok(()),
        });
        written.err().into_iter().for_each(|error| drop(self.lost.set(error)));
    }

    /// Why the sign-in did not happen.
    pub(crate) fn failure(mut self, error: SignInError, meant: &Meant) -> Failure {
        let hint = format!("sign in where it can be written: {}", meant.login);
        match (self.lost.take(), error) {
            (Some(lost), SignInError::Unseen { .. }) => {
                Failure::new(Kind::Other, CannotShow(lost)).hint(hint)
            }
            (_, error) => hints::sign_in(error, meant),
        }
    }

    /// Shows an offer in its order, which is one on a terminal also where words and data go to two streams.
    fn show(&self, pieces: &[Piece<'_>]) {
        let mut words = String::new();
        for piece in pieces {
            match piece {
                Piece::Words(text) => words.push_str(&self.fitting(&printable_lines(text), 0)),
                Piece::Command(command) => {
                    words.push_str(&format!("{}\n\n", self.style.paint(Color::Cyan, command)));
                }
                Piece::Data(line) if self.stage == Stage::Data => {
                    self.outside.terminal.words(&std::mem::replace(&mut words, "\n".to_owned()));
                    self.put(line);
                }
                Piece::Data(line) | Piece::Also(line) => {
                    words.push_str(&format!("{}\n\n", self.copyable(line)))
                }
            }
        }
        self.outside.terminal.words(&words);
    }

    /// Where a browser is waited for, if who comes to 127.0.0.1 of this computer finds nobody.
    fn elsewhere(&self) -> Option<IpAddr> {
        self.callback_listen.filter(|address| !is_localhost(*address))
    }

    fn warn_of_listening(&self, address: IpAddr) {
        if address.is_loopback() {
            return;
        }
        let text = format!(
            "the browser is waited for on {address}, where other computers may knock; only the answer to this sign-in is taken"
        );
        self.warn(&text);
    }

    /// Says how long it waits: on a lively terminal in a line that moves, else once.
    fn wait(&mut self, left: Duration) {
        if self.is_lively() {
            self.spin(left);
        } else if !self.style.json {
            let left = when::minutes(left);
            let (awaited, keys) = (self.awaited(), self.keys());
            self.note(&format!("Waiting for your {awaited}, {left} minutes at most{keys}"));
        }
    }

    fn copyable(&self, text: &str) -> String {
        match self.between() {
            Some(between) if is_web_address(text) => self.style.paint(Color::Cyan, &between.link(text)),
            _ => self.style.paint(Color::Cyan, text),
        }
    }

    /// What stands between us and the terminal that the person sees.
    fn between(&self) -> Option<Between> {
        let env = &self.outside.env;
        let between = || Between::of(env.get("TERM"), env.get("TMUX"), env.get("STY"));
        self.is_lively().then(between).flatten()
    }

    /// What brings a browser elsewhere to our port, where that is known.
    fn forwards(&self, link: &Link) -> Vec<Ready> {
        match (port_of(link).parse(), &self.ssh) {
            (Ok(port), Some(ssh)) if self.ways.contains(&Way::Open) => forward::over_ssh(ssh, port),
            (Ok(port), None)
                if self.is_container && self.callback_listen.is_none() && self.ways.contains(&Way::Open) =>
            {
                forward::into_container(self.with_code.trim_end_matches(" --use-device-code"), port)
            }
            _ => Vec::new(),
        }
    }

    /// Words with their lines broken where the window ends, where there is one.
    fn fitting(&self, text: &str, begun: usize) -> String {
        if self.style.json || !self.outside.terminal.error {
            return text.to_owned();
        }
        wrapped(text, self.outside.terminal.columns(), begun)
    }

    fn note(&self, text: &str) {
        note(self.outside, self.style, &self.fitting(text, 0));
    }

    fn warn(&self, text: &str) {
        warn(self.outside, self.style, &self.fitting(text, "warning: ".len()));
    }

    /// A key that is ours.
    fn pressed(&self, letter: char) {
        match (letter.to_ascii_lowercase(), &self.offer) {
            (COPY_KEY, Some(offer)) => {
                let link = match offer {
                    Offer::Link(link) => &link.address,
                    Offer::Codes(codes) => {
                        codes.verification_uri_complete.as_ref().unwrap_or(&codes.verification_uri)
                    }
                };
                let order = self.between().and_then(|between| between.copy(link));
                let said = match &order {
                    Some(_) => "The link was sent to the clipboard of your terminal, if it allows that",
                    None => "This terminal takes no copies; mark the link instead",
                };
                self.outside.terminal.words(&order.unwrap_or_default());
                self.note(said);
            }
            (QR_KEY, Some(Offer::Codes(codes))) => {
                let link = codes.verification_uri_complete.as_ref().unwrap_or(&codes.verification_uri);
                let terminal = &self.outside.terminal;
                let lines = qr::lines(link, terminal.columns(), self.outside.env.is_utf8());
                match lines.filter(|lines| lines.len() < terminal.rows()) {
                    Some(lines) => {
                        let paint = |line: &String| {
                            if self.style.colored { qr::painted(line) } else { line.clone() }
                        };
                        let picture: Vec<String> = lines.iter().map(paint).collect();
                        terminal.words(&format!("{}\n", picture.join("\n")));
                    }
                    None => self.note("There is no room for a QR code in this window"),
                }
            }
            // The question of a browser's flow belongs on one screen only.
            (QR_KEY, Some(Offer::Link(_))) => {
                self.note("A QR code is there for a code only: press c first");
            }
            _ => {}
        }
    }

    /// Says that it is done, and what came with it.
    pub(crate) fn done(
        self,
        signed_in: &SignedIn,
        start_url: &str,
        what_came: impl FnOnce() -> Option<Came>,
    ) -> Result<Exit, Failure> {
        self.end(["signed_in", "Signed in"], signed_in, start_url, what_came)
    }

    /// Says that nothing had to be done, in one line.
    pub(crate) fn still(self, signed_in: &SignedIn, start_url: &str) -> Result<Exit, Failure> {
        self.end(["still_signed_in", "Still signed in"], signed_in, start_url, || None)
    }

    fn end(
        mut self,
        [event, words]: [&str; 2],
        signed_in: &SignedIn,
        start_url: &str,
        what_came: impl FnOnce() -> Option<Came>,
    ) -> Result<Exit, Failure> {
        self.stop_spinning();
        if self.style.json {
            let came = what_came();
            if let Some(came) = came.as_ref().filter(|came| came.unknown.is_some()) {
                self.note(&came::words(came));
            }
            self.warn_of_a_stranger(came.as_ref());
            let event = events::signed_in(event, &self.target, start_url, signed_in, came.as_ref());
            return print(self.outside, &format!("{event}\n"));
        }
        let until = when::local(signed_in.expires_at, self.outside.clock.now());
        let renewed = if signed_in.renewable { " and is renewed by itself" } else { "" };
        let rest = format!(
            " to {}: the token is valid until {until}{renewed}, kept in {}",
            self.target,
            signed_in.path.display(),
        );
        let rest = self.fitting(&printable_lines(&rest), words.len());
        self.outside.terminal.words(&format!("{}{rest}\n", self.style.paint(Color::Green, words)));
        if let Some(came) = what_came() {
            self.note(&came::words(&came));
            self.warn_of_a_stranger(Some(&came));
        }
        match self.stage {
            Stage::Words => Ok(Exit::Done),
            Stage::Data => print(self.outside, &format!("Successfully logged into Start URL: {start_url}\n")),
        }
    }

    fn warn_of_a_stranger(&self, came: Option<&Came>) {
        if let Some((came, before)) = came.and_then(|came| Some((came, came.before.as_ref()?))) {
            warn(self.outside, self.style, &came::warning(came, before, &self.sign_out));
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("what there is to do cannot be written to standard output, so there is no sign-in")]
struct CannotShow(#[source] io::Error);

impl Watcher for LoginReport<'_> {
    fn told(&mut self, progress: Progress) {
        if let Progress::Waiting { left } = progress {
            return self.wait(left);
        }
        self.stop_spinning();
        match progress {
            Progress::ActionRequired(offer) => {
                self.ask(&offer);
                self.offer = Some(offer);
            }
            // The moving line is gone by now, and that is all that there was.
            Progress::Suspended => {}
            Progress::Resumed => {
                if let Some(offer) =
                    self.offer.as_ref().filter(|_| self.outside.terminal.error && !self.style.json)
                {
                    self.ask(offer);
                }
            }
            Progress::Joined { process } => {
                // It was chosen elsewhere, for reasons of that place.
                self.reason = None;
                let text = format!(
                    "Another terminal signs in to {} already (process {process}); this is its sign-in, and it can be finished in either",
                    self.target
                );
                self.note(&text);
            }
            Progress::TookOver { listens_on } => {
                let text = "The terminal that began this sign-in is gone; it goes on here";
                self.note(text);
                if let Some(address) = listens_on {
                    self.warn_of_listening(address);
                }
            }
            Progress::WentOnBeside => {
                let text = "The terminal that began this sign-in stands still; it goes on here without it";
                self.note(text);
            }
            Progress::BeganAfresh { why } => {
                self.warn(&format!("the link above leads nowhere any more: {why}; use this one"));
                self.offer = None;
            }
            Progress::Typed { characters } => self.typed = characters,
            Progress::Pressed { letter } => self.pressed(letter),
            Progress::NotTaken { why } => self.warn(&why),
            Progress::NeedsEnter { why } => self.note(&why),
            Progress::CodeUnknown => self.warn("the center does not know that code; the wait goes on"),
            Progress::WayClosed { way, why } => {
                self.ways.retain(|other| *other != way);
                let name = way.name();
                self.warn(&format!("the way \"{name}\" is closed: {why}; the other goes on"));
            }
            Progress::BrowserOpened { program } => {
                self.note(&format!("The page was opened with {program}"));
            }
            Progress::BrowserNotOpened { why } => {
                self.note(&format!("No page was opened here: {why}"));
            }
            Progress::SlowedDown { interval } => {
                let seconds = interval.as_secs();
                self.note(&format!("The center asks for pauses of {seconds} s"));
            }
            Progress::Trouble { what, pause } => {
                let seconds = pause.as_secs();
                self.warn(&format!("{what}; next try in {seconds} s"));
            }
            Progress::RegistrationRenewed => {
                self.note("The center did not know this client any more; it was registered anew");
            }
            other => {
                if let Some(text) = warning(self.outside, other) {
                    self.warn(&text);
                }
            }
        }
    }

    fn cannot_show(&self) -> bool {
        self.lost.get().is_some()
    }

    fn beat(&self) -> Option<Duration> {
        self.is_lively().then_some(BEAT)
    }
}

impl Drop for LoginReport<'_> {
    fn drop(&mut self) {
        self.stop_spinning();
    }
}
