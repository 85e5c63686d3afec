//! ListAccounts: the accounts in which the person has a role.

use wire::portal::{AccountInfo, ListAccountsResponse};

use crate::audit::Event;
use crate::instance::Call;
use crate::portal::{self, Facts};
use crate::verdict::{PortalRefusal, Verdict};

/// What is asked, as the query has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
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
) -> Verdict<ListAccountsResponse, PortalRefusal> {
    let entry = portal::entry(call, Event::ListAccounts, facts);
    let changes = portal::presented(call, facts);
    match list(call, request, facts) {
        Ok(reply) => Verdict::accept(reply, changes, vec![entry]),
        Err(refusal) => {
            let entry = entry.refused(refusal.error.exception(), &refusal.message);
            Verdict::refuse(refusal, changes, vec![entry])
        }
    }
}

fn list(call: &Call<'_>, request: &Request, facts: &Facts) -> Result<ListAccountsResponse, PortalRefusal> {
    let bearer = portal::account_bearer(call, facts)?;
    let accounts = call.instance.organisation.accounts_of(&bearer.session.person);
    let (page, next_token) = portal::page(
        &accounts,
        |account| &account.id,
        request.max_result.as_ref(),
        request.next_token.as_ref(),
    )?;
    let account_list = page
        .into_iter()
        .map(|account| AccountInfo {
            account_id: account.id.clone(),
            account_name: Some(account.name.clone()),
            email_address: Some(account.email.clone()),
        })
        .collect();
    Ok(ListAccountsResponse { account_list, next_token })
}
