//! Several ways to finish one sign-in: the browser's flow and the device flow side by side, of which the first to bring a token
//! wins. Which of them runs from the beginning is the first offer; the other one begins when the person asks for it, and not
//! before: a device code that waits is one that somebody could be talked into approving.
//!
//! A flow that fails while the other one runs closes its way only. A no of the person ends all.

use jiff::Timestamp;

use super::device::DeviceFlow;
use super::pkce::PkceFlow;
use super::under_way::UnderWay;
use super::{Action, Event, Flow, FlowError};
use crate::choose::Way;
use crate::progress::Progress;
use aws_formats::sso_cache::registration::Grant;

/// The flows, as one.
#[derive(Debug)]
pub struct Race {
    browser: Lane<PkceFlow>,
    device: Lane<DeviceFlow>,
}

/// Where a flow stands.
#[derive(Debug)]
enum Lane<F> {
    /// It is not offered, or over.
    Closed,
    /// It begins when the person wants it.
    Ready(F),
    /// It runs.
    Running(F),
}

impl<F: Flow> Lane<F> {
    fn new(flow: Option<F>, runs_first: bool) -> Self {
        match flow {
            None => Self::Closed,
            Some(flow) if runs_first => Self::Running(flow),
            Some(flow) => Self::Ready(flow),
        }
    }

    fn running(&self) -> Option<&F> {
        match self {
            Self::Running(flow) => Some(flow),
            _ => None,
        }
    }

    fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        match self {
            Self::Running(flow) => flow.on(event, now),
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, now: Timestamp) -> Vec<Action> {
        match std::mem::replace(self, Self::Closed) {
            Self::Ready(mut flow) => {
                let actions = flow.on(Event::Begin, now);
                *self = Self::Running(flow);
                actions
            }
            other => {
                *self = other;
                Vec::new()
            }
        }
    }
}

impl Race {
    /// The flows that are offered. Those that are under way already go on; where there are none, `first` says which one begins.
    pub fn new(browser: Option<PkceFlow>, device: Option<DeviceFlow>, first: Way) -> Self {
        let has_link = browser.as_ref().is_some_and(|flow| flow.pending().is_some());
        let has_codes = device.as_ref().is_some_and(|flow| flow.pending().is_some());
        let (is_new, is_code_first) = (!has_link && !has_codes, first == Way::Code);
        Self {
            browser: Lane::new(browser, has_link || is_new && !is_code_first),
            device: Lane::new(device, has_codes || is_new && is_code_first),
        }
    }

    /// What another process needs to go on in our place.
    pub fn under_way(&self) -> UnderWay {
        UnderWay {
            link: self.browser.running().and_then(PkceFlow::pending).map(Box::new),
            codes: self.device.running().and_then(DeviceFlow::pending).map(Box::new),
        }
    }

    fn take(&mut self, lane: Way, actions: Vec<Action>) -> Vec<Action> {
        let mut taken = Vec::new();
        for action in actions {
            let Action::End(Err(error)) = action else {
                taken.push(action);
                continue;
            };
            match lane {
                Way::Code => {
                    let over = std::mem::replace(&mut self.device, Lane::Closed);
                    if let (Lane::Running(over), FlowError::Expired) = (over, &error) {
                        self.device = Lane::Ready(over.anew());
                    }
                }
                Way::Open | Way::Paste => self.browser = Lane::Closed,
            }
            let is_alone = self.browser.running().is_none() && self.device.running().is_none();
            taken.push(match error {
                FlowError::Denied | FlowError::DeniedInBrowser { .. } | FlowError::Cancelled(_) => {
                    Action::End(Err(error))
                }
                error if is_alone => Action::End(Err(error)),
                FlowError::Expired => Action::Tell(Progress::CodesEnded),
                error => Action::Tell(Progress::WayClosed { way: lane, why: error.to_string() }),
            });
        }
        taken
    }
}

impl Flow for Race {
    fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        match event {
            Event::Begin | Event::Woke => {
                let again = || if matches!(event, Event::Begin) { Event::Begin } else { Event::Woke };
                let of_browser = self.browser.on(again(), now);
                let mut actions = self.take(Way::Open, of_browser);
                let of_device = self.device.on(again(), now);
                actions.extend(self.take(Way::Code, of_device));
                actions
            }
            Event::Ending(ending) => {
                // Each tidies up after itself; the first end ends both.
                let mut actions = self.browser.on(Event::Ending(ending), now);
                let place = actions.iter().position(|action| matches!(action, Action::End(_)));
                let end = place.map(|place| actions.remove(place));
                actions.extend(self.device.on(Event::Ending(ending), now));
                actions.extend(end);
                actions
            }
            // The question comes after the race.
            Event::Confirmed(_) => Vec::new(),
            Event::Wanted(Way::Code) => {
                let actions = self.device.begin(now);
                self.take(Way::Code, actions)
            }
            Event::Wanted(Way::Open | Way::Paste) => {
                let actions = self.browser.begin(now);
                self.take(Way::Open, actions)
            }
            Event::Registered(Grant::DeviceCode, _) | Event::Started(_) | Event::Polled(_) => {
                let actions = self.device.on(event, now);
                self.take(Way::Code, actions)
            }
            Event::Registered(Grant::AuthorizationCode, _)
            | Event::Checked(_)
            | Event::Arrived(_)
            | Event::Guessed(_)
            | Event::LinkVisited(_)
            | Event::InputEnded
            | Event::Exchanged(_) => {
                let actions = self.browser.on(event, now);
                self.take(Way::Open, actions)
            }
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let browser = self.browser.running().and_then(Flow::wake_at);
        let device = self.device.running().and_then(Flow::wake_at);
        browser.into_iter().chain(device).min()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let browser = self.browser.running().and_then(Flow::expires_at);
        let device = self.device.running().and_then(Flow::expires_at);
        browser.into_iter().chain(device).max()
    }
}

#[cfg(test)]
mod tests;
