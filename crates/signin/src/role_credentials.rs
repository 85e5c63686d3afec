//! Token + account + role → short-term credentials, kept in the cache of the AWS CLI.

use std::path::Path;
use std::time::Duration;

use aws_formats::sso_cache::{RoleCredentials, Token};
use center_client::calls::CallError;
use center_client::portal::Portal;
use center_client::refusal::Meaning;
use center_client::start_url::StartUrlError;
use center_client::sts;
use jiff::Timestamp;
use outside::files;
use wire::portal::PortalError;
use wire::sigv4::Keys;
use wire::sts::{CallerIdentity, StsError};

use crate::family::Part;
use crate::flow::after;
use crate::pins::Face;
use crate::progress::{Progress, Watcher};
use crate::session::{FreshError, Session};
use crate::turns::{self, Turn};

/// The longest life of any temporary credentials of AWS (GetSessionToken).
const LONGEST_CREDENTIALS: Duration = Duration::from_secs(36 * 60 * 60);

/// Why there are no credentials, accounts or roles.
#[derive(Debug, thiserror::Error)]
pub enum PortalCallError {
    /// No valid token.
    #[error(transparent)]
    Fresh(#[from] FreshError),
    /// No center.
    #[error(transparent)]
    Center(#[from] StartUrlError),
    /// The portal does not know the token any more, though it is not over.
    #[error("the sign-in to {target} was ended elsewhere")]
    SignedOut {
        /// The session's name or start URL.
        target: String,
    },
    /// A portal that did not give the token does not accept it, which says nothing about the sign-in.
    #[error("{endpoint} does not accept the token of {target}")]
    NotAccepted {
        /// The session's name or start URL.
        target: String,
        /// The address that was asked.
        endpoint: String,
    },
    /// The role is not this person's.
    #[error("no access to the role {role_name} in the account {account_id}")]
    NoAccess {
        /// Which account.
        account_id: String,
        /// Which role.
        role_name: String,
    },
    /// The portal gave credentials that are over.
    #[error(
        "the portal gave credentials for {role_name} in {account_id} that are over already; is the clock of this machine right?"
    )]
    OverAlready {
        /// Which account.
        account_id: String,
        /// Which role.
        role_name: String,
    },
    /// The portal refused otherwise, or gave no answer.
    #[error(transparent)]
    Call(CallError),
}

impl PortalCallError {
    /// Whether the network or a server failed, so that another try later makes sense.
    fn is_passing(&self) -> bool {
        match self {
            Self::Fresh(FreshError::Refresh { source, .. }) | Self::Call(source) => source.is_passing(),
            // It is renewed elsewhere, or the disk has room again.
            Self::Fresh(FreshError::NotRenewable { .. }) => true,
            Self::Fresh(FreshError::Center(error)) | Self::Center(error) => {
                matches!(error, StartUrlError::Unanswered { .. })
            }
            _ => false,
        }
    }
}

impl Session {
    /// Credentials of a role: the cached ones while they have more than a quarter of an hour left (then nothing but
    /// the file is touched), else new ones from the portal, which are kept. Where no answer comes, the cached ones to
    /// their end.
    ///
    /// # Errors
    /// When there are none.
    pub fn role_credentials(
        &self,
        account_id: &str,
        role_name: &str,
        watcher: &mut dyn Watcher,
    ) -> Result<RoleCredentials, PortalCallError> {
        let (now, cached) = (self.clock.now(), self.cached(account_id, role_name));
        if let Some(cached) = cached.as_ref().filter(|cached| cached.is_fresh_at(now)) {
            return Ok(cached.clone());
        }
        let error = match self.fetch(account_id, role_name, watcher) {
            Ok(credentials) => return Ok(credentials),
            Err(error) => error,
        };
        let cached = cached.filter(|cached| error.is_passing() && cached.expiration > self.clock.now());
        // The portal did not say no, these are still good, and nobody has signed in since.
        match cached.filter(|cached| self.is_own(account_id, role_name, cached)) {
            Some(cached) => {
                watcher.told(Progress::NotRefreshed {
                    what: "role credentials",
                    why: error.to_string(),
                    expires_at: cached.expiration,
                });
                Ok(cached)
            }
            None => Err(error),
        }
    }

    /// The credentials in the cache, over or not, if they belong to the sign-in that there is.
    fn cached(&self, account_id: &str, role_name: &str) -> Option<RoleCredentials> {
        let cached = self.store.read_role(&self.target, account_id, role_name)?;
        // The AWS CLI leaves the account out at times, and it is known.
        let cached = RoleCredentials { account_id: Some(account_id.to_owned()), ..cached };
        Some(cached).filter(|cached| self.is_own(account_id, role_name, cached))
    }

    /// Whether cached credentials were fetched with the sign-in that there is. With no sign-in at all they are good to their end.
    /// With one that cannot be read they may be anybody's.
    fn is_own(&self, account_id: &str, role_name: &str, cached: &RoleCredentials) -> bool {
        match self.read() {
            Ok(token) => {
                let path = self.store.role_path(&self.target, account_id, role_name);
                self.store.is_of_family(&self.target, &token, &path, cached)
            }
            Err(FreshError::NoToken { .. }) => true,
            Err(_) => false,
        }
    }

    /// New credentials from the portal, one process at a time for each role. Whoever had to wait finds the work done.
    fn fetch(
        &self,
        account_id: &str,
        role_name: &str,
        watcher: &mut dyn Watcher,
    ) -> Result<RoleCredentials, PortalCallError> {
        // The token has a lock of its own: this one is not held while somebody else renews it.
        let token = self.fresh(watcher)?;
        let path = self.store.role_path(&self.target, account_id, role_name);
        let turn = Turn::wait(&path, &self.store);
        let is_good_enough = |cached: &RoleCredentials| match &turn {
            Turn::Mine { .. } | Turn::NoLocks(_) => cached.is_fresh_at(self.clock.now()),
            // Somebody is at it.
            Turn::HeldByAnother(_) => cached.expiration > self.clock.now(),
        };
        if let Some(cached) = self.cached(account_id, role_name).filter(is_good_enough) {
            return Ok(cached);
        }
        turn.tell("role credentials", watcher);
        let _slot = turns::fetching(&self.store);
        let ask = |portal: &Portal<'_>| portal.role_credentials(account_id, role_name);
        let given = self.with_token(token, watcher, ask);
        let (given, token) = given.map_err(|error| no_access(error, account_id, role_name))?;
        let credentials = RoleCredentials {
            access_key_id: given.access_key_id,
            secret_access_key: given.secret_access_key,
            session_token: given.session_token,
            expiration: expiration(given.expiration, self.clock.now()),
            account_id: Some(account_id.to_owned()),
        };
        if credentials.expiration <= self.clock.now() {
            return Err(PortalCallError::OverAlready {
                account_id: account_id.to_owned(),
                role_name: role_name.to_owned(),
            });
        }
        match self.store.keep_role(&self.target, account_id, role_name, &credentials) {
            Ok(()) => self.record_role(&path, &credentials, &token),
            Err(error) => watcher.told(Progress::NotKept {
                what: "role credentials",
                path: path.clone(),
                why: error.to_string(),
            }),
        }
        // A sign-out removes the token first and what came of it then. Where it came between, this file is its business.
        if let Err(error @ FreshError::NoToken { .. }) = self.read() {
            let _ = files::remove(&path);
            return Err(error.into());
        }
        Ok(credentials)
    }

    /// Records that `token` fetched the credentials in the file at `path`.
    fn record_role(&self, path: &Path, credentials: &RoleCredentials, token: &Token) {
        let family = self.store.family(&self.target, token);
        if self.read().is_ok_and(|held| held.access_token == token.access_token) {
            // Another tool signed in: from now on its token is known here.
            self.store.keep_known(&self.store.token_path(&self.target), &family);
        }
        self.store.keep_role_record(&self.target, path, credentials, &family);
    }

    /// Asks STS who a role's credentials are. Cached ones that STS does not know any more (the center lost its keys, say) are
    /// dropped, and new ones asked for once.
    ///
    /// # Errors
    /// When there are no credentials, or STS does not say.
    pub fn identity_of_role(
        &self,
        role: (&str, &str),
        region: Option<&str>,
        watcher: &mut dyn Watcher,
    ) -> Result<CallerIdentity, PortalCallError> {
        let (account_id, role_name) = role;
        let mut ask = |session: &Self| {
            let credentials = session.role_credentials(account_id, role_name, watcher)?;
            let keys = Keys {
                access_key_id: &credentials.access_key_id,
                secret_access_key: &credentials.secret_access_key,
                session_token: Some(&credentials.session_token),
            };
            session.caller_identity(&keys, region)
        };
        match ask(self) {
            Err(error) if is_worthless(&error) => {
                // What cannot be removed is written over.
                let _ = files::remove(&self.store.role_path(&self.target, account_id, role_name));
                ask(self)
            }
            other => other,
        }
    }

    /// Whether the kept token is another center's: then so are the role credentials, and they must not go to this one (C17).
    pub(crate) fn is_signed_in_elsewhere(&self) -> bool {
        matches!(self.read(), Err(FreshError::OtherStartUrl { .. }))
    }

    /// Asks STS whose keys these are, in `region` or where the center is.
    ///
    /// # Errors
    /// When STS does not say.
    pub fn caller_identity(
        &self,
        keys: &Keys<'_>,
        region: Option<&str>,
    ) -> Result<CallerIdentity, PortalCallError> {
        let center = self.center()?;
        let region = region.unwrap_or(&center.region);
        let endpoint = center.sts(region).map_err(StartUrlError::Endpoint)?;
        sts::caller_identity(&self.calls, &endpoint, keys, region).map_err(PortalCallError::Call)
    }

    /// Asks the portal something, with a fresh token. A token that the portal refuses is renewed once.
    ///
    /// # Errors
    /// When there is no token or no answer.
    pub fn with_portal<T>(
        &self,
        watcher: &mut dyn Watcher,
        ask: impl Fn(&Portal<'_>) -> Result<T, CallError>,
    ) -> Result<T, PortalCallError> {
        let token = self.fresh(watcher)?;
        self.with_token(token, watcher, ask).map(|(answer, _)| answer)
    }

    /// The answer, and the token that got it.
    fn with_token<T>(
        &self,
        token: Token,
        watcher: &mut dyn Watcher,
        ask: impl Fn(&Portal<'_>) -> Result<T, CallError>,
    ) -> Result<(T, Token), PortalCallError> {
        let error = match self.ask_once(&token, watcher, &ask)? {
            Asked::Answered(answer) => return Ok((answer, token)),
            Asked::Unauthorized { is_own: true } => PortalCallError::SignedOut { target: self.name() },
            Asked::Unauthorized { is_own: false } => {
                let endpoint = self.center()?.sso.address.to_string();
                return Err(PortalCallError::NotAccepted { target: self.name(), endpoint });
            }
        };
        // The token may have ended by the center's clock and not by ours, or the sign-in is over. A refresh tells.
        self.store.keep_refused(&self.target, &token, Part::Access);
        let renewed = match self.refresh(Some(&token), watcher) {
            Ok(renewed) => renewed,
            Err(FreshError::Ended { .. } | FreshError::EndedElsewhere { .. }) => return Err(error),
            Err(error) => return Err(error.into()),
        };
        match self.ask_once(&renewed, watcher, &ask)? {
            Asked::Answered(answer) => Ok((answer, renewed)),
            Asked::Unauthorized { .. } => {
                // Renewing it again would bring another token that the portal refuses.
                self.store.keep_refused(&self.target, &renewed, Part::Access);
                self.store.keep_refused(&self.target, &renewed, Part::Refresh);
                Err(error)
            }
        }
    }

    fn ask_once<T>(
        &self,
        token: &Token,
        watcher: &mut dyn Watcher,
        ask: impl Fn(&Portal<'_>) -> Result<T, CallError>,
    ) -> Result<Asked<T>, PortalCallError> {
        let center = self.center()?;
        let first = self.check_pin(center, Face::Sso, watcher)?;
        let portal = Portal { calls: &self.calls, endpoint: &center.sso, token: &token.access_token };
        match ask(&portal) {
            Ok(answer) => {
                self.pin_first_use(first, Face::Sso, center);
                Ok(Asked::Answered(answer))
            }
            Err(CallError::Refused(refusal)) if refusal.is_portal(PortalError::Unauthorized) => {
                Ok(Asked::Unauthorized { is_own: first.is_own })
            }
            Err(error) => Err(PortalCallError::Call(error)),
        }
    }
}

/// The moment so many milliseconds after 1970, but not later than STS lets any credentials live.
fn expiration(milliseconds: i64, now: Timestamp) -> Timestamp {
    let latest = after(now, LONGEST_CREDENTIALS);
    match Timestamp::from_millisecond(milliseconds) {
        Ok(moment) => moment.min(latest),
        Err(_) if milliseconds > 0 => latest,
        Err(_) => Timestamp::UNIX_EPOCH,
    }
}

/// The result of one request to the portal.
enum Asked<T> {
    Answered(T),
    /// 401: the token is not valid there, and that place is the one that gave it if `is_own`.
    Unauthorized {
        is_own: bool,
    },
}

fn is_worthless(error: &PortalCallError) -> bool {
    let PortalCallError::Call(error) = error else { return false };
    error.refusal().is_some_and(|refusal| {
        matches!(refusal.meaning, Meaning::Sts(StsError::InvalidClientTokenId | StsError::ExpiredToken))
    })
}

fn no_access(error: PortalCallError, account_id: &str, role_name: &str) -> PortalCallError {
    match &error {
        PortalCallError::Call(CallError::Refused(refusal)) if refusal.is_portal(PortalError::Forbidden) => {
            PortalCallError::NoAccess { account_id: account_id.to_owned(), role_name: role_name.to_owned() }
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_role_credentials_is_clamped() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let latest = now.as_millisecond() + 36 * 60 * 60 * 1000;
        for (given, expected) in [
            (now.as_millisecond() + 1000, now.as_millisecond() + 1000),
            (latest + 1, latest),
            (i64::MAX, latest),
            (0, 0),
            (-1, -1),
            (i64::MIN, 0),
        ] {
            assert_eq!(expiration(given, now).as_millisecond(), expected, "{given}");
        }
    }
}
