//! The device flow (RFC 8628), from a client to a token.
//!
//! 1. There is a client, from the cache or from RegisterClient.
//! 2. StartDeviceAuthorization gives a device code for us and a user code for the person (section 3.2).
//! 3. The person is told code and page together (section 3.3).
//! 4. We poll (section 3.4): first at once, for a center may have approved already, then `interval` seconds after
//!    each answer, five where the center names none. Each `slow_down` makes the pauses five seconds longer for good;
//!    what fails on the way doubles them until it works again (section 3.5).
//! 5. It ends with a token, a no, or the end of the codes by our own clock. No poll is sent after that end.
//!
//! A center that does not know our client any more (its keys were lost, or another center answers now) makes us
//! register anew and begin again at step 2, once.

use std::time::Duration;

use aws_formats::sso_cache::registration::Grant;
use center_client::CallError;
use center_client::refusal::Meaning;
use jiff::Timestamp;
use outside::clock::until;
use wire::Secret;
use wire::oidc::{CreateTokenResponse, OidcError, StartDeviceAuthorizationResponse};
use wire::words::printable;

use super::exposure::Exposure;
use super::under_way::PendingCodes;
use super::{Action, Call, Client, Deed, Event, Flow, FlowError, Granted, after, register};
use crate::progress::{Codes, Offer, Progress};

/// The pause where the center names none (RFC 8628 section 3.2).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// What each `slow_down` adds (RFC 8628 section 3.5).
pub(super) const SLOW_DOWN: Duration = Duration::from_secs(5);
/// The longest pause of ours after failures; a center may ask for longer ones.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// No code lives longer than a day, whatever a center says.
const LONGEST_LIFE: i64 = 24 * 60 * 60;
/// No center is polled less often than once a minute: an approval must be seen before the code ends. `slow_down` still adds to it.
const LONGEST_INTERVAL: u64 = 60;
/// Room for every honest address, and none for a screenful.
const SHOWN_ADDRESS: usize = 2048;
const SHOWN_CODE: usize = 64;

const GRANT: Grant = Grant::DeviceCode;

/// The flow.
#[derive(Debug)]
pub struct DeviceFlow {
    state: State,
    open_browser: bool,
    client_name: Option<String>,
    /// Whether the client was registered anew already.
    renewed: bool,
    /// The client that asked last.
    client: Option<Client>,
}

#[derive(Debug)]
enum State {
    /// Before step 1, with the cached client if there is one.
    Ready(Option<Client>),
    /// Step 1.
    Registering,
    /// Step 2; the codes' life is counted from when they were asked for, so that it cannot end later here than there.
    Starting { client: Client, asked_at: Timestamp },
    /// Step 4.
    Polling(Box<Polling>),
    /// Step 5.
    Over,
}

#[derive(Debug)]
struct Polling {
    client: Client,
    device_code: Secret,
    codes: Codes,
    interval: Duration,
    exposure: Exposure,
    /// Failures in a row.
    failures: u32,
    /// Whether what was told of them last was an answer that is none, and not that none came. The same trouble is told once.
    told: Option<bool>,
    /// When to poll next; nothing while a poll is under way, or while another process polls.
    next: Option<Timestamp>,
}

impl Polling {
    /// The center answered a poll.
    fn is_well(&mut self) {
        self.failures = 0;
        self.told = None;
    }
}

impl DeviceFlow {
    /// A flow that begins with the cached client, if there is one.
    pub fn new(cached: Option<Client>, client_name: Option<String>, open_browser: bool) -> Self {
        Self { state: State::Ready(cached), open_browser, client_name, renewed: false, client: None }
    }

    /// A flow that is at step 4 already: its codes have been shown. While another process polls, this one does not.
    pub fn resumed(pending: PendingCodes, polls_from: Option<Timestamp>) -> Self {
        let PendingCodes { codes, device_code, client, interval, exposure } = pending;
        let next = polls_from;
        let (client_name, asker) = (codes.client_name.clone(), Some(client.clone()));
        let polling =
            Polling { client, device_code, codes, interval, exposure, failures: 0, told: None, next };
        Self {
            state: State::Polling(Box::new(polling)),
            open_browser: false,
            client_name,
            renewed: false,
            client: asker,
        }
    }

    /// One that begins again, after the codes of this one have ended.
    #[must_use]
    pub fn anew(self) -> Self {
        Self::new(self.client, self.client_name, false)
    }

    /// What another process needs to go on in our place, while an approval is waited for.
    pub fn pending(&self) -> Option<PendingCodes> {
        let State::Polling(polling) = &self.state else { return None };
        Some(PendingCodes {
            codes: polling.codes.clone(),
            device_code: polling.device_code.clone(),
            client: polling.client.clone(),
            interval: polling.interval,
            exposure: polling.exposure,
        })
    }

    fn register(&mut self) -> Vec<Action> {
        self.state = State::Registering;
        vec![Action::Call(Call::Register(GRANT))]
    }

    fn start(&mut self, client: Client, now: Timestamp) -> Vec<Action> {
        self.client = Some(client.clone());
        self.state = State::Starting { client: client.clone(), asked_at: now };
        vec![Action::Call(Call::StartDevice(client))]
    }

    fn show(
        &mut self,
        client: Client,
        asked_at: Timestamp,
        answer: StartDeviceAuthorizationResponse,
        now: Timestamp,
    ) -> Vec<Action> {
        let life = u64::try_from(answer.expires_in.clamp(0, LONGEST_LIFE)).unwrap_or_default();
        let expires_at = after(asked_at, Duration::from_secs(life));
        if life == 0 {
            return end(Err(FlowError::Expired));
        }
        let interval = answer.interval.and_then(|seconds| u64::try_from(seconds).ok());
        let interval = interval
            .map_or(DEFAULT_INTERVAL, |seconds| Duration::from_secs(seconds.clamp(1, LONGEST_INTERVAL)));
        let codes = Codes {
            user_code: printable(&answer.user_code, SHOWN_CODE),
            verification_uri: printable(&answer.verification_uri, SHOWN_ADDRESS),
            verification_uri_complete: answer
                .verification_uri_complete
                .map(|address| printable(&address, SHOWN_ADDRESS)),
            expires_at,
            client_name: self.client_name.clone(),
        };
        let page = codes.verification_uri_complete.clone().unwrap_or_else(|| codes.verification_uri.clone());
        let mut actions = vec![Action::Tell(Progress::ActionRequired(Offer::Codes(codes.clone())))];
        if self.open_browser {
            actions.push(Action::Do(Deed::OpenBrowser(page)));
        }
        actions.push(Action::Tell(Progress::Waiting { left: until(now, expires_at) }));
        actions.push(Action::Call(Call::Poll(client.clone(), answer.device_code.clone())));
        let device_code = answer.device_code;
        let exposure = if self.open_browser { Exposure::Address } else { Exposure::Hidden };
        self.state = State::Polling(Box::new(Polling {
            client,
            device_code,
            codes,
            interval,
            exposure,
            failures: 0,
            told: None,
            next: None,
        }));
        actions
    }

    fn poll_or_expire(&mut self, mut polling: Box<Polling>, now: Timestamp) -> Vec<Action> {
        if polling.next.is_none_or(|next| now < next && now < polling.codes.expires_at) {
            self.state = State::Polling(polling);
            return Vec::new();
        }
        if now >= polling.codes.expires_at {
            return end(Err(FlowError::Expired));
        }
        polling.next = None;
        let call = Call::Poll(polling.client.clone(), polling.device_code.clone());
        self.state = State::Polling(polling);
        vec![Action::Call(call)]
    }

    fn digest(
        &mut self,
        mut polling: Box<Polling>,
        answer: Result<CreateTokenResponse, CallError>,
        now: Timestamp,
    ) -> Vec<Action> {
        let error = match answer {
            Ok(token) => {
                let Polling { client, exposure, .. } = *polling;
                return end(Ok(Granted { token, client, at: now, exposure }));
            }
            Err(error) => error,
        };
        let mut actions = Vec::new();
        let pause = match verdict(&error) {
            PollVerdict::Pending => {
                polling.is_well();
                polling.interval
            }
            PollVerdict::SlowDown => {
                polling.is_well();
                polling.interval += SLOW_DOWN;
                actions.push(Action::Tell(Progress::SlowedDown { interval: polling.interval }));
                polling.interval
            }
            PollVerdict::Trouble => {
                polling.failures += 1;
                let doubled = polling.interval.saturating_mul(2_u32.saturating_pow(polling.failures));
                let own = doubled.min(LONGEST_PAUSE.max(polling.interval));
                let pause = own.max(error.retry_after().unwrap_or_default());
                let is_answer = !matches!(error, CallError::Http(_));
                if polling.told.replace(is_answer) != Some(is_answer) {
                    actions.push(Action::Tell(Progress::Trouble { what: error.to_string(), pause }));
                }
                pause
            }
            PollVerdict::Denied => return end(Err(FlowError::Denied)),
            PollVerdict::Expired => return end(Err(FlowError::Expired)),
            PollVerdict::Final => return self.renew_or_end(error),
        };
        if now >= polling.codes.expires_at {
            return end(Err(FlowError::Expired));
        }
        polling.next = Some(after(now, pause));
        self.state = State::Polling(polling);
        actions
    }

    fn renew_or_end(&mut self, error: CallError) -> Vec<Action> {
        let is_stale = error.refusal().is_some_and(|refusal| refusal.is_oidc(OidcError::InvalidClient));
        if !is_stale || self.renewed {
            return end(Err(error.into()));
        }
        self.renewed = true;
        let mut actions =
            vec![Action::Do(Deed::DropRegistration(GRANT)), Action::Tell(Progress::RegistrationRenewed)];
        actions.extend(self.register());
        actions
    }
}

impl Flow for DeviceFlow {
    fn wake_at(&self) -> Option<Timestamp> {
        match &self.state {
            // A poll that is under way is waited for, past the end by a call's time-out at most: it may bring the token.
            State::Polling(polling) => polling.next.map(|next| next.min(polling.codes.expires_at)),
            _ => None,
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Polling(polling) => Some(polling.codes.expires_at),
            _ => None,
        }
    }

    fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        let state = std::mem::replace(&mut self.state, State::Over);
        match (state, event) {
            (State::Over, _) => Vec::new(),
            (_, Event::Ending(ending)) => end(Err(FlowError::Cancelled(ending))),
            (State::Ready(None), Event::Begin) => self.register(),
            (State::Ready(Some(client)), Event::Begin) => self.start(client, now),
            (State::Registering, Event::Registered(GRANT, Ok(answer))) => {
                let client = register::client(answer, now);
                let mut actions = vec![Action::Do(Deed::KeepRegistration(GRANT, client.clone()))];
                actions.extend(self.start(client, now));
                actions
            }
            (State::Registering, Event::Registered(GRANT, Err(error))) => end(Err(error.into())),
            (State::Starting { client, asked_at }, Event::Started(Ok(answer))) => {
                self.show(client, asked_at, answer, now)
            }
            (State::Starting { .. }, Event::Started(Err(error))) => self.renew_or_end(error),
            (State::Polling(polling), Event::Woke) => self.poll_or_expire(polling, now),
            (State::Polling(polling), Event::Polled(answer)) => self.digest(polling, answer, now),
            // An answer to a question of before; the one that counts is still to come.
            (state, _) => {
                self.state = state;
                Vec::new()
            }
        }
    }
}

/// What a poll without a token means.
pub(super) enum PollVerdict {
    Pending,
    SlowDown,
    Denied,
    Expired,
    /// The network, the server or something between failed; the codes are still good.
    Trouble,
    Final,
}

pub(super) fn verdict(error: &CallError) -> PollVerdict {
    if let CallError::Internal { .. } = error {
        // The next poll would panic as well.
        return PollVerdict::Final;
    }
    let Some(refusal) = error.refusal() else {
        // The same address answered before, so this passes, or the codes end.
        return PollVerdict::Trouble;
    };
    match refusal.meaning {
        Meaning::Oidc(OidcError::AuthorizationPending) => PollVerdict::Pending,
        Meaning::Oidc(OidcError::SlowDown) => PollVerdict::SlowDown,
        Meaning::Oidc(OidcError::AccessDenied) => PollVerdict::Denied,
        Meaning::Oidc(OidcError::ExpiredToken) => PollVerdict::Expired,
        Meaning::TooFast | Meaning::ServerFailed => PollVerdict::Trouble,
        // A no that names no reason is never the center's word; somebody on the way wants a sign-in of his own.
        Meaning::Unknown if refusal.name.is_none() => PollVerdict::Trouble,
        _ => PollVerdict::Final,
    }
}

fn end(result: Result<Granted, FlowError>) -> Vec<Action> {
    vec![Action::End(result)]
}

#[cfg(test)]
mod tests;
