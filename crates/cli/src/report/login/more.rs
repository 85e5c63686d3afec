//! Earlier sign-ins that go on, and doubts about who signed in.

use signin::progress::Progress;

use super::LoginReport;
use crate::report::came;
use crate::report::news::warning;

impl LoginReport<'_> {
    /// Tells what is not about the offers of this sign-in.
    pub(super) fn told_more(&mut self, progress: Progress) {
        match progress {
            Progress::Recovered => {
                // Its way was chosen by an earlier command.
                self.reason = None;
                let target = &self.target;
                self.note(&format!("An earlier sign-in to {target} still waits, and goes on here"));
            }
            Progress::EarlierCodeApproved => {
                self.note("The code that an earlier command showed was approved; this is its sign-in");
            }
            Progress::EarlierCodeDenied => {
                self.note("The code that an earlier command showed was denied; this is a new sign-in");
            }
            Progress::NotListening { why } => {
                self.warn(&format!(
                    "the browser cannot come back here by itself: {why}; paste the address on which it ended"
                ));
            }
            Progress::LinkReused { by_other_user } => {
                let who = if by_other_user {
                    "another user of this computer has"
                } else {
                    "a second browser, or another user of this computer, has"
                };
                let then = if self.has_keys {
                    "; before a token is kept you are asked who signed in. If your own browser was turned away, open the long link"
                } else {
                    ""
                };
                self.warn(&format!("{who} opened the link that the started browser was given{then}"));
            }
            Progress::ConfirmationNeeded { doubt, came } => {
                let question = came::question(doubt, &came, &self.target);
                self.note(&question);
                self.question = Some(question);
            }
            Progress::NotRevoked { why } => {
                self.warn(&format!("the token was not kept, but could not be ended at the center: {why}"));
            }
            other => {
                if let Some(text) = warning(self.outside, other) {
                    self.warn(&text);
                }
            }
        }
    }
}
