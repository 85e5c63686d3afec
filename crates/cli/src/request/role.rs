//! Which role is meant.

use outside::Outside;
use signin::session::Session;

use super::account::{self, is_account_id};
use super::session::{self, Meant};
use crate::args::{RoleArgs, SessionArgs};
use crate::report::news::News;
use crate::report::words::Style;
use crate::report::{Failure, Kind, hints};

/// A role of a session.
#[derive(Debug)]
pub(crate) struct RoleRequest {
    /// The session.
    pub(crate) meant: Meant,
    /// The account. Before [`Self::with_account_id`] it may be a name.
    pub(crate) account_id: String,
    /// The role.
    pub(crate) role_name: String,
    /// Whether an address that changed is meant.
    endpoint_changed: bool,
}

impl RoleRequest {
    /// The same role with the account's id, if its name was given. Only then the portal is asked for the accounts.
    pub(crate) fn with_account_id(mut self, outside: &Outside, style: Style) -> Result<Self, Failure> {
        if is_account_id(&self.account_id) {
            return Ok(self);
        }
        self.meant.tell_now(outside, style);
        let mut news = News::new(outside, style);
        let accounts = self.open(outside).with_portal(&mut news, |portal| portal.accounts());
        let accounts = accounts.map_err(|error| hints::portal(error, &self.meant))?;
        self.account_id = account::find(&self.account_id, &accounts, "--account-id")?.account_id.clone();
        Ok(self)
    }

    /// The session of the role. Nothing is read or asked yet.
    pub(crate) fn open(&self, outside: &Outside) -> Session {
        self.meant.open(outside).allowing_changed_endpoint(self.endpoint_changed)
    }
}

/// Completes it: options first, then the profile.
pub(crate) fn complete(
    session: &SessionArgs,
    role: &RoleArgs,
    outside: &Outside,
) -> Result<RoleRequest, Failure> {
    let meant = session::complete(session, outside)?;
    let account_id = role.account_id.clone().or_else(|| meant.sso.account_id.clone());
    let role_name = role.role_name.clone().or_else(|| meant.sso.role_name.clone());
    match (account_id, role_name) {
        (Some(account_id), Some(role_name)) => {
            let endpoint_changed = role.endpoint.endpoint_changed;
            Ok(RoleRequest { meant, account_id, role_name, endpoint_changed })
        }
        (None, _) => {
            let failure = Failure::new(
                Kind::Configuration,
                "no account is named: neither --account-id nor sso_account_id in a profile",
            );
            Err(failure.hint(format!(
                "see your accounts, then add --account-id ID --role-name NAME: aldis accounts{}",
                meant.selector
            )))
        }
        (Some(account_id), None) => {
            let failure = Failure::new(
                Kind::Configuration,
                "no role is named: neither --role-name nor sso_role_name in a profile",
            );
            Err(failure.hint(format!(
                "see your roles there, then add --role-name NAME: aldis roles {account_id}{}",
                meant.selector
            )))
        }
    }
}
