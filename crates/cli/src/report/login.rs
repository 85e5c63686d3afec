//! A sign-in while it goes on, and its end.

use std::cell::OnceCell;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use outside::Outside;
use outside::clock::until;
use outside::painted::{Color, Painted};
use signin::choose::Way;
use signin::progress::{Codes, Link, Offer, Progress, Watcher};
use signin::sign_in::{Mode, is_localhost};
use signin::surroundings::Ssh;

use super::events;
use super::forward::{self, Ready};
use super::hints::Again;
use super::moving::{self, Waiting};
use super::offer::{
    Answer, Besides, Piece, invitation, port_of, ready_lines, way_to_a_browser, way_to_a_browser_elsewhere,
    way_to_paste,
};
use super::osc::is_web_address;
use super::when;
use super::words::{Style, note, warn, wrapped};
use crate::request::login::How;
use crate::request::session::Meant;

mod end;
mod keys;
mod more;

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
    /// The command that signs in with a code, if a code may be used.
    with_code: Option<String>,
    /// The command that signs in.
    login: String,
    /// What may be typed after a sign-in that did not happen.
    again: Again,
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
    /// Whether this is a container.
    is_container: bool,
    /// Whether the browser runs on this computer, as far as is known.
    browser_is_here: bool,
    /// Where a browser is waited for instead of 127.0.0.1.
    callback_listen: Option<IpAddr>,
    /// Why the first way is first; said once, and not at all if the user asked for it.
    reason: Option<String>,
    /// Whether no browser is started because of `--no-browser`.
    no_browser: bool,
    /// Whether a browser is started, so that nobody need see the link.
    starts_browser: bool,
    /// Why what the person must see could not be written.
    lost: OnceCell<io::Error>,
    /// What has been typed or pasted and not been read yet, in characters.
    typed: usize,
    /// Whether it was taken for the beginning of more lines.
    may_go_on: bool,
    /// Whether the person was told to do something.
    is_begun: bool,
    /// What they can still do, what they were told last at the end: once a link, once codes.
    offers: Vec<Offer>,
    /// An offer that is shown as soon as it is known whether a browser was started, so that it comes last on the screen.
    held: Option<Offer>,
    /// Whether the help on forwarding was shown last, and the link before it.
    shows_help: bool,
    /// Whether the command waits for what is shown.
    waits: bool,
    /// The question whose the sign-in is, once it was asked.
    question: Option<String>,
    /// Whether a line is there that has to be taken away before the next words.
    spinning: bool,
    frame: usize,
}

impl<'a> LoginReport<'a> {
    /// Shows the sign-in to what is meant.
    pub(crate) fn new(outside: &'a Outside, style: Style, stage: Stage, meant: &Meant) -> Self {
        let target = meant.target.name();
        let with_code = Some(format!("{} --use-device-code", meant.login));
        Self {
            outside,
            style,
            stage,
            target,
            with_code,
            login: meant.login.clone(),
            again: Again::of(meant),
            sign_out: meant.logout.clone(),
            takes_lines: false,
            ways: vec![Way::Open],
            has_keys: false,
            ssh: None,
            is_container: false,
            browser_is_here: true,
            callback_listen: None,
            reason: None,
            no_browser: false,
            starts_browser: false,
            lost: OnceCell::new(),
            typed: 0,
            may_go_on: false,
            is_begun: false,
            offers: Vec::new(),
            held: None,
            shows_help: false,
            waits: true,
            question: None,
            spinning: false,
            frame: 0,
        }
    }

    /// The same, with what was chosen here and why.
    pub(crate) fn with_plan(mut self, how: &How) -> Self {
        self.ways = how.plan.ways();
        self.again.same.push_str(how.flow_words);
        self.again.with_code.take_if(|_| !how.plan.may_use_code);
        self.with_code.take_if(|_| !how.plan.may_use_code);
        self.has_keys = how.wish.reads_keys;
        self.takes_lines = how.wish.reads_lines;
        self.ssh = how.ssh.clone();
        self.is_container = how.is_container;
        self.browser_is_here = how.browser_is_here;
        self.callback_listen = how.wish.callback_listen;
        self.starts_browser = how.plan.starts_browser;
        self.no_browser = how.no_browser;
        self.waits = how.wish.mode != Mode::LeavePending;
        self.reason = (!how.is_asked_for).then(|| how.plan.reason.clone());
        self
    }

    /// The same, where another command is the one that signs in with a code, if one may be used.
    pub(crate) fn with_code_by(mut self, command: Option<&str>) -> Self {
        self.with_code = command.map(str::to_owned);
        self
    }

    fn is_lively(&self) -> bool {
        self.outside.terminal.lively && !self.style.json
    }

    fn stop_spinning(&mut self) {
        if self.spinning {
            self.outside.terminal.words(Painted::control(CLEAR_LINE));
            self.spinning = false;
        }
    }

    fn spin(&mut self, left: Duration) {
        let frames: &[char] = if self.outside.env.is_utf8() { &FRAMES } else { &PLAIN_FRAMES };
        let frame = frames[self.frame % frames.len()];
        self.frame += 1;
        let room = self.outside.terminal.columns().saturating_sub(3);
        let shown = match self.typed {
            0 => {
                let (awaited, keys) = (self.awaited(), &self.keys());
                Waiting { awaited, left, takes_pastes: self.takes_pastes(), keys }.in_columns(room)
            }
            characters => moving::typed(characters, self.may_go_on, room),
        };
        self.outside.terminal.words(Painted::control(CLEAR_LINE).then(format!("{frame} {shown}")));
        self.spinning = true;
    }

    /// Whether the browser of the first way comes back by itself.
    fn comes_back(&self) -> bool {
        self.ways.first() == Some(&Way::Open)
    }

    /// What the person has to give.
    fn awaited(&self) -> &'static str {
        match (self.offers.last(), self.takes_pastes()) {
            (Some(Offer::Link(_)), true) if self.comes_back() => "browser or a paste",
            (Some(Offer::Link(_)), true) => "address: paste it",
            (Some(Offer::Link(_)), false) if self.takes_lines && self.ways == [Way::Paste] => "address",
            (Some(Offer::Link(_)), false) => "browser",
            (_, true) => "approval or a paste",
            (_, false) => "approval",
        }
    }

    fn link(&self) -> Option<&Link> {
        self.offers.iter().find_map(|offer| match offer {
            Offer::Link(link) => Some(link),
            Offer::Codes(_) => None,
        })
    }

    fn codes(&self) -> Option<&Codes> {
        self.offers.iter().find_map(|offer| match offer {
            Offer::Codes(codes) => Some(codes),
            Offer::Link(_) => None,
        })
    }

    /// What the person was told to do last and still can do.
    fn left_of_offer(&self) -> Option<Duration> {
        let (Offer::Link(Link { expires_at, .. }) | Offer::Codes(Codes { expires_at, .. })) =
            self.offers.last()?;
        Some(until(self.outside.clock.now(), *expires_at))
    }

    /// Takes an offer into those that are open.
    fn open(&mut self, offer: Offer) {
        self.close(matches!(offer, Offer::Codes(_)));
        self.offers.push(offer);
        self.is_begun = true;
        self.shows_help = false;
    }

    /// What was offered of a kind is open no more.
    fn close(&mut self, is_codes: bool) {
        self.offers.retain(|offer| matches!(offer, Offer::Codes(_)) != is_codes);
    }

    /// A way leads nowhere any more; with the link that was shown goes what could be pasted.
    fn close_way(&mut self, way: Way) {
        let had_link = self.link().is_some();
        self.ways.retain(|other| *other != way && !(way == Way::Open && had_link && *other == Way::Paste));
        self.close(way == Way::Code);
    }

    /// Says why this way was chosen, and what to know before it.
    fn begin(&self) {
        if let Some(reason) = &self.reason {
            self.note(&capitalized(reason));
        }
        if let Some(address) = self.callback_listen {
            self.warn_of_listening(address);
        }
    }

    fn ask(&self, offer: &Offer) {
        if self.style.json {
            let way = self.ways.first().copied();
            let event = events::action_required(&self.target, offer, way, self.takes_lines);
            return self.put(&event.to_string());
        }
        match offer {
            Offer::Codes(codes) => self.show(&invitation(codes, &self.target)),
            Offer::Link(link) => self.show(&self.way_of(link)),
        }
    }

    /// A link with what to do. The help on forwarding comes first, if nobody could ask for it by a key, or nobody wants a
    /// browser to be started here.
    fn way_of<'b>(&self, link: &'b Link) -> Vec<Piece<'b>> {
        let has_code = self.ways.contains(&Way::Code);
        let forwards = self.forwards(link);
        let besides = Besides {
            with_code: self.with_code.as_deref(),
            has_code_key: self.has_keys && has_code && self.codes().is_none(),
            has_forward_key: self.has_keys && !forwards.is_empty(),
        };
        let is_here = self.is_browser_here();
        let mut pieces = match !self.has_keys || self.no_browser {
            true if !is_here || self.answer() == Some(Answer::Pasted) => forward_help(link, forwards),
            _ => Vec::new(),
        };
        pieces.extend(match self.answer() {
            Some(answer) => way_to_paste(link, &self.target, answer, besides),
            None if is_here => way_to_a_browser(link, &self.target, besides),
            None => way_to_a_browser_elsewhere(link, &self.target, besides),
        });
        pieces
    }

    /// Writes a line that the person must see to standard output. One that cannot be written ends the sign-in, for nobody would
    /// answer it.
    fn put(&self, line: &str) {
        let terminal = &self.outside.terminal;
        let written = terminal.data(&format!("{line}\n"));
        if terminal.output {
            // One that is gone says so by a signal.
            return;
        }
        let written = written.and_then(|()| match terminal.leads_nowhere() && !self.starts_browser {
            true => Err(io::Error::other("it is closed, or /dev/null")),
            false => Ok(()),
        });
        written.err().into_iter().for_each(|error| drop(self.lost.set(error)));
    }

    /// How the answer of a browser comes here, where it may be pasted.
    fn answer(&self) -> Option<Answer> {
        let may_paste = self.ways.contains(&Way::Paste);
        match (may_paste && self.has_keys, may_paste && self.takes_lines) {
            (true, _) if self.comes_back() && self.elsewhere().is_none() => Some(Answer::ByItself),
            (true, _) if self.callback_listen.is_some() && self.ways.contains(&Way::Open) => {
                Some(Answer::ByPublishedPort)
            }
            (true, _) => Some(Answer::Pasted),
            (false, true) => Some(Answer::AsLine),
            (false, false) => None,
        }
    }

    /// Shows an offer in its order, which is one on a terminal also where words and data go to two streams.
    fn show(&self, pieces: &[Piece<'_>]) {
        let mut words = Painted::default();
        let mut where_it_is = "(on standard output)\n\n";
        for piece in pieces {
            match piece {
                Piece::Words(text) => words.push(self.fitting(text, 0)),
                Piece::Command(command) => {
                    words.push(self.style.paint(Color::Cyan, command).then("\n\n"));
                }
                Piece::Data(line) if self.stage == Stage::Data => {
                    self.outside.terminal.words(std::mem::replace(&mut words, "\n".into()));
                    self.put(line);
                    if !self.outside.terminal.output {
                        words = std::mem::replace(&mut where_it_is, "(on its next line)\n\n").into();
                    }
                }
                Piece::Data(line) | Piece::Also(line) => words.push(self.copyable(line).then("\n\n")),
            }
        }
        self.outside.terminal.words(words);
    }

    /// Where a browser is waited for, if who comes to 127.0.0.1 of this computer finds nobody.
    fn elsewhere(&self) -> Option<IpAddr> {
        self.callback_listen.filter(|address| !is_localhost(*address))
    }

    /// Whether a browser on this computer is what is waited for.
    fn is_browser_here(&self) -> bool {
        self.browser_is_here && self.elsewhere().is_none()
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
        if !self.waits {
            return;
        }
        // That of another offer may be longer.
        let left = self.left_of_offer().unwrap_or(left);
        if self.is_lively() {
            self.spin(left);
        } else if !self.style.json {
            let left = when::minutes(left);
            let (awaited, keys) = (self.awaited(), moving::key_words(&self.keys()));
            self.note(&format!("Waiting for your {awaited}, {left} minutes at most{keys}"));
        }
    }

    fn copyable(&self, text: &str) -> Painted {
        let shown = self.style.paint(Color::Cyan, text);
        match self.between().filter(|_| is_web_address(text)) {
            Some(between) => between.link(text, shown),
            None => shown,
        }
    }

    /// What brings a browser elsewhere to our port, where that is known.
    fn forwards(&self, link: &Link) -> Vec<Ready> {
        match (port_of(link).parse(), &self.ssh) {
            (Ok(port), Some(ssh)) if self.ways.contains(&Way::Open) => forward::over_ssh(ssh, port),
            (Ok(port), None)
                if self.is_container && self.callback_listen.is_none() && self.ways.contains(&Way::Open) =>
            {
                forward::into_container(&self.login, port)
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
        note(self.outside, self.style, self.fitting(text, 0));
    }

    fn warn(&self, text: &str) {
        warn(self.outside, self.style, self.fitting(text, "warning: ".len()));
    }

    /// Shows an offer that had to wait for what is told now: that a browser was started, or not, comes before it.
    fn show_held(&mut self, progress: &Progress) -> bool {
        let Some(offer) = self.held.take() else { return false };
        let is_of_browser =
            matches!(progress, Progress::BrowserOpened { .. } | Progress::BrowserNotOpened { .. });
        if is_of_browser {
            self.say(progress.clone());
        }
        self.ask(&offer);
        self.open(offer);
        is_of_browser
    }

    fn take_offer(&mut self, offer: Offer) {
        if self.is_begun {
            self.ask(&offer);
            return self.open(offer);
        }
        self.begin();
        if self.starts_browser && self.is_lively() && self.stage == Stage::Words {
            self.held = Some(offer);
        } else {
            self.ask(&offer);
            self.open(offer);
        }
    }
}

/// The help on how a browser elsewhere is brought to the port on which we wait here.
fn forward_help<'a>(link: &Link, forwards: Vec<Ready>) -> Vec<Piece<'a>> {
    let port = port_of(link);
    ready_lines(
        &format!("To let the browser come back by itself, forward its port {port} to here."),
        forwards,
    )
}

/// A sentence with a capital letter, unless it begins with something that is spelled as it is.
fn capitalized(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or_default();
    match text.split_at_checked(1) {
        Some((first, rest)) if word.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            first.to_ascii_uppercase() + rest
        }
        _ => text.to_owned(),
    }
}

impl Watcher for LoginReport<'_> {
    fn told(&mut self, progress: Progress) {
        if self.show_held(&progress) {
            return;
        }
        if let Progress::Waiting { left } = progress {
            return self.wait(left);
        }
        self.stop_spinning();
        self.say(progress);
    }

    fn cannot_show(&self) -> bool {
        self.lost.get().is_some()
    }

    fn beat(&self) -> Option<Duration> {
        self.is_lively().then_some(BEAT)
    }
}

impl LoginReport<'_> {
    fn say(&mut self, progress: Progress) {
        match progress {
            Progress::ActionRequired(offer) => self.take_offer(offer),
            // The moving line is gone by now, and that is all that there was.
            Progress::Suspended => {}
            Progress::Resumed => {
                if let Some(question) = &self.question {
                    self.note(question);
                } else if let Some(offer) =
                    self.offers.last().filter(|_| self.outside.terminal.error && !self.style.json)
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
            Progress::GoesBeside { process } => {
                let text = format!(
                    "Another terminal signs in to {} already, in another way (process {process}); whichever ends first ends both",
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
                self.offers.clear();
            }
            Progress::Typed { characters, may_go_on } => {
                self.typed = characters;
                self.may_go_on = may_go_on;
                if may_go_on && !self.is_lively() && !self.style.json {
                    self.note(&moving::typed(characters, true, usize::MAX));
                }
            }
            Progress::Pressed { letter } => self.pressed(letter),
            Progress::NotTaken { why } => self.warn(&why),
            Progress::NeedsEnter { why } => self.note(&why),
            Progress::CodeUnknown => self.warn("the center does not know that code; the wait goes on"),
            Progress::WayClosed { way, why } => {
                self.close_way(way);
                let name = way.name();
                self.warn(&format!("the way \"{name}\" is closed: {why}; the other goes on"));
            }
            Progress::CodesEnded => {
                self.close(true);
                let anew = if self.has_keys { "; press c for a new one" } else { "" };
                self.warn(&format!("the code has expired; the link still waits{anew}"));
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
            other => self.told_more(other),
        }
    }
}

impl Drop for LoginReport<'_> {
    fn drop(&mut self) {
        self.stop_spinning();
    }
}
