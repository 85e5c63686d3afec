//! The question whose a token is, before it is kept. The answer is a key; until it comes the token lies nowhere but in memory.

use std::time::Duration;

use jiff::Timestamp;

use super::{Action, Event, Flow, FlowError, Granted, after};
use crate::progress::Progress;

/// The time for an answer; then the answer is no.
const TIME_TO_ANSWER: Duration = Duration::from_secs(300);

/// A token that waits for the user's word.
#[derive(Debug)]
pub struct Confirm {
    granted: Option<Granted>,
    question: Progress,
    ends_at: Timestamp,
}

impl Confirm {
    /// Asks `question` about that token.
    pub fn new(granted: Granted, question: Progress, now: Timestamp) -> Self {
        Self { granted: Some(granted), question, ends_at: after(now, TIME_TO_ANSWER) }
    }
}

impl Flow for Confirm {
    fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        let end = |result| vec![Action::End(result)];
        match event {
            Event::Begin => vec![Action::Tell(self.question.clone())],
            Event::Confirmed(true) => end(self.granted.take().ok_or(FlowError::NotConfirmed)),
            Event::Confirmed(false) => end(Err(FlowError::NotConfirmed)),
            Event::Woke if now >= self.ends_at => end(Err(FlowError::NotConfirmed)),
            Event::Ending(ending) => end(Err(FlowError::Cancelled(ending))),
            _ => Vec::new(),
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        Some(self.ends_at)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Client;
    use crate::flow::exposure::Exposure;
    use jiff::SignedDuration;
    use outside::signals::Ending;
    use wire::oidc::CreateTokenResponse;

    fn at(seconds: i64) -> Timestamp {
        "2026-11-30T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    fn asked() -> Confirm {
        let token = CreateTokenResponse {
            access_token: "aoa".into(),
            token_type: None,
            expires_in: 3600,
            refresh_token: None,
        };
        let client = Client { id: "c".into(), secret: "s".into(), expires_at: at(9000) };
        let granted = Granted { token, client, at: at(0), exposure: Exposure::ShortLinkReused };
        let mut flow = Confirm::new(granted, Progress::LinkReused { by_other_user: true }, at(0));
        assert!(matches!(
            flow.on(Event::Begin, at(0)).as_slice(),
            [Action::Tell(Progress::LinkReused { .. })]
        ));
        flow
    }

    #[test]
    fn only_a_yes_hands_over_the_token() {
        let ends_well = |event, seconds| match asked().on(event, at(seconds)).pop() {
            Some(Action::End(result)) => Some(result.is_ok()),
            _ => None,
        };
        assert_eq!(ends_well(Event::Confirmed(true), 1), Some(true));
        assert_eq!(ends_well(Event::Confirmed(false), 1), Some(false));
        assert_eq!(ends_well(Event::Woke, 299), None);
        assert_eq!(ends_well(Event::Woke, 300), Some(false), "silence is no yes");
        assert_eq!(ends_well(Event::Ending(Ending::Interrupt), 1), Some(false));
        assert_eq!(ends_well(Event::InputEnded, 1), None);
    }
}
