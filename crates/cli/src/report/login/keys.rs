//! The keys of a sign-in that waits: which there are, and what those of the terminal do.

use outside::painted::Painted;
use signin::choose::Way;
use signin::progress::{Codes, Link, Offer};
use signin::sign_in::{CODE_KEY, PASTE_KEY};

use super::{LoginReport, forward_help};
use crate::report::moving::Named;
use crate::report::osc::Between;
use crate::report::qr;
use crate::request::login::{COPY_KEY, FORWARD_KEY, QR_KEY};

impl LoginReport<'_> {
    /// The keys that do something now.
    pub(super) fn keys(&self) -> Vec<Named> {
        if !self.has_keys {
            return Vec::new();
        }
        let (has_paste, has_open) = (self.ways.contains(&Way::Paste), self.ways.contains(&Way::Open));
        let by_browser = if has_paste { "paste" } else { "browser" };
        let may_forward = self.link().is_some_and(|link| !self.forwards(link).is_empty());
        let keys = [
            (CODE_KEY, "code", self.ways.contains(&Way::Code) && self.codes().is_none()),
            (PASTE_KEY, by_browser, (has_paste || has_open) && self.link().is_none()),
            (COPY_KEY, "copy", self.between().is_some()),
            (QR_KEY, "QR", self.codes().is_some()),
            (FORWARD_KEY, if self.shows_help { "link" } else { "forward" }, may_forward),
        ];
        keys.into_iter().filter(|(.., is_there)| *is_there).map(|(letter, word, _)| (letter, word)).collect()
    }

    /// Whether an address may be pasted at the moment.
    pub(super) fn takes_pastes(&self) -> bool {
        self.has_keys && self.ways.contains(&Way::Paste) && self.link().is_some()
    }

    /// The multiplexer between this process and the terminal that the user sees.
    pub(super) fn between(&self) -> Option<Between> {
        let env = &self.outside.env;
        let between = || Between::of(env.get("TERM"), env.get("TMUX"), env.get("STY"));
        self.is_lively().then(between).flatten()
    }

    /// A key that is ours.
    pub(super) fn pressed(&mut self, letter: char) {
        match (letter.to_ascii_lowercase(), self.offers.last(), self.codes()) {
            (COPY_KEY, Some(offer), _) => self.copy(offer),
            (QR_KEY, _, Some(codes)) => self.draw(codes),
            // The question of a browser's flow belongs on one screen only.
            (QR_KEY, Some(_), None) => {
                let first = if self.ways.contains(&Way::Code) { ": press c first" } else { "" };
                self.note(&format!("A QR code is there for a code only{first}"));
            }
            (FORWARD_KEY, ..) => {
                if let Some(link) = self.link().cloned() {
                    self.turn_help(link);
                }
            }
            _ => {}
        }
    }

    fn copy(&self, offer: &Offer) {
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
        self.outside.terminal.words(order.unwrap_or_default());
        self.note(said);
    }

    fn draw(&self, codes: &Codes) {
        let link = codes.verification_uri_complete.as_ref().unwrap_or(&codes.verification_uri);
        let terminal = &self.outside.terminal;
        let lines = qr::lines(link, terminal.columns(), self.outside.env.is_utf8());
        match lines.filter(|lines| lines.len() < terminal.rows()) {
            Some(lines) => {
                let paint = |line: &String| {
                    if self.style.colored { qr::painted(line) } else { Painted::from(line) }
                };
                terminal.words(lines.iter().map(|line| paint(line).then("\n")).collect::<Painted>());
            }
            None => self.note("There is no room for a QR code in this window"),
        }
    }

    /// Shows the help on forwarding, and at the next time the link again: a small window has no room for both.
    fn turn_help(&mut self, link: Link) {
        let forwards = self.forwards(&link);
        if forwards.is_empty() {
            return;
        }
        if self.shows_help {
            self.ask(&Offer::Link(link));
        } else {
            self.show(&forward_help(&link, forwards));
        }
        self.shows_help = !self.shows_help;
    }
}
