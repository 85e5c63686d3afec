//! The authorization code flow with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252), from a client to a token.
//!
//! 1. There is a client, from the cache or from RegisterClient. Where the center can be asked whether it still knows a cached
//!    one, it is: the person should not meet a page that says it does not.
//! 2. The person is told an address, and their browser is sent there: the question, with the hash of our verifier.
//! 3. The browser comes back to this machine with an answer. Only one whose `state` is ours gets here.
//! 4. We exchange its code for a token, and prove with the verifier that the question was ours. Once: who repeats an exchange
//!    whose answer was lost would end the session that it gave. One that has certainly not reached the center, or that the center
//!    had no time for, is made again, for a while: the network comes back. A code that somebody gave without its address may be any code: where the center does not
//!    know it, the wait goes on, for a person who mistook something else for it loses nothing by that.
//! 5. It ends with a token, a no, or the end of our patience.
//!
//! If a browser is started, other users of this machine can read its arguments. They hold the short link if that browser runs
//! here, and the authorize address if it may run elsewhere ([`super::exposure`]).
//!
//! A cached client that nobody vouched for is dropped from the cache when the sign-in ends in any other way than with a token:
//! if the center does not know it any more, only a page in the browser says so, and the next try must not meet it again.

use std::time::Duration;

use aws_formats::sso_cache::registration::Grant;
use center_client::CallError;
use center_client::refusal::Meaning;
use jiff::Timestamp;
use outside::clock::until;
use wire::authorize::{Denial, Question};
use wire::oidc::OidcError;
use wire::words::printable;
use wire::{Secret, pkce};

use super::exposure::{self, Exposure, LinkVisit};
use super::under_way::PendingLink;
use super::{Action, Call, Client, Deed, Event, Exchange, Flow, FlowError, Granted, after, register};
use crate::progress::{Link, Offer, Progress};

/// How long a browser may take, as with the AWS CLI.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long an exchange that did not reach the center is made again, and how often. Codes live little longer.
const EXCHANGE_PATIENCE: Duration = Duration::from_secs(120);
const EXCHANGE_PAUSE: Duration = Duration::from_secs(2);
/// Room for a sentence of the center.
const SHOWN: usize = 300;

/// What the flow asks, as far as it is known before there is a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The address at which the center takes questions.
    pub authorize: String,
    /// What to ask for; nothing for all that is registered.
    pub scopes: Option<Vec<String>>,
    /// Where the answer is to go, with the port.
    pub redirect_uri: String,
    /// What the answer must repeat.
    pub state: Secret,
    /// The address on this machine that is to lead to the question, if there is to be one.
    pub short: Option<String>,
    /// Whether a browser that is started opens that one, and not the page itself.
    pub opens_short: bool,
    /// What only we know.
    pub verifier: Secret,
}

const GRANT: Grant = Grant::AuthorizationCode;

/// The flow.
#[derive(Debug)]
pub struct PkceFlow {
    state: State,
    asking: Asking,
    open_browser: bool,
    exposure: Exposure,
    /// Whether it ends when the short link was opened by somebody else, as no user can be asked who signed in.
    ends_when_reused: bool,
    /// Whether the center can be asked if it knows a client.
    can_check: bool,
}

#[derive(Debug)]
enum State {
    /// Before step 1, with the cached client if there is one.
    Ready(Option<Client>),
    /// Step 1.
    Registering,
    /// Step 1, with a cached client.
    Checking(Client),
    /// Steps 2 and 3.
    Waiting { client: Client, is_vouched_for: bool, link: Box<Link> },
    /// Step 4.
    Exchanging(Box<Exchanging>),
    /// Step 5.
    Over,
}

#[derive(Debug)]
struct Exchanging {
    exchange: Exchange,
    is_vouched_for: bool,
    /// Where to go on where the center does not know the code, which came without its address.
    guess: Option<Guess>,
    /// When to give up; nothing as long as nothing has failed.
    until: Option<Timestamp>,
    /// When to try again; nothing while a try is under way.
    next: Option<Timestamp>,
}

/// What is left of step 3 while a code is exchanged that may be none of ours.
#[derive(Debug)]
struct Guess {
    link: Box<Link>,
    /// What came meanwhile, in the order in which it counts.
    meanwhile: Vec<Event>,
}

impl PkceFlow {
    /// A flow that begins with the cached client, if there is one.
    pub fn new(cached: Option<Client>, asking: Asking, open_browser: bool, can_check: bool) -> Self {
        let state = State::Ready(cached);
        let (exposure, ends_when_reused) = (Exposure::Hidden, false);
        Self { state, asking, open_browser, exposure, ends_when_reused, can_check }
    }

    /// The same, which ends with [`FlowError::LinkReused`] when the short link was opened by somebody else.
    #[must_use]
    pub fn ending_when_reused(mut self, ends_when_reused: bool) -> Self {
        self.ends_when_reused = ends_when_reused;
        self
    }

    /// A flow that is at step 3 already: its link has been shown.
    pub fn resumed(pending: PendingLink) -> Self {
        let PendingLink { link, state, verifier, client, is_vouched_for, exposure } = pending;
        // The question has been asked, so nothing that only it needs is missed.
        let asking = Asking {
            authorize: String::new(),
            scopes: None,
            redirect_uri: link.redirect_uri.clone(),
            state,
            short: link.short.clone(),
            opens_short: false,
            verifier,
        };
        let state = State::Waiting { client, is_vouched_for, link: Box::new(link) };
        Self { state, asking, open_browser: false, exposure, ends_when_reused: false, can_check: false }
    }

    /// The cookie by which the short link knows its browser again.
    pub fn cookie(&self) -> Secret {
        exposure::cookie(&self.asking.verifier)
    }

    /// What another process needs to go on in our place, while a browser is waited for.
    pub fn pending(&self) -> Option<PendingLink> {
        let State::Waiting { client, is_vouched_for, link } = &self.state else { return None };
        Some(PendingLink {
            link: Link::clone(link),
            state: self.asking.state.clone(),
            verifier: self.asking.verifier.clone(),
            client: client.clone(),
            is_vouched_for: *is_vouched_for,
            exposure: self.exposure,
        })
    }

    fn register(&mut self) -> Vec<Action> {
        self.state = State::Registering;
        vec![Action::Call(Call::Register(GRANT))]
    }

    /// Step 2.
    fn ask(&mut self, client: Client, is_vouched_for: bool, now: Timestamp) -> Vec<Action> {
        let expires_at = after(now, PATIENCE);
        let challenge = pkce::challenge(&self.asking.verifier);
        let question = Question {
            client_id: &client.id,
            redirect_uri: &self.asking.redirect_uri,
            state: self.asking.state.expose(),
            scopes: self.asking.scopes.as_deref(),
            challenge: &challenge,
        };
        let address = question.address(&self.asking.authorize);
        let link = Link {
            address: address.clone(),
            short: self.asking.short.clone(),
            redirect_uri: self.asking.redirect_uri.clone(),
            expires_at,
        };
        // Before anybody is told: whoever follows it at once must get there.
        let signpost = self.asking.short.is_some().then(|| Action::Do(Deed::LeadTo(address.clone())));
        let mut actions: Vec<Action> = signpost.into_iter().collect();
        actions.push(Action::Tell(Progress::ActionRequired(Offer::Link(link.clone()))));
        if self.open_browser {
            let (page, exposure) = match self.asking.short.clone().filter(|_| self.asking.opens_short) {
                Some(short) => (short, Exposure::ShortLink),
                None => (address, Exposure::Address),
            };
            self.exposure = exposure;
            actions.push(Action::Do(Deed::OpenBrowser(page)));
        }
        actions.push(Action::Tell(Progress::Waiting { left: until(now, expires_at) }));
        self.state = State::Waiting { client, is_vouched_for, link: Box::new(link) };
        actions
    }

    fn exchange(
        &mut self,
        client: Client,
        is_vouched_for: bool,
        code: Secret,
        guess: Option<Guess>,
    ) -> Vec<Action> {
        let exchange = Exchange {
            client: client.clone(),
            code,
            redirect_uri: self.asking.redirect_uri.clone(),
            verifier: self.asking.verifier.clone(),
        };
        let call = Call::Exchange(Box::new(exchange.clone()));
        let exchanging = Exchanging { exchange, is_vouched_for, guess, until: None, next: None };
        self.state = State::Exchanging(Box::new(exchanging));
        vec![Action::Call(call)]
    }

    /// The center does not know the code that somebody guessed: the wait goes on, unless something came meanwhile.
    fn wait_on(&mut self, exchanging: Exchanging, guess: Guess, now: Timestamp) -> Vec<Action> {
        let (client, is_vouched_for) = (exchanging.exchange.client, exchanging.is_vouched_for);
        let mut actions = vec![Action::Tell(Progress::CodeUnknown)];
        if guess.meanwhile.is_empty() {
            actions.push(Action::Do(Deed::ReleaseAnswer));
            actions.push(Action::Tell(Progress::Waiting { left: until(now, guess.link.expires_at) }));
        }
        self.state = State::Waiting { client, is_vouched_for, link: guess.link };
        for event in guess.meanwhile {
            actions.extend(self.on(event, now));
        }
        actions
    }

    /// Somebody has opened the short link. The user is told of the first visit that is not the browser's that was started.
    fn visited(&mut self, visit: LinkVisit) -> Vec<Action> {
        let before = self.exposure;
        self.exposure = before.after(visit);
        if self.exposure == before || self.exposure != Exposure::ShortLinkReused {
            return Vec::new();
        }
        let by_other_user = visit == LinkVisit::ByOtherUser;
        let mut actions = vec![Action::Tell(Progress::LinkReused { by_other_user })];
        if self.ends_when_reused {
            actions.push(Action::End(Err(FlowError::LinkReused)));
            self.state = State::Over;
        }
        actions
    }

    /// There is no token yet.
    fn exchange_again_or_end(
        &mut self,
        mut exchanging: Box<Exchanging>,
        error: CallError,
        now: Timestamp,
    ) -> Vec<Action> {
        let is_first = exchanging.until.is_none();
        let until = *exchanging.until.get_or_insert(after(now, EXCHANGE_PATIENCE));
        let is_unspent = error.is_unsent() || error.is_unprocessed();
        if !is_unspent || now >= until {
            let is_known = exchanging.is_vouched_for && !is_unknown_client(&error);
            return end(is_known, Err(error.into()));
        }
        let pause = error.retry_after().unwrap_or_default().clamp(EXCHANGE_PAUSE, EXCHANGE_PATIENCE);
        exchanging.next = Some(after(now, pause));
        self.state = State::Exchanging(exchanging);
        let trouble = Progress::Trouble { what: error.to_string(), pause };
        if is_first { vec![Action::Tell(trouble)] } else { Vec::new() }
    }
}

impl Flow for PkceFlow {
    fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        if let Event::LinkVisited(visit) = event {
            return self.visited(visit);
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        match (state, event) {
            (State::Over, _) => Vec::new(),
            (State::Ready(None), Event::Begin) => self.register(),
            (State::Ready(Some(client)), Event::Begin) if self.can_check => {
                self.state = State::Checking(client.clone());
                vec![Action::Call(Call::Check(client))]
            }
            (State::Ready(Some(client)), Event::Begin) => self.ask(client, false, now),
            (State::Checking(client), Event::Checked(answer)) => match answer {
                Ok(()) => self.ask(client, true, now),
                Err(error) if is_unknown_client(&error) => {
                    let mut actions = vec![
                        Action::Do(Deed::DropRegistration(GRANT)),
                        Action::Tell(Progress::RegistrationRenewed),
                    ];
                    actions.extend(self.register());
                    actions
                }
                // Not the answer to what was asked; the person will see.
                Err(_) => self.ask(client, false, now),
            },
            (State::Registering, Event::Registered(GRANT, Ok(answer))) => {
                let client = register::client(answer, now);
                let mut actions = vec![Action::Do(Deed::KeepRegistration(GRANT, client.clone()))];
                actions.extend(self.ask(client, true, now));
                actions
            }
            (State::Registering, Event::Registered(GRANT, Err(error))) => end(true, Err(error.into())),
            (State::Waiting { client, is_vouched_for, .. }, Event::Arrived(Ok(code))) => {
                self.exchange(client, is_vouched_for, code, None)
            }
            (State::Waiting { client, is_vouched_for, link }, Event::Guessed(code)) => {
                let guess = Guess { link, meanwhile: Vec::new() };
                self.exchange(client, is_vouched_for, code, Some(guess))
            }
            // An answer that is being exchanged came before these; one that may be none did not.
            (
                State::Exchanging(mut exchanging),
                event @ (Event::Arrived(_) | Event::Guessed(_) | Event::InputEnded),
            ) => {
                if let Some(guess) = &mut exchanging.guess {
                    let place = if matches!(event, Event::Arrived(_)) { 0 } else { guess.meanwhile.len() };
                    guess.meanwhile.insert(place, event);
                }
                self.state = State::Exchanging(exchanging);
                Vec::new()
            }
            (State::Waiting { is_vouched_for, .. }, Event::Arrived(Err(denial))) => {
                end(is_vouched_for, Err(denied(&denial)))
            }
            (State::Waiting { is_vouched_for, link, .. }, Event::Woke) if now >= link.expires_at => {
                end(is_vouched_for, Err(FlowError::NotFinished))
            }
            (State::Exchanging(exchanging), Event::Exchanged(Ok(token))) => {
                let (client, exposure) = (exchanging.exchange.client, self.exposure);
                vec![Action::End(Ok(Granted { token, client, at: now, exposure }))]
            }
            (State::Exchanging(mut exchanging), Event::Exchanged(Err(error))) => {
                match exchanging.guess.take_if(|_| is_unknown_code(&error)) {
                    Some(guess) => self.wait_on(*exchanging, guess, now),
                    None => self.exchange_again_or_end(exchanging, error, now),
                }
            }
            (State::Exchanging(mut exchanging), Event::Woke)
                if exchanging.next.is_some_and(|next| now >= next) =>
            {
                exchanging.next = None;
                let call = Call::Exchange(Box::new(exchanging.exchange.clone()));
                self.state = State::Exchanging(exchanging);
                vec![Action::Call(call)]
            }
            (State::Waiting { is_vouched_for, .. }, Event::Ending(ending)) => {
                end(is_vouched_for, Err(FlowError::Cancelled(ending)))
            }
            (State::Exchanging(exchanging), Event::Ending(ending)) => {
                end(exchanging.is_vouched_for, Err(FlowError::Cancelled(ending)))
            }
            (_, Event::Ending(ending)) => end(true, Err(FlowError::Cancelled(ending))),
            (State::Waiting { is_vouched_for, .. }, Event::InputEnded) => {
                end(is_vouched_for, Err(FlowError::InputEnded))
            }
            (_, Event::InputEnded) => end(true, Err(FlowError::InputEnded)),
            // An answer to a question of before, or a second one from a browser: the one that counts is another.
            (state, _) => {
                self.state = state;
                Vec::new()
            }
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Exchanging(exchanging) => exchanging.next,
            _ => self.expires_at(),
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Waiting { link, .. } => Some(link.expires_at),
            _ => None,
        }
    }
}

fn is_unknown_client(error: &CallError) -> bool {
    error.refusal().is_some_and(|refusal| match refusal.meaning {
        Meaning::Oidc(error) => error == OidcError::InvalidClient,
        _ => refusal.status == 401,
    })
}

fn is_unknown_code(error: &CallError) -> bool {
    error.refusal().is_some_and(|refusal| refusal.meaning == Meaning::Oidc(OidcError::InvalidGrant))
}

fn denied(denial: &Denial) -> FlowError {
    FlowError::DeniedInBrowser {
        error: printable(&denial.error, SHOWN),
        description: denial.description.as_ref().map(|words| printable(words, SHOWN)),
    }
}

/// The end without a token; a client that nobody vouched for goes with it.
fn end(is_vouched_for: bool, result: Result<Granted, FlowError>) -> Vec<Action> {
    let mut actions = Vec::new();
    if !is_vouched_for {
        actions.push(Action::Do(Deed::DropRegistration(GRANT)));
    }
    actions.push(Action::End(result));
    actions
}

#[cfg(test)]
mod tests;
