//! The question of a client that wants an authorization code, as a browser brings it, for both faces: Amazon's and the
//! standard differ in one name, and the rule takes either.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use center::authorize::{self, Answer, Question, Refusal};
use center_store::Store;
use wire::authorize::PATH;

use super::oauth;
use crate::decide::{nothing, turn};
use crate::hosts::Hosts;
use crate::pages;
use crate::routes::Who;
use crate::shared::Shared;

type Pairs = Vec<(String, String)>;

pub(crate) async fn ask<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    query: Result<Query<Pairs>, QueryRejection>,
) -> Response {
    let Ok(Query(pairs)) = query else { return pages::refused(&shared, "The address cannot be read.") };
    let question = Question::new(pairs);
    match turn(&shared, &caller, nothing, |call, ()| authorize::decide(call, &question)).await {
        Ok(Ok(Answer::Redirect(location))) => redirect(location.expose()),
        Ok(Ok(Answer::Wait(asked))) => pages::authorize(&shared, &asked),
        Ok(Err(Refusal::Back { location, .. })) => redirect(&location),
        Ok(Err(Refusal::Page { message, .. })) => pages::refused(&shared, message),
        Err(_) => pages::error(&shared, StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// The question in a whole address of this center, as somebody copied it; nothing where it is no such address.
pub(crate) fn question(hosts: &Hosts, address: &str) -> Option<Question> {
    let address: Uri = address.trim().parse().ok()?;
    // Another center's address is not for this one to answer, even where the client is known to both.
    address.authority().filter(|authority| hosts.is_ours(authority.as_str()))?;
    if ![PATH, oauth::PATH_AUTHORIZE].contains(&address.path()) {
        return None;
    }
    let Query(pairs) = Query::<Pairs>::try_from_uri(&address).ok()?;
    Some(Question::new(pairs))
}

/// Sends the browser back with a GET, whatever it sent (S23), and leaves no trace of the code.
fn redirect(location: &str) -> Response {
    let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer")];
    (StatusCode::SEE_OTHER, headers).into_response()
}
