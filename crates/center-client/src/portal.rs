//! The access portal: ListAccounts, ListAccountRoles, GetRoleCredentials, WhoAmI, Logout. All pages of a listing, with patience, and
//! never more than a few requests at once.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use outside::panics;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use wire::Secret;
use wire::portal::{
    AccountInfo, BEARER_HEADER, GetRoleCredentialsResponse, ListAccountRolesResponse, ListAccountsResponse,
    PATH_ACCOUNTS, PATH_CREDENTIALS, PATH_LOGOUT, PATH_ROLES, PATH_WHO_AM_I, PortalError, RoleCredentials,
    RoleInfo, WhoAmIResponse,
};
use wire::words::printable;

use crate::calls::{Call, CallError, Calls};
use crate::endpoint::Endpoint;
use crate::refusal::Face;

/// The portal answers 20 requests a second to a whole organisation.
const AT_ONCE: usize = 10;
/// The most that the portal gives.
const PAGE_SIZE: &str = "100";
/// Bounds of one listing, and of the roles of all accounts together. An organisation has some ten thousand accounts at most; a
/// listing beyond these bounds has no end, and what it holds would fill the memory.
const MOST_PAGES: usize = 1000;
const MOST_ITEMS: usize = 100_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;
const SHOWN: usize = 256;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The roles of the account with that index.
type Found = (usize, Result<Vec<RoleInfo>, CallError>);

/// An access portal, and the token that opens it.
#[derive(Debug, Clone)]
pub struct Portal<'a> {
    /// How calls are made.
    pub calls: &'a Calls,
    /// Where it is.
    pub endpoint: &'a Endpoint,
    /// The access token. It goes nowhere but to this endpoint.
    pub token: &'a Secret,
}

/// The roles of several accounts.
#[derive(Debug, Default)]
pub struct RolesOfAccounts {
    /// The roles, in the order of the accounts.
    pub roles: Vec<RoleInfo>,
    /// The accounts whose roles the portal refused to list.
    pub refused: Vec<RefusedAccount>,
}

/// An account whose roles the portal refused to list.
#[derive(Debug)]
pub struct RefusedAccount {
    /// Its id.
    pub account_id: String,
    /// The refusal.
    pub error: CallError,
}

/// True if the portal refused this one account. A token that has ended, a server that fails and a limit of rate meet all
/// accounts alike.
fn concerns_one_account(error: &CallError) -> bool {
    error.refusal().is_some_and(|refusal| {
        !refusal.is_passing()
            && !refusal.is_portal(PortalError::Unauthorized)
            && (400..500).contains(&refusal.status)
    })
}

/// An operation of the portal that lists something.
struct Listing<'a> {
    operation: &'static str,
    path: &'a str,
    query: &'a [(&'a str, &'a str)],
}

/// The rest of the bounds; shared by the threads that list the roles of several accounts.
struct Left {
    items: AtomicUsize,
    bytes: AtomicUsize,
}

impl Default for Left {
    fn default() -> Self {
        Self { items: AtomicUsize::new(MOST_ITEMS), bytes: AtomicUsize::new(MOST_BYTES) }
    }
}

impl Left {
    /// Takes a page of that size; false if it is beyond the bounds.
    fn takes(&self, items: usize, bytes: usize) -> bool {
        let take = |left: &AtomicUsize, size: usize| {
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(size)).is_ok()
        };
        take(&self.items, items) && take(&self.bytes, bytes)
    }
}

fn make_printable(account: &mut AccountInfo) {
    account.account_id = printable(&account.account_id, SHOWN);
    account.account_name = account.account_name.take().map(|name| printable(&name, SHOWN));
    account.email_address = account.email_address.take().map(|email| printable(&email, SHOWN));
}

impl Portal<'_> {
    /// Every account of the person, by name.
    ///
    /// # Errors
    /// When a page does not come.
    pub fn accounts(&self) -> Result<Vec<AccountInfo>, CallError> {
        let ask = Listing { operation: "ListAccounts", path: PATH_ACCOUNTS, query: &[] };
        let mut accounts = self.pages(&ask, &Left::default(), |mut page: ListAccountsResponse| {
            page.account_list.iter_mut().for_each(make_printable);
            (page.account_list, page.next_token)
        })?;
        accounts.sort_by_cached_key(|account| {
            (account.account_name.as_deref().unwrap_or_default().to_lowercase(), account.account_id.clone())
        });
        Ok(accounts)
    }

    /// A hundred accounts of the person, in the portal's order, and what names the next hundred, if there are more: the first
    /// ones, or those that `after` names. Asked for once, by somebody who can do without.
    ///
    /// # Errors
    /// When they do not come.
    pub fn some_accounts(
        &self,
        after: Option<&str>,
    ) -> Result<(Vec<AccountInfo>, Option<String>), CallError> {
        let mut query = vec![("max_result", PAGE_SIZE)];
        query.extend(after.map(|token| ("next_token", token)));
        let call = self.call("ListAccounts", PATH_ACCOUNTS, &query);
        let page: ListAccountsResponse = call.read(&self.calls.once(&call)?)?;
        let mut accounts = page.account_list;
        accounts.iter_mut().for_each(make_printable);
        Ok((accounts, page.next_token.filter(|token| !token.is_empty())))
    }

    /// The name with which the person signed in. Asked for once, by somebody who can do without.
    ///
    /// # Errors
    /// When the portal does not say.
    pub fn who_am_i(&self) -> Result<String, CallError> {
        let call = self.call("WhoAmI", PATH_WHO_AM_I, &[]);
        let answer: WhoAmIResponse = call.read(&self.calls.once(&call)?)?;
        Ok(printable(&answer.user_name, SHOWN))
    }

    /// Every role of the person in one account, by name.
    ///
    /// # Errors
    /// When a page does not come.
    pub fn roles(&self, account_id: &str) -> Result<Vec<RoleInfo>, CallError> {
        self.roles_within(account_id, &Left::default())
    }

    fn roles_within(&self, account_id: &str, left: &Left) -> Result<Vec<RoleInfo>, CallError> {
        let query = [("account_id", account_id)];
        let ask = Listing { operation: "ListAccountRoles", path: PATH_ROLES, query: &query };
        let mut roles = self.pages(&ask, left, |mut page: ListAccountRolesResponse| {
            for role in &mut page.role_list {
                role.role_name = printable(&role.role_name, SHOWN);
                // Some servers leave it out, and it cannot be another one.
                role.account_id = account_id.to_owned();
            }
            (page.role_list, page.next_token)
        })?;
        roles.sort_by_cached_key(|role| role.role_name.to_lowercase());
        Ok(roles)
    }

    /// Every role of the person in each of these accounts, in the order of the accounts, and the accounts that the portal
    /// refused; at most ten requests are under way at once. `told` hears of each account when its roles are known, in no
    /// order and from several threads at once.
    ///
    /// # Errors
    /// The first failure that would meet every account alike, such as a lost connection or a token that has ended; then the
    /// rest is not asked for. What was told before holds.
    pub fn roles_of_accounts(
        &self,
        account_ids: &[String],
        told: &(dyn Fn(&str, &[RoleInfo]) + Sync),
    ) -> Result<RolesOfAccounts, CallError> {
        let next = AtomicUsize::new(0);
        let found: Mutex<Vec<Found>> = Mutex::default();
        let left = Left::default();
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(account_ids.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::SeqCst);
                        let Some(account_id) = account_ids.get(index) else { return };
                        let roles = panics::catch(|| self.roles_within(account_id, &left));
                        let roles = roles.unwrap_or_else(|panicked| {
                            Err(CallError::from_panic("ListAccountRoles", panicked))
                        });
                        match &roles {
                            Ok(roles) => told(account_id, roles),
                            Err(error) if concerns_one_account(error) => {}
                            Err(_) => next.store(account_ids.len(), Ordering::SeqCst),
                        }
                        found.lock().unwrap_or_else(PoisonError::into_inner).push((index, roles));
                    }
                });
            }
        });
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_by_key(|(index, _)| *index);
        let mut all = RolesOfAccounts::default();
        for (index, roles) in found {
            match roles {
                Ok(roles) => all.roles.extend(roles),
                Err(error) if concerns_one_account(&error) => {
                    let account_id = account_ids.get(index).cloned().unwrap_or_default();
                    all.refused.push(RefusedAccount { account_id, error });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Short-term credentials of a role.
    ///
    /// # Errors
    /// When there are none.
    pub fn role_credentials(&self, account_id: &str, role_name: &str) -> Result<RoleCredentials, CallError> {
        let query = [("role_name", role_name), ("account_id", account_id)];
        let call = self.call("GetRoleCredentials", PATH_CREDENTIALS, &query);
        let answer: GetRoleCredentialsResponse = call.read(&self.calls.patiently(&call)?)?;
        Ok(answer.role_credentials)
    }

    /// Ends the sign-in that the token belongs to. Asked once: whoever signs out is waiting for files to go, not for this.
    ///
    /// # Errors
    /// When the portal does not say that it is done.
    pub fn logout(&self) -> Result<(), CallError> {
        let mut call = self.call("Logout", PATH_LOGOUT, &[]);
        call.request.method = "POST";
        self.calls.once(&call).map(drop)
    }

    fn pages<P: DeserializeOwned, T>(
        &self,
        ask: &Listing<'_>,
        left: &Left,
        take: impl Fn(P) -> (Vec<T>, Option<String>),
    ) -> Result<Vec<T>, CallError> {
        let Listing { operation, path, query } = *ask;
        let mut all = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = query.to_vec();
            query.push(("max_result", PAGE_SIZE));
            query.extend(next.as_deref().map(|token| ("next_token", token)));
            let call = self.call(operation, path, &query);
            let answer = self.calls.patiently(&call)?;
            let bytes = answer.body.len();
            let (items, token) = take(call.read(&answer)?);
            if !left.takes(items.len(), bytes) {
                return Err(call.unreadable(format!(
                    "the listing is longer than {MOST_ITEMS} entries or {} MiB",
                    MOST_BYTES >> 20
                )));
            }
            all.extend(items);
            match token.filter(|token| !token.is_empty()) {
                None => return Ok(all),
                Some(token) if next.as_ref() == Some(&token) => break,
                Some(token) => next = Some(token),
            }
        }
        Err(self.call(operation, path, &[]).unreadable("the listing never ends".to_owned()))
    }

    fn call(&self, operation: &'static str, path: &str, query: &[(&str, &str)]) -> Call {
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, UNRESERVED)))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let url = self.endpoint.at(&format!("{path}{mark}{}", query.join("&")));
        Call::get(Face::Portal, operation, url).with_header(BEARER_HEADER, self.token.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_bounded_in_entries_and_in_bytes() {
        let left = Left::default();
        assert!(left.takes(MOST_ITEMS, 0) && left.takes(0, MOST_BYTES));
        assert!(!left.takes(1, 0) && !left.takes(0, 1));
        let left = Left::default();
        let pages = (0..).take_while(|_| left.takes(100, 1 << 20)).count();
        assert_eq!(pages, 64, "64 MiB");
    }
}
