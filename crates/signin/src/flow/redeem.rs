//! One poll for codes that an earlier process showed and did not live to redeem. Whatever it brings ends the flow: a token, or
//! [`Unredeemed`], what is left of the codes. Only `slow_down` says nothing about an approval, so the poll is made once more.

use std::time::Duration;

use center_client::CallError;
use jiff::Timestamp;

use super::device::{PollVerdict, SLOW_DOWN, verdict};
use super::under_way::PendingCodes;
use super::{Action, Call, Event, Flow, FlowError, Granted, after};

/// The state after a poll without a token.
#[derive(Debug)]
pub enum Unredeemed {
    /// The codes still wait for an approval; this is the pause between polls.
    Waits(Duration),
    /// The person said no.
    Denied,
    /// The codes are over at the center.
    Expired,
    /// The center knows them no more; this is what it said.
    Gone(CallError),
}

/// The flow.
#[derive(Debug)]
pub struct Redeem {
    pending: PendingCodes,
    /// When to poll next; `None` while a poll is under way.
    next: Option<Timestamp>,
    was_slowed_down: bool,
    /// The result, if it was no token.
    pub unredeemed: Option<Unredeemed>,
}

impl Redeem {
    /// A poll for those codes at that time.
    pub fn new(pending: PendingCodes, first_poll: Timestamp) -> Self {
        Self { pending, next: Some(first_poll), was_slowed_down: false, unredeemed: None }
    }

    fn poll_if_due(&mut self, now: Timestamp) -> Vec<Action> {
        if self.next.is_none_or(|next| now < next) {
            return Vec::new();
        }
        self.next = None;
        vec![Action::Call(Call::Poll(self.pending.client.clone(), self.pending.device_code.clone()))]
    }

    fn leave_or_poll_again(&mut self, error: CallError, now: Timestamp) -> Vec<Action> {
        let verdict = verdict(&error);
        if matches!(verdict, PollVerdict::SlowDown) {
            self.pending.interval += SLOW_DOWN;
            if !std::mem::replace(&mut self.was_slowed_down, true) {
                self.next = Some(after(now, self.pending.interval));
                return Vec::new();
            }
        }
        let (unredeemed, end) = match verdict {
            PollVerdict::Pending | PollVerdict::SlowDown => {
                (Unredeemed::Waits(self.pending.interval), FlowError::LeftPending)
            }
            // The codes are as good as before; whoever shows them again polls on.
            PollVerdict::Trouble => (Unredeemed::Waits(self.pending.interval), FlowError::LeftPending),
            PollVerdict::Denied => (Unredeemed::Denied, FlowError::Denied),
            PollVerdict::Expired => (Unredeemed::Expired, FlowError::Expired),
            PollVerdict::Final => (Unredeemed::Gone(error), FlowError::LeftPending),
        };
        self.unredeemed = Some(unredeemed);
        vec![Action::End(Err(end))]
    }
}

impl Flow for Redeem {
    fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        match event {
            Event::Begin | Event::Woke => self.poll_if_due(now),
            Event::Polled(Ok(token)) => {
                let PendingCodes { client, exposure, .. } = self.pending.clone();
                vec![Action::End(Ok(Granted { token, client, at: now, exposure }))]
            }
            Event::Polled(Err(error)) => self.leave_or_poll_again(error, now),
            Event::Ending(ending) => vec![Action::End(Err(FlowError::Cancelled(ending)))],
            _ => Vec::new(),
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.next
    }

    fn expires_at(&self) -> Option<Timestamp> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::record::tests::{at, record};
    use center_client::refusal::{Meaning, Refusal};
    use wire::oidc::OidcError;

    fn refused(error: OidcError) -> Event {
        Event::Polled(Err(CallError::Refused(Box::new(Refusal {
            operation: "CreateToken",
            origin: "https://h".into(),
            meaning: Meaning::Oidc(error),
            status: 400,
            name: Some("x".into()),
            message: None,
            retry_after: None,
            via: None,
        }))))
    }

    fn polls(actions: &[Action]) -> bool {
        matches!(actions, [Action::Call(Call::Poll(..))])
    }

    #[test]
    fn a_poll_waits_for_its_time_and_ends_with_what_is_left() {
        let codes = *record().under_way.codes.unwrap();
        let interval = codes.interval;
        let begun = || {
            let mut flow = Redeem::new(codes.clone(), at(3));
            assert!(flow.on(Event::Begin, at(0)).is_empty() && flow.wake_at() == Some(at(3)));
            assert!(polls(&flow.on(Event::Woke, at(3))) && flow.wake_at().is_none());
            flow
        };
        let mut flow = begun();
        flow.on(refused(OidcError::AuthorizationPending), at(4));
        assert!(matches!(flow.unredeemed, Some(Unredeemed::Waits(pause)) if pause == interval));
        let mut flow = begun();
        flow.on(refused(OidcError::AccessDenied), at(4));
        assert!(matches!(flow.unredeemed, Some(Unredeemed::Denied)));
        let mut flow = begun();
        flow.on(refused(OidcError::ExpiredToken), at(4));
        assert!(matches!(flow.unredeemed, Some(Unredeemed::Expired)));
        let mut flow = begun();
        flow.on(refused(OidcError::InvalidGrant), at(4));
        assert!(matches!(flow.unredeemed, Some(Unredeemed::Gone(_))));
    }

    #[test]
    fn an_approved_code_is_not_missed_because_of_a_slow_down() {
        let codes = *record().under_way.codes.unwrap();
        let slower = codes.interval + SLOW_DOWN;
        let mut flow = Redeem::new(codes, at(0));
        assert!(polls(&flow.on(Event::Begin, at(0))));
        assert!(flow.on(refused(OidcError::SlowDown), at(1)).is_empty(), "it says nothing of an approval");
        let next = flow.wake_at().unwrap();
        assert_eq!(next, after(at(1), slower));
        assert!(polls(&flow.on(Event::Woke, next)));
        flow.on(refused(OidcError::SlowDown), next);
        assert!(matches!(flow.unredeemed, Some(Unredeemed::Waits(pause)) if pause == slower + SLOW_DOWN));
    }
}
