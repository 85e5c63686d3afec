//! One poll for codes that an earlier process showed and did not live to redeem. Whatever it brings ends the flow: a token, or
//! [`Unredeemed`], what is left of the codes.

use std::time::Duration;

use center_client::CallError;
use jiff::Timestamp;

use super::device::{PollVerdict, SLOW_DOWN, verdict};
use super::under_way::PendingCodes;
use super::{Action, Call, Event, Flow, FlowError, Granted};

/// What a poll without a token left.
#[derive(Debug)]
pub enum Unredeemed {
    /// The codes still wait for an approval; the next poll may come after the pause.
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
    /// What came of it, if it was no token.
    pub unredeemed: Option<Unredeemed>,
}

impl Redeem {
    /// A poll for those codes.
    pub fn new(pending: PendingCodes) -> Self {
        Self { pending, unredeemed: None }
    }

    fn leave(&mut self, error: CallError) -> FlowError {
        let (unredeemed, end) = match verdict(&error) {
            PollVerdict::Pending => (Unredeemed::Waits(self.pending.interval), FlowError::LeftPending),
            PollVerdict::SlowDown => {
                (Unredeemed::Waits(self.pending.interval + SLOW_DOWN), FlowError::LeftPending)
            }
            // The codes are as good as before; whoever shows them again polls on.
            PollVerdict::Trouble => (Unredeemed::Waits(self.pending.interval), FlowError::LeftPending),
            PollVerdict::Denied => (Unredeemed::Denied, FlowError::Denied),
            PollVerdict::Expired => (Unredeemed::Expired, FlowError::Expired),
            PollVerdict::Final => (Unredeemed::Gone(error), FlowError::LeftPending),
        };
        self.unredeemed = Some(unredeemed);
        end
    }
}

impl Flow for Redeem {
    fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        let PendingCodes { client, device_code, exposure, .. } = &self.pending;
        match event {
            Event::Begin => vec![Action::Call(Call::Poll(client.clone(), device_code.clone()))],
            Event::Polled(Ok(token)) => {
                let granted = Granted { token, client: client.clone(), at: now, exposure: *exposure };
                vec![Action::End(Ok(granted))]
            }
            Event::Polled(Err(error)) => vec![Action::End(Err(self.leave(error)))],
            Event::Ending(ending) => vec![Action::End(Err(FlowError::Cancelled(ending)))],
            _ => Vec::new(),
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        None
    }

    fn expires_at(&self) -> Option<Timestamp> {
        None
    }
}
