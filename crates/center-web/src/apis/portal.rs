//! The access portal: ListAccounts, ListAccountRoles, GetRoleCredentials, Logout.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use center::things::handle::{Handle, Kind};
use center::{
    Call, Caller, PortalRefusal, Verdict, accounts_list, logout as ending, portal, role_credentials,
    roles_list,
};
use center_store::Store;
use serde::Serialize;
use wire::Secret;
use wire::portal::{BEARER_HEADER, PortalError};

use super::Members;
use crate::decide::turn;
use crate::refusals;
use crate::routes::Who;
use crate::shared::Shared;

type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

pub(crate) async fn list_accounts<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    query: Pairs,
) -> Response {
    let mut query = match members(query) {
        Ok(query) => query,
        Err(refusal) => return refusals::portal(&refusal),
    };
    let request =
        accounts_list::Request { max_result: query.take("max_result"), next_token: query.take("next_token") };
    let decide = |call: &Call<'_>, facts: &portal::Facts| accounts_list::decide(call, &request, facts);
    reply(answer(&shared, &caller, &headers, decide).await)
}

pub(crate) async fn list_account_roles<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    query: Pairs,
) -> Response {
    let mut query = match members(query) {
        Ok(query) => query,
        Err(refusal) => return refusals::portal(&refusal),
    };
    let request = roles_list::Request {
        account_id: query.take("account_id"),
        max_result: query.take("max_result"),
        next_token: query.take("next_token"),
    };
    let decide = |call: &Call<'_>, facts: &portal::Facts| roles_list::decide(call, &request, facts);
    reply(answer(&shared, &caller, &headers, decide).await)
}

pub(crate) async fn get_role_credentials<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    query: Pairs,
) -> Response {
    let mut query = match members(query) {
        Ok(query) => query,
        Err(refusal) => return refusals::portal(&refusal),
    };
    let request = role_credentials::Request {
        account_id: query.take("account_id"),
        role_name: query.take("role_name"),
    };
    let decide = |call: &Call<'_>, facts: &portal::Facts| role_credentials::decide(call, &request, facts);
    reply(answer(&shared, &caller, &headers, decide).await)
}

pub(crate) async fn logout<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
) -> Response {
    match answer(&shared, &caller, &headers, ending::decide).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusals::portal(&refusal),
    }
}

async fn answer<S: Store, Reply>(
    shared: &Shared<S>,
    caller: &Caller,
    headers: &HeaderMap,
    decide: impl Fn(&Call<'_>, &portal::Facts) -> Verdict<Reply, PortalRefusal>,
) -> Result<Reply, PortalRefusal> {
    let handle = &bearer(headers).and_then(|token| Handle::of(Kind::AccessToken, &token));
    let gather = || async move {
        match handle {
            Some(handle) => shared.store.gather_portal(handle).await,
            None => Ok(portal::Facts::default()),
        }
    };
    turn(shared, caller, gather, decide).await?
}

/// The bearer token; nothing where there is none, or more than one.
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(BEARER_HEADER).iter();
    let token = values.next()?.to_str().ok()?;
    values.next().is_none().then(|| Secret::new(token))
}

fn members(query: Pairs) -> Result<Members, PortalRefusal> {
    let invalid = |what: &str| PortalRefusal::new(PortalError::InvalidRequest, what);
    let Query(pairs) = query.map_err(|_| invalid("The query cannot be read"))?;
    Members::new(pairs).map_err(|_| invalid("A query parameter is repeated"))
}

fn reply(outcome: Result<impl Serialize, PortalRefusal>) -> Response {
    match outcome {
        Ok(reply) => refusals::json(200, &reply),
        Err(refusal) => refusals::portal(&refusal),
    }
}
