//! ListAccountRoles: what the person may be in one account.

use wire::portal::{ListAccountRolesResponse, PortalError, RoleInfo};

use crate::audit::Event;
use crate::instance::Call;
use crate::portal::{self, Facts};
use crate::verdict::{PortalRefusal, Verdict};

/// What is asked, as the query has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// In which account.
    pub account_id: Option<String>,
    /// How many at most, 1 to 100.
    pub max_result: Option<String>,
    /// Where to go on.
    pub next_token: Option<String>,
}

/// Lists one page.
pub fn decide(
    call: &Call<'_>,
    request: &Request,
    facts: &Facts,
) -> Verdict<ListAccountRolesResponse, PortalRefusal> {
    let mut entry = portal::entry(call, Event::ListAccountRoles, facts);
    if let Some(account) = &request.account_id {
        entry = entry.account(account);
    }
    let changes = portal::presented(call, facts);
    match list(call, request, facts) {
        Ok(reply) => Verdict::accept(reply, changes, vec![entry]),
        Err(refusal) => {
            let entry = entry.refused(refusal.error.exception(), &refusal.message);
            Verdict::refuse(refusal, changes, vec![entry])
        }
    }
}

fn list(
    call: &Call<'_>,
    request: &Request,
    facts: &Facts,
) -> Result<ListAccountRolesResponse, PortalRefusal> {
    let bearer = portal::account_bearer(call, facts)?;
    let account = portal::account_id(request.account_id.as_ref())?;
    let roles = call.instance.organisation.roles_of(&bearer.session.person, account);
    if roles.is_empty() {
        // The same for accounts of others and accounts that do not exist.
        return Err(PortalRefusal::new(PortalError::ResourceNotFound, "Account not found"));
    }
    let (page, next_token) =
        portal::page(&roles, |role| &role.name, request.max_result.as_ref(), request.next_token.as_ref())?;
    let role_list = page
        .into_iter()
        .map(|role| RoleInfo { role_name: role.name.clone(), account_id: account.to_owned() })
        .collect();
    Ok(ListAccountRolesResponse { role_list, next_token })
}
