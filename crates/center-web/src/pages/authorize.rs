//! A person consents to a terminal that listens on the computer of their browser.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use center::authorize::{self as rules, Asked, Consent, Refusal};
use center::{Call, Caller};
use center_store::Store;

use super::sign_in::{START, SignedInForm};
use super::{Forms, Sent, Sheet, Stop, in_words, page, redirect, refused, shown};
use crate::apis;
use crate::browser::Browser;
use crate::decide::{nothing, turn};
use crate::routes::Who;
use crate::shared::Shared;

#[derive(Template)]
#[template(path = "authorize.html")]
struct ConsentPage<'a> {
    sheet: &'a Sheet,
    csrf: &'a str,
    question: &'a str,
    port: u16,
    client_name: String,
    asks_for: String,
    person: &'a str,
}

/// The question, for the person who is signed in.
pub(crate) fn ask<S: Store>(shared: &Shared<S>, browser: &Browser, person: &str, asked: &Asked) -> Response {
    let sheet = Sheet::of(shared, browser, "Let this terminal in?");
    let csrf = browser.form_token(shared);
    let html = ConsentPage {
        sheet: &sheet,
        csrf: csrf.expose(),
        question: asked.address.split_once('?').map_or("", |(_, query)| query),
        port: asked.port,
        client_name: shown(&asked.client_name),
        asks_for: in_words(asked.scopes),
        person,
    };
    page(StatusCode::OK, &sheet, Forms::HereAnd(&asked.redirect_uri), html.render())
}

/// POST /authorize/decide.
pub(crate) async fn decide<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let question = sent.as_ref().ok().and_then(|form| {
        form.iter().find(|(name, _)| name == "question").map(|(_, question)| question.clone())
    });
    let question = question.unwrap_or_default();
    // Whoever has to sign in again finds the same question after it.
    let back_to = format!("{}?{question}", wire::authorize::PATH);
    let back_to = if question.is_empty() { START } else { &back_to };
    let answer = async {
        let form = SignedInForm::read(&shared, &caller, &headers, sent).await?;
        carry_out(&shared, &caller, form, &question).await
    };
    answer.await.unwrap_or_else(|stop: Stop| stop.page(&shared, back_to))
}

async fn carry_out<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    form: SignedInForm,
    question: &str,
) -> Result<Response, Stop> {
    let SignedInForm { session, mut members, .. } = form;
    let decision = super::device_decide::decision(members.take("decision")).ok_or(Stop::Unreadable)?;
    let question = apis::authorize::question_in(question).ok_or(Stop::Unreadable)?;
    let consent = Consent { person: session.person, decision };
    let decide = |call: &Call<'_>, (): &()| rules::consent(call, &question, &consent);
    Ok(match turn(shared, caller, nothing, decide).await? {
        Ok(location) => redirect(location.expose()),
        Err(Refusal::Back { location, .. }) => redirect(&location),
        Err(Refusal::Page { message, .. }) => refused(shared, message),
    })
}
