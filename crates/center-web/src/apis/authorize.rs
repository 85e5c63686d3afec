//! The question of a client that wants an authorization code, as a browser brings it, for both faces: Amazon's and the
//! standard differ in one name, and the rule takes either.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use center::Caller;
use center::authorize::{self, Answer, Question, Refusal};
use center_store::Store;
use wire::authorize::PATH;

use super::oauth;
use crate::browser::Browser;
use crate::decide::{nothing, turn};
use crate::hosts::Hosts;
use crate::pages;
use crate::pages::Stop;
use crate::pages::sign_in::Destination;
use crate::routes::Who;
use crate::shared::Shared;

type Pairs = Vec<(String, String)>;

pub(crate) async fn ask<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    address: Uri,
    query: Result<Query<Pairs>, QueryRejection>,
) -> Response {
    let Ok(Query(pairs)) = query else { return pages::refused(&shared, "The address cannot be read.") };
    let question = Question::new(pairs);
    match turn(&shared, &caller, nothing, |call, ()| authorize::decide(call, &question)).await {
        Ok(Ok(Answer::Redirect(location))) => pages::redirect(location.expose()),
        Ok(Ok(Answer::Wait(asked))) => {
            let browser = match Browser::of(&shared, &caller, &headers).await {
                Ok(browser) => browser,
                Err(error) => return Stop::from(error).page(&shared, PATH),
            };
            match browser.session() {
                Some(session) => pages::authorize::ask(&shared, &browser, &session.person, &asked),
                None => {
                    let here = address.path_and_query().map_or("", |address| address.as_str());
                    pages::sign_in::ask(&shared, &browser, &Destination::read(here))
                }
            }
        }
        Ok(Err(Refusal::Back { location, .. })) => pages::redirect(&location),
        Ok(Err(Refusal::Page { message, .. })) => pages::refused(&shared, message),
        Err(error) => Stop::from(error).page(&shared, PATH),
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
    question_in(address.query().unwrap_or_default())
}

/// The question in a query.
pub(crate) fn question_in(query: &str) -> Option<Question> {
    let address: Uri = format!("{PATH}?{query}").parse().ok()?;
    let Query(pairs) = Query::<Pairs>::try_from_uri(&address).ok()?;
    Some(Question::new(pairs))
}

/// The address of a question that is in order, without anything that needs quoting.
pub(crate) fn canonical<S: Store>(shared: &Shared<S>, query: &str) -> Option<String> {
    let question = question_in(query)?;
    shared.call(&Caller::default(), |call| authorize::canonical(call, &question))
}
