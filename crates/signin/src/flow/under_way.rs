//! A sign-in that is under way, as several processes share it: what the person sees of it, and what it takes to finish it. One
//! that knows this can take the place of the one that began.

use std::time::Duration;

use jiff::Timestamp;
use wire::Secret;

use super::exposure::Exposure;
use super::race::Race;
use super::{Action, Call, Client, Deed, Event, Flow, FlowError};
use crate::progress::{Codes, Link, Offer};

/// What has been shown and waits for the person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// The link.
    pub link: Option<Box<PendingLink>>,
    /// The codes.
    pub codes: Option<Box<PendingCodes>>,
}

/// A link that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLink {
    /// The link.
    pub link: Link,
    /// What the answer must repeat.
    pub state: Secret,
    /// What proves that the question was ours.
    pub verifier: Secret,
    /// Who asked.
    pub client: Client,
    /// Whether the center is known to know it.
    pub is_vouched_for: bool,
    /// The part of it that the arguments of a started browser hold.
    pub exposure: Exposure,
}

/// Codes that were shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingCodes {
    /// The codes that the person sees.
    pub codes: Codes,
    /// The one for us.
    pub device_code: Secret,
    /// Who asked.
    pub client: Client,
    /// The pause between polls.
    pub interval: Duration,
    /// The part of them that the arguments of a started browser hold.
    pub exposure: Exposure,
}

impl PendingLink {
    /// The port to which the browser comes back.
    pub fn port(&self) -> Option<u16> {
        let (_, rest) = self.link.redirect_uri.rsplit_once(':')?;
        rest.split('/').next()?.parse().ok()
    }

    /// The path of the short link, if there is one.
    pub fn short_path(&self) -> Option<Secret> {
        let (_, path) = self.link.short.as_ref()?.rsplit_once('/')?;
        Some(format!("/{path}").into())
    }
}

impl UnderWay {
    /// Whether nothing has been shown.
    pub fn is_empty(&self) -> bool {
        self.link.is_none() && self.codes.is_none()
    }

    /// What a person sees of it.
    pub fn offers(&self) -> Vec<Offer> {
        let link = self.link.iter().map(|pending| Offer::Link(pending.link.clone()));
        let codes = self.codes.iter().map(|pending| Offer::Codes(pending.codes.clone()));
        link.chain(codes).collect()
    }

    /// This, and of `other` what is missing here.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { link: self.link.or(other.link), codes: self.codes.or(other.codes) }
    }
}

/// A race that says what it shows before it shows it.
#[derive(Debug)]
pub struct Shared {
    race: Race,
    shared: UnderWay,
    /// Whether it ends as soon as something is shown, without a poll, so that another process can finish it.
    leaves_pending: bool,
}

impl Shared {
    /// Of the race what is `known` already need not be said.
    pub fn new(race: Race, known: UnderWay) -> Self {
        Self { race, shared: known, leaves_pending: false }
    }

    /// The same, which ends with [`FlowError::LeftPending`] as soon as something is shown. It does not poll: an approval would be
    /// spent for a token that nobody waits for.
    #[must_use]
    pub fn leaving_pending(mut self, leaves_pending: bool) -> Self {
        self.leaves_pending = leaves_pending;
        self
    }

    /// All that was said.
    pub fn shared(&self) -> UnderWay {
        self.shared.clone()
    }

    /// What another process needs to go on in our place.
    pub fn under_way(&self) -> UnderWay {
        self.race.under_way()
    }
}

impl Flow for Shared {
    fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        let mut actions = self.race.on(event, now);
        // What is closed or being exchanged is not taken back: others have shown it, too.
        let under_way = self.race.under_way().or(self.shared.clone());
        if under_way != self.shared {
            self.shared = under_way.clone();
            actions.insert(0, Action::Do(Deed::Share(Box::new(under_way))));
        }
        if self.leaves_pending && !self.shared.is_empty() {
            actions.retain(|action| !matches!(action, Action::Call(Call::Poll(..))));
            actions.push(Action::End(Err(FlowError::LeftPending)));
        }
        actions
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.race.wake_at()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.race.expires_at()
    }
}
