//! The question whose a token is, before it is kept: somebody else on this machine may have completed the sign-in as their own
//! person (RFC 6819 section 4.4.1.8).

use super::room::{Ended, Room};
use super::{DROP_KEY, KEEP_KEY, SignInError};
use crate::came::LookedAt;
use crate::drive::Inbox;
use crate::flow::confirm::Confirm;
use crate::flow::exposure::Doubt;
use crate::flow::{FlowError, Granted};
use crate::inlet::keys::{Keys, Meaning};
use crate::progress::{Progress, Watcher};

/// The decision about a token about which there is a doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Keep,
    Ask,
    Refuse,
}

/// Decides it. `is_stranger` says whether the person is another one than at the last sign-in, and `can_ask` whether a user at a
/// terminal can answer.
fn decide(doubt: Doubt, is_stranger: bool, can_ask: bool) -> Decision {
    match (doubt, is_stranger, can_ask) {
        (Doubt::LinkReused, _, true) | (Doubt::AddressExposed, true, true) => Decision::Ask,
        (Doubt::LinkReused, _, false) => Decision::Refuse,
        // The warning that comes with every other person is all that there can be.
        (Doubt::AddressExposed, true, false) | (Doubt::AddressExposed, false, _) => Decision::Keep,
    }
}

impl Room<'_> {
    /// Hands over the token if nothing speaks against keeping it, with what is known of its person if it was looked at. A token
    /// that is not kept is ended at the center. Another process may sign in meanwhile.
    ///
    /// # Errors
    /// If the user says no or cannot be asked.
    pub(super) fn confirm(&mut self, ended: Ended, watcher: &mut dyn Watcher) -> Result<Ended, SignInError> {
        let Ended::Here(granted, _) = ended else { return Ok(ended) };
        let before = self.session.last_seen();
        let doubt =
            granted.exposure.doubt().filter(|doubt| *doubt != Doubt::AddressExposed || before.is_some());
        let Some(doubt) = doubt else { return Ok(Ended::Here(granted, None)) };
        let token = granted.token.access_token.clone();
        let mut looked_at = self.session.look_at(self.center, &token, before);
        let is_stranger = looked_at.came.before.is_some();
        let confirmed = match decide(doubt, is_stranger, self.wish.reads_keys) {
            Decision::Keep => return Ok(Ended::Here(granted, Some(Box::new(looked_at)))),
            Decision::Refuse => Err(FlowError::LinkReused),
            Decision::Ask => self.ask_whose(granted, doubt, &looked_at, watcher),
        };
        match confirmed {
            Ok(granted) => {
                // The user knows, and needs no warning.
                looked_at.came.before = None;
                Ok(Ended::Here(granted, Some(Box::new(looked_at))))
            }
            Err(error) => {
                if let Err(failure) = self.session.give_back(self.center, &token) {
                    watcher.told(Progress::NotRevoked { why: failure.to_string() });
                }
                self.after_other(error)
            }
        }
    }

    fn ask_whose(
        &mut self,
        granted: Granted,
        doubt: Doubt,
        looked_at: &LookedAt,
        watcher: &mut dyn Watcher,
    ) -> Result<Granted, FlowError> {
        let inbox = Inbox::new();
        let letters = vec![(KEEP_KEY, Meaning::Answers(true)), (DROP_KEY, Meaning::Answers(false))];
        let Ok(keys) = Keys::listen(letters, None, false, inbox.sender()) else {
            return Err(FlowError::LinkReused);
        };
        if let Some(inlet) = &self.inlet {
            inlet.tell_of_question();
        }
        let question = Progress::ConfirmationNeeded { doubt, came: Box::new(looked_at.came.clone()) };
        let mut flow = Confirm::new(granted, question, self.session.clock.now());
        self.turn_beside(&mut flow, Some((&keys, &inbox)), watcher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_link_is_always_asked_about_and_an_exposed_address_if_the_person_is_another() {
        let rows = [
            (Doubt::LinkReused, false, true, Decision::Ask),
            (Doubt::LinkReused, true, true, Decision::Ask),
            (Doubt::LinkReused, false, false, Decision::Refuse),
            (Doubt::LinkReused, true, false, Decision::Refuse),
            (Doubt::AddressExposed, false, true, Decision::Keep),
            (Doubt::AddressExposed, true, true, Decision::Ask),
            (Doubt::AddressExposed, false, false, Decision::Keep),
            (Doubt::AddressExposed, true, false, Decision::Keep),
        ];
        for (doubt, is_stranger, can_ask, decision) in rows {
            assert_eq!(decide(doubt, is_stranger, can_ask), decision, "{doubt:?} {is_stranger} {can_ask}");
        }
    }
}
