//! A sign-in while it goes on, and its end.

use std::net::IpAddr;
use std::time::Duration;

use outside::Outside;
use serde_json::json;
use signin::choose::Way;
use signin::progress::{Codes, Link, Offer, Progress, Watcher};
use signin::sign_in::SignedIn;
use signin::surroundings::Ssh;

use super::forward;
use super::news::warning;
use super::osc::{Between, is_web_address};
use super::qr;
use super::when;
use super::words::{Color, Style, note, print, warn};
use super::{Exit, Failure};
use crate::request::login::{COPY_KEY, How, QR_KEY};
use crate::request::session::Meant;

const BEAT: Duration = Duration::from_millis(120);
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// For terminals that show nothing but ASCII.
const PLAIN_FRAMES: [char; 4] = ['|', '/', '-', '\\'];
/// Back to the first column, and all of the line away.
const CLEAR_LINE: &str = "\r\u{1b}[2K";

/// Where page and code are shown.
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
    /// The ways that are offered, best first.
    ways: Vec<Way>,
    /// Whether keys are listened to.
    has_keys: bool,
    /// How somebody came here over SSH, if so.
    ssh: Option<Ssh>,
    /// Whether this is a container.
    is_container: bool,
    /// Where a browser is waited for instead of 127.0.0.1.
    callback_listen: Option<IpAddr>,
    /// Why the first way is first; said once.
    reason: Option<String>,
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
            ways: vec![Way::Open],
            has_keys: false,
            ssh: None,
            is_container: false,
            callback_listen: None,
            reason: None,
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
        self.ssh = how.ssh.clone();
        self.is_container = how.is_container;
        self.callback_listen = how.wish.callback_listen;
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
        let line = format!("{frame} {}, {} left{}", self.waiting(), when::minutes(left), self.keys());
        let shown: String = line.chars().take(self.outside.terminal.columns().saturating_sub(1)).collect();
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
        if self.style.json {
            // A reader that went away has not kept the person from approving; the end of the command will say it.
            let _ = self.outside.terminal.data(&format!("{}\n", action_required(offer)));
            return;
        }
        if let Some(reason) = self.reason.as_ref().filter(|_| self.offer.is_none()) {
            note(self.outside, self.style, &format!("{}: {reason}", first_words(self.ways.first())));
        }
        if let Some(address) = self.callback_listen.filter(|_| self.offer.is_none()) {
            self.warn_of_listening(address);
        }
        let copyable = |text: &str| self.copyable(text);
        let text = match offer {
            Offer::Codes(codes) => invitation(codes, &self.target, copyable),
            Offer::Link(link) if self.ways.contains(&Way::Paste) && self.has_keys => {
                let comes_back = self.ways.contains(&Way::Open) && self.ways.first() == Some(&Way::Open);
                let mut text = way_to_paste(link, &self.target, comes_back, copyable);
                text.push_str(&self.ready_lines(link));
                text
            }
            Offer::Link(link) => way_to_a_browser(link, [&self.target, &self.with_code], copyable),
        };
        match self.stage {
            Stage::Words => self.outside.terminal.words(&text),
            Stage::Data => {
                let _ = self.outside.terminal.data(&text);
            }
        }
    }

    fn warn_of_listening(&self, address: IpAddr) {
        let text = format!(
            "the browser is waited for on {address}, where other computers may knock; only the answer to this sign-in is taken"
        );
        warn(self.outside, self.style, &text);
    }

    /// Says how long it waits: on a lively terminal in a line that moves, else once.
    fn wait(&mut self, left: Duration) {
        if self.is_lively() {
            self.spin(left);
        } else if !self.style.json {
            let left = when::minutes(left);
            let (awaited, keys) = (self.awaited(), self.keys());
            self.outside
                .terminal
                .words(&format!("Waiting for your {awaited}, {left} minutes at most{keys}\n"));
        }
    }

    fn copyable(&self, text: &str) -> String {
        match (self.stage, self.between()) {
            (Stage::Words, Some(between)) if is_web_address(text) => {
                self.style.paint(Color::Cyan, &between.link(text))
            }
            (Stage::Words, _) => self.style.paint(Color::Cyan, text),
            (Stage::Data, _) => text.to_owned(),
        }
    }

    /// What stands between us and the terminal that the person sees.
    fn between(&self) -> Option<Between> {
        let env = &self.outside.env;
        let between = || Between::of(env.get("TERM"), env.get("TMUX"), env.get("STY"));
        self.is_lively().then(between).flatten()
    }

    /// What brings a browser elsewhere to our port, where that is known.
    fn ready_lines(&self, link: &Link) -> String {
        let Ok(port) = port_of(link).parse() else { return String::new() };
        let copyable = |text: &str| self.style.paint(Color::Cyan, text);
        let lines = match &self.ssh {
            Some(ssh) if self.ways.contains(&Way::Open) => forward::over_ssh(ssh, port),
            None if self.is_container && self.callback_listen.is_none() && self.ways.contains(&Way::Open) => {
                forward::into_container(self.with_code.trim_end_matches(" --use-device-code"), port)
            }
            _ => return String::new(),
        };
        let begin = "To let the browser come back here by itself instead, bring its port here:\n\n";
        format!("{begin}{}", forward::text(&lines, copyable))
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
                note(self.outside, self.style, said);
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
                    None => note(self.outside, self.style, "There is no room for a QR code in this window"),
                }
            }
            // The question of a browser's flow belongs on one screen only.
            (QR_KEY, Some(Offer::Link(_))) => {
                note(self.outside, self.style, "A QR code is there for a code only: press c first");
            }
            _ => {}
        }
    }

    /// Says that it is done, in one line.
    pub(crate) fn done(self, signed_in: &SignedIn, start_url: &str) -> Result<Exit, Failure> {
        self.end(["signed_in", "Signed in"], signed_in, start_url)
    }

    /// Says that nothing had to be done, in one line.
    pub(crate) fn still(self, signed_in: &SignedIn, start_url: &str) -> Result<Exit, Failure> {
        self.end(["still_signed_in", "Still signed in"], signed_in, start_url)
    }

    fn end(
        mut self,
        [event, words]: [&str; 2],
        signed_in: &SignedIn,
        start_url: &str,
    ) -> Result<Exit, Failure> {
        self.stop_spinning();
        if self.style.json {
            let object = json!({
                "event": event,
                "session": self.target,
                "start_url": start_url,
                "region": signed_in.region,
                "expires_at": when::utc(signed_in.expires_at),
                "renewable": signed_in.renewable,
                "token_file": signed_in.path.to_string_lossy(),
            });
            return print(self.outside, &format!("{object}\n"));
        }
        let until = when::local(signed_in.expires_at, self.outside.clock.now());
        let renewed = if signed_in.renewable { " and is renewed by itself" } else { "" };
        self.outside.terminal.words(&format!(
            "{} to {}: the token is valid until {until}{renewed}, kept in {}\n",
            self.style.paint(Color::Green, words),
            self.target,
            signed_in.path.display(),
        ));
        match self.stage {
            Stage::Words => Ok(Exit::Done),
            Stage::Data => print(self.outside, &format!("Successfully logged into Start URL: {start_url}\n")),
        }
    }
}

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
                note(self.outside, self.style, &text);
            }
            Progress::TookOver { listens_on } => {
                let text = "The terminal that began this sign-in is gone; it goes on here";
                note(self.outside, self.style, text);
                if let Some(address) = listens_on {
                    self.warn_of_listening(address);
                }
            }
            Progress::WentOnBeside => {
                let text = "The terminal that began this sign-in stands still; it goes on here without it";
                note(self.outside, self.style, text);
            }
            Progress::BeganAfresh { why } => {
                warn(
                    self.outside,
                    self.style,
                    &format!("the link above leads nowhere any more: {why}; use this one"),
                );
                self.offer = None;
            }
            Progress::Typed { characters } => self.typed = characters,
            Progress::Pressed { letter } => self.pressed(letter),
            Progress::NotTaken { why } => warn(self.outside, self.style, &why),
            Progress::WayClosed { way, why } => {
                let name = way.name();
                warn(
                    self.outside,
                    self.style,
                    &format!("the way \"{name}\" is closed: {why}; the other goes on"),
                );
            }
            Progress::BrowserOpened { program } => {
                note(self.outside, self.style, &format!("The page was opened with {program}"));
            }
            Progress::BrowserNotOpened { why } => {
                note(self.outside, self.style, &format!("No page was opened here: {why}"));
            }
            Progress::SlowedDown { interval } => {
                let seconds = interval.as_secs();
                note(self.outside, self.style, &format!("The center asks for pauses of {seconds} s"));
            }
            Progress::Trouble { what, pause } => {
                let seconds = pause.as_secs();
                warn(self.outside, self.style, &format!("{what}; next try in {seconds} s"));
            }
            Progress::RegistrationRenewed => {
                note(
                    self.outside,
                    self.style,
                    "The center did not know this client any more; it was registered anew",
                );
            }
            other => {
                if let Some(text) = warning(self.outside, other) {
                    warn(self.outside, self.style, &text);
                }
            }
        }
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

fn action_required(offer: &Offer) -> serde_json::Value {
    let codes = match offer {
        Offer::Codes(codes) => codes,
        Offer::Link(link) => {
            return json!({
                "event": "action_required",
                "flow": "browser",
                "authorization_url": link.address,
                "redirect_uri": link.redirect_uri,
                "expires_at": when::utc(link.expires_at),
            });
        }
    };
    json!({
        "event": "action_required",
        "flow": "device",
        "user_code": codes.user_code,
        "verification_uri": codes.verification_uri,
        "verification_uri_complete": codes.verification_uri_complete,
        "expires_at": when::utc(codes.expires_at),
        "client_name": codes.client_name,
    })
}

/// The address alone on its line, and what to do where no browser can come back from it.
fn way_to_a_browser(
    link: &Link,
    [target, with_code]: [&str; 2],
    copyable: impl Fn(&str) -> String,
) -> String {
    let address = copyable(&link.address);
    let port = port_of(link);
    format!(
        "To sign in to {target}, open this page in a browser on this computer:\n\n{address}\n\n\
         The browser comes back to port {port} of this computer. If yours runs on another one, use a code:\n\n\
         {with_code}\n\n"
    )
}

/// What was chosen, before the reason for it.
fn first_words(way: Option<&Way>) -> &'static str {
    match way {
        Some(Way::Paste) => "Sign in with any browser, and paste the address on which it ends",
        Some(Way::Code) => "Sign in with a code",
        _ => "Sign in with a browser on this computer",
    }
}

/// The address alone on its line, what to bring back, and what not to do with it.
fn way_to_paste(link: &Link, target: &str, comes_back: bool, copyable: impl Fn(&str) -> String) -> String {
    let address = copyable(&link.address);
    let port = port_of(link);
    let (place, how) = if comes_back {
        (
            "a browser on this computer",
            format!(
                "The browser comes back to port {port} of this computer by itself. Where it cannot, paste the address on which \
                 it ended here, even one that failed to load."
            ),
        )
    } else {
        (
            "any browser",
            format!(
                "It ends on an address that begins with http://127.0.0.1:{port}/ and that most likely fails to load. Copy that \
                 address, and paste it here."
            ),
        )
    };
    format!(
        "To sign in to {target}, open this page in {place}:\n\n{address}\n\n{how}\n\
         That address signs in whoever holds it: paste it only here, never into a page or a chat.\n\n"
    )
}

fn port_of(link: &Link) -> &str {
    link.redirect_uri.rsplit_once(':').map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""))
}

/// Page, code, and page with the code filled in, each alone on its line.
fn invitation(codes: &Codes, target: &str, copyable: impl Fn(&str) -> String) -> String {
    let (page, code) = (copyable(&codes.verification_uri), copyable(&codes.user_code));
    let mut text =
        format!("To sign in to {target}, open this page in any browser, on any device:\n\n{page}\n\n");
    text.push_str(&format!("and compare or enter this code:\n\n{code}\n\n"));
    if let Some(complete) = &codes.verification_uri_complete {
        text.push_str(&format!("This page has the code filled in:\n\n{}\n\n", copyable(complete)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes() -> Codes {
        Codes {
            user_code: "BCDF-GHJK".into(),
            verification_uri: "http://127.0.0.1:8765/device".into(),
            verification_uri_complete: Some("http://127.0.0.1:8765/device?user_code=BCDF-GHJK".into()),
            expires_at: "2026-11-23T10:10:00Z".parse().unwrap(),
            client_name: Some("aldis-corp".into()),
        }
    }

    #[test]
    fn what_one_copies_stands_alone_on_its_line() {
        let text = invitation(&codes(), "corp", str::to_owned);
        for line in
            ["http://127.0.0.1:8765/device", "BCDF-GHJK", "http://127.0.0.1:8765/device?user_code=BCDF-GHJK"]
        {
            assert_eq!(text.lines().filter(|text| *text == line).count(), 1, "{text}");
        }
    }

    #[test]
    fn a_program_is_told_the_same() {
        assert_eq!(
            action_required(&Offer::Codes(codes())).to_string(),
            "{\"event\":\"action_required\",\"flow\":\"device\",\"user_code\":\"BCDF-GHJK\",\
             \"verification_uri\":\"http://127.0.0.1:8765/device\",\
             \"verification_uri_complete\":\"http://127.0.0.1:8765/device?user_code=BCDF-GHJK\",\
             \"expires_at\":\"2026-11-23T10:10:00Z\",\"client_name\":\"aldis-corp\"}"
        );
    }

    #[test]
    fn a_link_stands_alone_on_its_line_and_says_what_else_can_be_done() {
        let link = Link {
            address: "https://h/authorize?state=s".into(),
            redirect_uri: "http://127.0.0.1:38381/oauth/callback".into(),
            expires_at: "2026-11-23T10:10:00Z".parse().unwrap(),
        };
        let text = way_to_a_browser(
            &link,
            ["corp", "aldis login --sso-session corp --use-device-code"],
            str::to_owned,
        );
        for line in [link.address.as_str(), "aldis login --sso-session corp --use-device-code"] {
            assert_eq!(text.lines().filter(|text| *text == line).count(), 1, "{text}");
        }
        assert!(text.contains("port 38381 of this computer"), "{text}");
        assert_eq!(
            action_required(&Offer::Link(link)).to_string(),
            "{\"event\":\"action_required\",\"flow\":\"browser\",\
             \"authorization_url\":\"https://h/authorize?state=s\",\
             \"redirect_uri\":\"http://127.0.0.1:38381/oauth/callback\",\"expires_at\":\"2026-11-23T10:10:00Z\"}"
        );
    }
}
