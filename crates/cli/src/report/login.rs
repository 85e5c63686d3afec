//! A sign-in while it goes on, and its end.

use std::time::Duration;

use outside::Outside;
use serde_json::json;
use signin::progress::{Codes, Progress, Watcher};
use signin::session::SignedIn;

use super::news::warning;
use super::when;
use super::words::{Color, Style, note, print, warn};
use super::{Exit, Failure};

const BEAT: Duration = Duration::from_millis(120);
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
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
    /// Whether a line is there that has to be taken away before the next words.
    spinning: bool,
    frame: usize,
}

impl<'a> LoginReport<'a> {
    /// Shows the sign-in to `target`.
    pub(crate) fn new(outside: &'a Outside, style: Style, stage: Stage, target: &str) -> Self {
        Self { outside, style, stage, target: target.to_owned(), spinning: false, frame: 0 }
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
        let frame = FRAMES[self.frame % FRAMES.len()];
        self.frame += 1;
        let line = format!("{frame} waiting for your approval, {} left", when::minutes(left));
        let shown: String = line.chars().take(self.outside.terminal.columns().saturating_sub(1)).collect();
        self.outside.terminal.words(&format!("{CLEAR_LINE}{shown}"));
        self.spinning = true;
    }

    fn ask(&self, codes: &Codes) {
        if self.style.json {
            // A reader that went away has not kept the person from approving; the end of the command will say it.
            let _ = self.outside.terminal.data(&format!("{}\n", action_required(codes)));
            return;
        }
        let text = invitation(codes, &self.target, |text| self.copyable(text));
        match self.stage {
            Stage::Words => self.outside.terminal.words(&text),
            Stage::Data => {
                let _ = self.outside.terminal.data(&text);
            }
        }
    }

    /// Says how long it waits: on a lively terminal in a line that moves, else once.
    fn wait(&mut self, left: Duration) {
        if self.is_lively() {
            self.spin(left);
        } else if !self.style.json {
            let left = when::minutes(left);
            self.outside.terminal.words(&format!("Waiting for your approval, {left} minutes at most\n"));
        }
    }

    fn copyable(&self, text: &str) -> String {
        match self.stage {
            Stage::Words => self.style.paint(Color::Cyan, text),
            Stage::Data => text.to_owned(),
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
            Progress::ActionRequired(codes) => self.ask(&codes),
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

fn action_required(codes: &Codes) -> serde_json::Value {
    json!({
        "event": "action_required",
        "user_code": codes.user_code,
        "verification_uri": codes.verification_uri,
        "verification_uri_complete": codes.verification_uri_complete,
        "expires_at": when::utc(codes.expires_at),
        "client_name": codes.client_name,
    })
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
            action_required(&codes()).to_string(),
            "{\"event\":\"action_required\",\"user_code\":\"BCDF-GHJK\",\
             \"verification_uri\":\"http://127.0.0.1:8765/device\",\
             \"verification_uri_complete\":\"http://127.0.0.1:8765/device?user_code=BCDF-GHJK\",\
             \"expires_at\":\"2026-11-23T10:10:00Z\",\"client_name\":\"aldis-corp\"}"
        );
    }
}
