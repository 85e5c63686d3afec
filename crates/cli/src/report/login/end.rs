//! The end of a sign-in: what came of it, or why nothing did.

use std::io;

use jiff::Timestamp;
use outside::painted::{Color, Painted};
use signin::came::Came;
use signin::sign_in::{SignInError, SignedIn};

use super::{LoginReport, Stage};
use crate::report::words::{print, warn};
use crate::report::{Exit, Failure, Kind, came, events, hints, when};
use crate::request::session::Meant;

impl LoginReport<'_> {
    /// Why the sign-in did not happen.
    pub(crate) fn failure(mut self, error: SignInError, meant: &Meant) -> Failure {
        let hint = format!("sign in where it can be written: {}", meant.login);
        match (self.lost.take(), error) {
            (Some(lost), SignInError::Unseen { .. }) => {
                Failure::new(Kind::Other, CannotShow(lost)).hint(hint)
            }
            (_, error) => hints::sign_in(error, meant, &self.again),
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

    /// Says how to finish the sign-in that was shown.
    pub(crate) fn left_pending(mut self, expires_at: Timestamp, meant: &Meant) -> Result<Exit, Failure> {
        self.stop_spinning();
        let resume = format!("{} --resume", meant.login);
        if self.style.json {
            return print(self.outside, &format!("{}\n", events::pending(&self.target, expires_at, &resume)));
        }
        let until = when::local(expires_at, self.outside.clock.now());
        let first = if self.link().is_some() { "open the link" } else { "approve the code" };
        self.note(&format!(
            "This command does not wait: {first} until {until}, and finish the sign-in with:"
        ));
        let command = self.style.paint(Color::Cyan, &resume);
        self.outside.terminal.words(Painted::from("\n").then(command).then("\n"));
        Ok(Exit::Done)
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
        let rest = self.fitting(&rest, words.len());
        self.outside.terminal.words(self.style.paint(Color::Green, words).then(rest).then("\n"));
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
            warn(self.outside, self.style, came::warning(came, before, &self.sign_out));
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("what there is to do cannot be written to standard output, so there is no sign-in")]
struct CannotShow(#[source] io::Error);
