//! The access portal: ListAccounts, ListAccountRoles, GetRoleCredentials, WhoAmI, Logout.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use center::things::handle::{Handle, Kind};
use center::{
    Call, Caller, PortalRefusal, Verdict, accounts_list, logout as ending, portal, role_credentials,
    roles_list, who_am_i as naming,
};
use center_store::Store;
use serde::Serialize;
use wire::Secret;
use wire::portal::BEARER_HEADER;

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
    let (mut query, is_faulty) = members(query);
    let request =
        accounts_list::Request { max_result: query.take("max_result"), next_token: query.take("next_token") };
    let decide = |call: &Call<'_>, facts: &portal::Facts| accounts_list::decide(call, &request, facts);
    reply(answer(&shared, &caller, (&headers, is_faulty), decide).await)
}

pub(crate) async fn list_account_roles<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    query: Pairs,
) -> Response {
    let (mut query, is_faulty) = members(query);
    let request = roles_list::Request {
        account_id: query.take("account_id"),
        max_result: query.take("max_result"),
        next_token: query.take("next_token"),
    };
    let decide = |call: &Call<'_>, facts: &portal::Facts| roles_list::decide(call, &request, facts);
    reply(answer(&shared, &caller, (&headers, is_faulty), decide).await)
}

pub(crate) async fn get_role_credentials<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    query: Pairs,
) -> Response {
    let (mut query, is_faulty) = members(query);
    let request = role_credentials::Request {
        account_id: query.take("account_id"),
        role_name: query.take("role_name"),
    };
    let decide = |call: &Call<'_>, facts: &portal::Facts| role_credentials::decide(call, &request, facts);
    reply(answer(&shared, &caller, (&headers, is_faulty), decide).await)
}

pub(crate) async fn who_am_i<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
) -> Response {
    reply(answer(&shared, &caller, (&headers, false), naming::decide).await)
}

pub(crate) async fn logout<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
) -> Response {
    match answer(&shared, &caller, (&headers, false), ending::decide).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusals::portal(&refusal),
    }
}

async fn answer<S: Store, Reply>(
    shared: &Shared<S>,
    caller: &Caller,
    (headers, query_is_faulty): (&HeaderMap, bool),
    decide: impl Fn(&Call<'_>, &portal::Facts) -> Verdict<Reply, PortalRefusal>,
) -> Result<Reply, PortalRefusal> {
    let handle =
        &bearer(headers).and_then(|token| Handle::of(&shared.instance.seals, Kind::AccessToken, &token));
    let gather = || async move {
        let facts = match handle {
            Some(handle) => shared.store.gather_portal(handle).await?,
            None => portal::Facts::default(),
        };
        Ok(portal::Facts { query_is_faulty, ..facts })
    };
    turn(shared, caller, gather, decide).await?
}

/// The bearer token; nothing where there is none, or more than one.
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(BEARER_HEADER).iter();
    let token = values.next()?.to_str().ok()?;
    values.next().is_none().then(|| Secret::new(token))
}

/// The members of a query; none where it cannot be read or repeats one, which is for the rule to refuse.
fn members(query: Pairs) -> (Members, bool) {
    let members = query.ok().and_then(|Query(pairs)| Members::new(pairs).ok());
    let is_faulty = members.is_none();
    (members.unwrap_or_default(), is_faulty)
}

fn reply(outcome: Result<impl Serialize, PortalRefusal>) -> Response {
    match outcome {
        Ok(reply) => refusals::json(200, &reply),
        Err(refusal) => refusals::portal(&refusal),
    }
}
