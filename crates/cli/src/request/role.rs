//! Which role is meant.

use outside::Outside;

use super::session::{self, Meant};
use crate::args::{RoleArgs, SessionArgs};
use crate::report::{Failure, Kind};

/// A role of a session.
#[derive(Debug)]
pub(crate) struct RoleRequest {
    /// The session.
    pub(crate) meant: Meant,
    /// The account.
    pub(crate) account_id: String,
    /// The role.
    pub(crate) role_name: String,
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
        (Some(account_id), Some(role_name)) => Ok(RoleRequest { meant, account_id, role_name }),
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
