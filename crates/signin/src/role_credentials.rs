//! Token + account + role → short-term credentials, kept in the cache of the AWS CLI.

use aws_formats::sso_cache::RoleCredentials;
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

use crate::pins::Face;
use crate::progress::{Progress, Watcher};
use crate::session::{FreshError, Session};

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

impl Session {
    /// Credentials of a role: the cached ones while they have more than a quarter of an hour left (then nothing but
    /// the file is touched), else new ones from the portal, which are kept.
    ///
    /// # Errors
    /// When there are none.
    pub fn role_credentials(
        &self,
        account_id: &str,
        role_name: &str,
        watcher: &mut dyn Watcher,
    ) -> Result<RoleCredentials, PortalCallError> {
        if let Some(cached) = self.store.read_role(&self.target, account_id, role_name)
            && cached.is_fresh_at(self.clock.now())
            && !self.is_signed_in_elsewhere()
        {
            // The AWS CLI leaves the account out at times, and it is known.
            return Ok(RoleCredentials { account_id: Some(account_id.to_owned()), ..cached });
        }
        let given = self.with_portal(watcher, |portal| portal.role_credentials(account_id, role_name));
        let given = given.map_err(|error| no_access(error, account_id, role_name))?;
        let credentials = RoleCredentials {
            access_key_id: given.access_key_id,
            secret_access_key: given.secret_access_key,
            session_token: given.session_token,
            expiration: Timestamp::from_millisecond(given.expiration).unwrap_or(Timestamp::UNIX_EPOCH),
            account_id: Some(account_id.to_owned()),
        };
        if credentials.expiration <= self.clock.now() {
            return Err(PortalCallError::OverAlready {
                account_id: account_id.to_owned(),
                role_name: role_name.to_owned(),
            });
        }
        if let Err(error) = self.store.keep_role(&self.target, account_id, role_name, &credentials) {
            watcher.told(Progress::NotKept {
                what: "role credentials",
                path: self.store.role_path(&self.target, account_id, role_name),
                why: error.to_string(),
            });
        }
        Ok(credentials)
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

    /// Asks the portal something, with a fresh token.
    ///
    /// # Errors
    /// When there is no token or no answer.
    pub fn with_portal<T>(
        &self,
        watcher: &mut dyn Watcher,
        ask: impl FnOnce(&Portal<'_>) -> Result<T, CallError>,
    ) -> Result<T, PortalCallError> {
        let token = self.fresh(watcher)?;
        let center = self.center()?;
        self.check_pin(center, Face::Sso, watcher)?;
        let portal = Portal { calls: &self.calls, endpoint: &center.sso, token: &token.access_token };
        ask(&portal).map_err(|error| match error.refusal() {
            Some(refusal) if refusal.is_portal(PortalError::Unauthorized) => {
                PortalCallError::SignedOut { target: self.name() }
            }
            _ => PortalCallError::Call(error),
        })
    }
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
