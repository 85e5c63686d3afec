//! A session, and `fresh` (cache → refresh): with `sign_in` the only ways to a token.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_formats::sso_cache::Token;
use aws_formats::sso_cache::token::Renewal;
use center_client::calls::{CallError, Calls};
use center_client::oidc;
use center_client::start_url::{self, Center, StartUrlError, Wanted};
use jiff::Timestamp;
use outside::http::Http;
use outside::state::{OwnState, StateFile};
use outside::{Clock, Dice, Env, Outside};
use wire::oidc::{CreateTokenRequest, CreateTokenResponse};
use wire::words::{printable, shown_address};

use crate::family::Part;
use crate::flow::{Client, after, refresh};
use crate::pins::Face;
use crate::progress::{Progress, Watcher};
use crate::sign_in::SignedIn;
use crate::store::{Store, Torn};
use crate::token_state::{Step, TokenState};
use crate::turns::Turn;

/// No session of Identity Center lasts longer. Some SDKs cannot read a year of five digits, which a larger number could make.
const LONGEST_TOKEN: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What is signed in to, completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name of the `sso-session` section; nothing for a legacy profile.
    pub session: Option<String>,
    /// The scopes that the section configures.
    pub scopes: Option<Vec<String>>,
    /// Start URL, region and addresses as configured.
    pub center: Wanted,
}

impl Target {
    /// The name that users know it by: the session's name, or the start URL as it is shown.
    pub fn name(&self) -> String {
        self.session.clone().unwrap_or_else(|| self.shown_start_url())
    }

    /// The start URL without user, password and query.
    pub fn shown_start_url(&self) -> String {
        shown_address(&self.center.start_url)
    }
}

/// Why there is no valid token.
#[derive(Debug, thiserror::Error)]
pub enum FreshError {
    /// No token was ever kept, or it was removed.
    #[error("not signed in to {target}")]
    NoToken {
        /// The session's name or start URL.
        target: String,
    },
    /// The token is over and cannot be renewed.
    #[error("the sign-in to {target} has ended")]
    Ended {
        /// The session's name or start URL.
        target: String,
    },
    /// The center does not accept the token any more, and there is nothing to renew it with.
    #[error("the sign-in to {target} was ended elsewhere")]
    EndedElsewhere {
        /// The session's name or start URL.
        target: String,
    },
    /// The token must be renewed, but its successor could not be written to the token file, so it is not renewed here: whoever
    /// shares the file would be left with a refresh token that is spent.
    #[error("the token of {target} {state}, and is not renewed here, because {path} cannot be written")]
    NotRenewable {
        /// The session's name or start URL.
        target: String,
        /// Its state, as a predicate.
        state: &'static str,
        /// The token file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The token was given for another start URL, and goes nowhere else.
    #[error("the token of {target} belongs to {start_url}, not to the start URL that is configured now")]
    OtherStartUrl {
        /// The session's name or start URL.
        target: String,
        /// For which it was given.
        start_url: String,
    },
    /// The token file is no token file.
    #[error("not signed in to {target}: the token file {path} cannot be understood")]
    Torn {
        /// The session's name or start URL.
        target: String,
        /// The file.
        path: PathBuf,
    },
    /// The token file cannot be read.
    #[error("the token file {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The token was given at another address than the one to which it would go now.
    #[error("the sign-in to {target} was made at {pinned}; its token does not go to {endpoint} ({by})")]
    OtherEndpoint {
        /// The session's name or start URL.
        target: String,
        /// Where it was given.
        pinned: String,
        /// The address to which it would go.
        endpoint: String,
        /// The variable or section that says so.
        by: String,
    },
    /// It is not known where the token was given, and an address that somebody set is not the center's own.
    #[error(
        "it is not known where the sign-in to {target} was made, so its token does not go to {endpoint} ({by})"
    )]
    NotPinned {
        /// The session's name or start URL.
        target: String,
        /// The address to which it would go.
        endpoint: String,
        /// The variable or section that says so.
        by: String,
    },
    /// There is no center to renew it at.
    #[error(transparent)]
    Center(#[from] StartUrlError),
    /// The center could not be asked to renew it.
    #[error("the token of {target} is over and could not be renewed")]
    Refresh {
        /// The session's name or start URL.
        target: String,
        /// Why not.
        source: CallError,
    },
}

/// One session of this person on this machine.
#[derive(Debug)]
pub struct Session {
    pub(crate) target: Target,
    pub(crate) store: Store,
    pub(crate) calls: Calls,
    pub(crate) clock: Clock,
    pub(crate) env: Env,
    pub(crate) dice: Dice,
    pub(crate) allows_changed_endpoint: bool,
    /// Whether somebody was told that there is no state.
    is_state_told: AtomicBool,
    center: OnceLock<Center>,
}

impl Session {
    /// A session whose files lie below `home`. Reads and asks nothing yet.
    pub fn new(target: Target, home: PathBuf, outside: &Outside, http: Arc<Http>) -> Self {
        let calls = Calls::new(http, outside.clock.clone(), outside.dice.clone());
        Self {
            store: Store::new(&home).with_state(OwnState::open(&outside.env)),
            target,
            calls,
            clock: outside.clock.clone(),
            env: outside.env.clone(),
            dice: outside.dice.clone(),
            allows_changed_endpoint: false,
            is_state_told: AtomicBool::new(false),
            center: OnceLock::new(),
        }
    }

    /// The same session, whose tokens may go to another address than the one where they were given, after a warning.
    #[must_use]
    pub fn allowing_changed_endpoint(mut self, allows: bool) -> Self {
        self.allows_changed_endpoint = allows;
        self
    }

    /// What is signed in to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Where a listing of its accounts and roles may be kept; it is removed with the next sign-in or sign-out.
    pub fn listing_file(&self) -> Option<StateFile> {
        self.store.listing_file(&self.target)
    }

    /// Says once that there is a state folder which is not used. For whatever is about to need it, which cached credentials do not.
    pub(crate) fn tell_of_state(&self, watcher: &mut dyn Watcher) {
        if let Some(error) = self.store.state().error()
            && !self.is_state_told.swap(true, Ordering::Relaxed)
        {
            watcher.told(Progress::StateNotUsed { why: error.to_string() });
        }
    }

    /// Names the sign-in that there is: the same after each renewal of its token, another one after the next sign-in by any tool.
    /// `None` without a token.
    pub fn sign_in_id(&self) -> Option<String> {
        Some(self.store.family(&self.target, &self.read().ok()?).id().to_owned())
    }

    /// How its calls are made.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Its center; looked for when first asked for.
    ///
    /// # Errors
    /// When the start URL leads to none.
    pub fn center(&self) -> Result<&Center, StartUrlError> {
        if let Some(center) = self.center.get() {
            return Ok(center);
        }
        let center = start_url::find(&self.calls, &self.target.center)?;
        Ok(self.center.get_or_init(|| center))
    }

    /// Its center, if it was looked for and found.
    pub(crate) fn center_if_known(&self) -> Option<&Center> {
        self.center.get()
    }

    /// A valid token: the cached one, renewed when it has little time left. Never asks a person.
    ///
    /// # Errors
    /// When there is none and only a sign-in can help, or when the center cannot be asked to renew one that is over.
    pub fn fresh(&self, watcher: &mut dyn Watcher) -> Result<Token, FreshError> {
        let held = self.read()?;
        let state = self.state(&held);
        match state.step() {
            Step::Use => Ok(held),
            Step::SignIn => Err(self.ended(state)),
            Step::Refresh => self.refresh(None, watcher),
        }
    }

    /// The state of a token that was read from the session's file.
    fn state(&self, token: &Token) -> TokenState {
        let known = self.store.read_known(&self.store.token_path(&self.target));
        let refused = known.map(|known| known.refused(token)).unwrap_or_default();
        TokenState::new(token, refused, self.clock.now())
    }

    fn ended(&self, state: TokenState) -> FreshError {
        match state.refused.access {
            true => FreshError::EndedElsewhere { target: self.name() },
            false => FreshError::Ended { target: self.name() },
        }
    }

    /// The sign-in that there is, if it is good for a while: a token with more than a quarter of an hour left, or one that
    /// could be renewed just now. Never asks a person.
    pub fn still_signed_in(&self, watcher: &mut dyn Watcher) -> Option<SignedIn> {
        let token = self.fresh(watcher).ok()?;
        (!self.state(&token).is_due).then(|| self.signed_in(&token))
    }

    pub(crate) fn signed_in(&self, token: &Token) -> SignedIn {
        SignedIn {
            path: self.store.token_path(&self.target),
            expires_at: token.expires_at,
            renewable: self.state(token).is_renewable,
            region: token.region.clone(),
            looked_at: None,
        }
    }

    /// A new token as it is kept.
    pub(crate) fn token(
        &self,
        answer: CreateTokenResponse,
        client: Client,
        region: &str,
        at: Timestamp,
    ) -> Token {
        let life = u64::try_from(answer.expires_in).unwrap_or_default();
        let life = Duration::from_secs(life).min(LONGEST_TOKEN);
        Token {
            start_url: Some(self.target.center.start_url.clone()),
            region: Some(region.to_owned()),
            access_token: answer.access_token,
            expires_at: after(at, life),
            renewal: answer.refresh_token.map(|refresh_token| Renewal {
                client_id: client.id,
                client_secret: client.secret,
                registration_expires_at: client.expires_at,
                refresh_token,
            }),
            others: Default::default(),
        }
    }

    pub(crate) fn read(&self) -> Result<Token, FreshError> {
        let path = self.store.token_path(&self.target);
        let held = match self.store.read_token(&self.target, &self.clock) {
            Ok(Some(held)) => held,
            Ok(None) => return Err(FreshError::NoToken { target: self.name() }),
            Err(Torn::Text) => return Err(FreshError::Torn { target: self.name(), path }),
            Err(Torn::System(source)) => return Err(FreshError::Unreadable { path, source }),
        };
        match &held.start_url {
            Some(start_url) if !start_url::is_same(start_url, &self.target.center.start_url) => {
                let start_url = printable(&shown_address(start_url), 300);
                Err(FreshError::OtherStartUrl { target: self.name(), start_url })
            }
            _ => Ok(held),
        }
    }

    /// Renews the token, one process at a time. A process that had to wait finds the work done. `refused` is a token that the
    /// portal has just refused: it is renewed however long it would be valid.
    ///
    /// The refresh token may be good for one use. So nothing is sent before there is room beside the token file for the
    /// successor: a token that only this process has would end the sign-in of everybody else who reads that file, such as the
    /// host of a container that mounts it read-only.
    pub(crate) fn refresh(
        &self,
        refused: Option<&Token>,
        watcher: &mut dyn Watcher,
    ) -> Result<Token, FreshError> {
        let path = self.store.token_path(&self.target);
        let turn = Turn::wait(&path, &self.store);
        let held = self.read()?;
        let family = self.store.family(&self.target, &held);
        let mut known_refusals = family.refused(&held);
        known_refusals.access |= refused.is_some_and(|refused| refused.access_token == held.access_token);
        let now = self.clock.now();
        let state = TokenState::new(&held, known_refusals, now);
        let renewal = match (state.step(), held.renewal_at(now)) {
            (Step::Refresh, Some(renewal)) => renewal.clone(),
            (Step::SignIn, _) => return Err(self.ended(state)),
            _ => return Ok(held),
        };
        if matches!(turn, Turn::HeldByAnother(_)) && state.is_usable {
            // The holder of the lock renews it.
            return Ok(held);
        }
        let room = match self.store.reserve_token(&self.target) {
            Ok(room) => room,
            Err(source) => {
                return self.without_refresh(held, state, self.not_renewable(state, source), watcher);
            }
        };
        if !matches!(turn, Turn::Mine { .. }) {
            // Others may be at it, too: a refresh can wait while the token is good.
            if state.is_usable {
                return Ok(held);
            }
            turn.tell("token", watcher);
        }
        let center = match self.center() {
            Ok(center) => center,
            Err(error) => return self.without_refresh(held, state, error.into(), watcher),
        };
        let first = match self.check_pin(center, Face::SsoOidc, watcher) {
            Ok(first) => first,
            Err(error) => return self.without_refresh(held, state, error, watcher),
        };
        let Renewal { client_id, client_secret, registration_expires_at, refresh_token } = renewal;
        let request = CreateTokenRequest::refresh_token(&client_id, &client_secret, &refresh_token);
        // While the token is good, a center that is away is not waited for.
        let mut answer = match oidc::refresh_token(&self.calls, &center.sso_oidc, &request, !state.is_usable)
        {
            Ok(answer) => answer,
            Err(error) => {
                if first.is_own && refresh::ends_the_sign_in(&error) && self.is_still(&held) {
                    self.store.keep_refused(&self.target, &held, Part::Refresh);
                }
                return self.after_failed_refresh(held, state, error, watcher);
            }
        };
        self.pin_first_use(first, Face::SsoOidc, center);
        // A process that was stopped meanwhile comes late: others went on, and the file has newer tokens, or none after
        // a sign-out. Then it stays as it is. What cannot be understood is written over.
        match self.read() {
            Ok(kept) if kept.renewal.as_ref().is_none_or(|kept| kept.refresh_token != refresh_token) => {
                return self.if_usable(kept);
            }
            Err(error @ (FreshError::NoToken { .. } | FreshError::OtherStartUrl { .. })) => {
                return Err(error);
            }
            _ => {}
        }
        // RFC 6749 section 6: where none is issued, the old one stays good.
        answer.refresh_token = answer.refresh_token.or(Some(refresh_token));
        let client = Client { id: client_id, secret: client_secret, expires_at: registration_expires_at };
        let renewed = self.token(answer, client, &center.region, self.clock.now());
        let renewed = Token { others: held.others.clone(), ..renewed };
        if let Err(source) = room.fill(renewed.to_text().as_bytes()) {
            // Not used either: while no new token was presented, a center may give the same answer again to the next process
            // that has room for it.
            let why = source.to_string();
            watcher.told(Progress::NotKept { what: "token", path, why });
            return if state.is_usable { Ok(held) } else { Err(self.not_renewable(state, source)) };
        }
        self.store.keep_known(&path, &family.renewed(&renewed));
        watcher.told(Progress::TokenRefreshed);
        Ok(renewed)
    }

    fn not_renewable(&self, state: TokenState, source: io::Error) -> FreshError {
        let path = self.store.token_path(&self.target);
        let state = match state {
            TokenState { refused, .. } if refused.access => "was ended elsewhere, or must be renewed",
            TokenState { is_usable: true, .. } => "is about to end",
            _ => "is over",
        };
        FreshError::NotRenewable { target: self.name(), state, path, source }
    }

    /// Whether the file still holds this token.
    fn is_still(&self, token: &Token) -> bool {
        self.read().is_ok_and(|now| now.access_token == token.access_token)
    }

    fn if_usable(&self, token: Token) -> Result<Token, FreshError> {
        let state = self.state(&token);
        if state.is_usable { Ok(token) } else { Err(self.ended(state)) }
    }

    fn after_failed_refresh(
        &self,
        held: Token,
        state: TokenState,
        error: CallError,
        watcher: &mut dyn Watcher,
    ) -> Result<Token, FreshError> {
        // Another program may have been faster: none of the SDKs takes a lock, and one that waits too long for ours goes
        // on without it.
        if let Ok(now_held) = self.read()
            && now_held.access_token != held.access_token
            && self.state(&now_held).is_usable
        {
            return Ok(now_held);
        }
        let error = match refresh::ends_the_sign_in(&error) && !state.is_usable {
            true => self.ended(state),
            false => FreshError::Refresh { target: self.name(), source: error },
        };
        self.without_refresh(held, state, error, watcher)
    }

    /// Goes on without a refresh: a token with some time left will do.
    fn without_refresh(
        &self,
        held: Token,
        state: TokenState,
        error: FreshError,
        watcher: &mut dyn Watcher,
    ) -> Result<Token, FreshError> {
        if !state.is_usable {
            return Err(error);
        }
        let why = match &error {
            FreshError::Refresh { source, .. } => source.to_string(),
            FreshError::NotRenewable { path, source, .. } => {
                format!("{} cannot be written ({source})", path.display())
            }
            error => error.to_string(),
        };
        watcher.told(Progress::NotRefreshed { what: "token", why, expires_at: held.expires_at });
        Ok(held)
    }

    /// The turn to write the token file. Whoever does not get it goes on without.
    pub(crate) fn turn(&self) -> Turn {
        Turn::wait(&self.store.token_path(&self.target), &self.store)
    }

    pub(crate) fn name(&self) -> String {
        self.target.name()
    }
}

#[cfg(test)]
mod tests;
