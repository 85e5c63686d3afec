//! A person decides on a device that waits, by its user code.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use center::device_decide::{self, Waiting};
use center::things::decider::Decider;
use center::things::device_grant::DeviceGrant;
use center::things::user_code;
use center::{Call, Caller, sign_in as rules};
use center_store::{Store, StoreError};
use wire::admin::Decision;

use super::sign_in::{self, DEVICE, Destination, SignedInForm};
use super::{Forms, Sent, Sheet, Stop, duration, in_words, notice, page, redirect, shown, start};
use crate::browser::Browser;
use crate::decide::{nothing, turn};
use crate::guesses::CodeGuess;
use crate::pages;
use crate::routes::Who;
use crate::shared::Shared;

#[derive(Template)]
#[template(path = "device.html")]
struct CodePage<'a> {
    sheet: &'a Sheet,
    csrf: &'a str,
    code: &'a str,
    is_from_elsewhere: bool,
}

#[derive(Template)]
#[template(path = "device_decide.html")]
struct DecisionPage<'a> {
    sheet: &'a Sheet,
    csrf: &'a str,
    code: &'a str,
    is_near: bool,
    client_name: String,
    asks_for: String,
    started_from: String,
    user_agent: String,
    started: String,
    person: &'a str,
}

/// The code in a query, where it has the shape of one. Whether there is such a code is not looked up (S5).
pub(super) fn code_in(query: &str) -> Option<String> {
    let address: Uri = format!("/?{query}").parse().ok()?;
    let Query(pairs) = Query::<super::Pairs>::try_from_uri(&address).ok()?;
    pairs.iter().find(|(name, _)| name == "user_code").and_then(|(_, typed)| user_code::normalize(typed))
}

/// GET /device.
pub(crate) async fn ask<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    address: Uri,
) -> Response {
    if let Some(response) = start::approves_itself(&shared) {
        return response;
    }
    let browser = match Browser::of(&shared, &caller, &headers).await {
        Ok(browser) => browser,
        Err(error) => return Stop::from(error).page(&shared, DEVICE),
    };
    if browser.session().is_none() {
        let here = address.path_and_query().map_or(DEVICE, |address| address.as_str());
        return sign_in::ask(&shared, &browser, &Destination::read(here));
    }
    let code = code_in(address.query().unwrap_or_default()).unwrap_or_default();
    code_page(&shared, &browser, &code, false)
}

fn code_page<S: Store>(
    shared: &Shared<S>,
    browser: &Browser,
    code: &str,
    is_from_elsewhere: bool,
) -> Response {
    let sheet = Sheet::of(shared, browser, "Sign in a device");
    let csrf = browser.form_token(shared);
    let html = CodePage { sheet: &sheet, csrf: csrf.expose(), code, is_from_elsewhere };
    page(StatusCode::OK, &sheet, Forms::Here, html.render())
}

/// POST /device: what waits under a code.
pub(crate) async fn look<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let answer = async {
        let form = SignedInForm::read(&shared, &caller, &headers, sent).await?;
        look_up(&shared, &caller, form).await
    };
    answer.await.unwrap_or_else(|stop: Stop| stop.page(&shared, DEVICE))
}

async fn look_up<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    form: SignedInForm,
) -> Result<Response, Stop> {
    let SignedInForm { browser, session, mut members } = form;
    let typed = members.take("user_code").unwrap_or_default();
    let guess = begin_guess(shared, caller, &session.person).await?;
    let code = &user_code::kept_of_typed(&shared.instance.seals, &typed);
    let decide = |call: &Call<'_>, grant: &Option<DeviceGrant>| {
        device_decide::look(call, &typed, &session.person, grant.as_ref())
    };
    let Ok(waiting) = turn(shared, caller, || gather(shared, code), decide).await? else {
        return Ok(wrong_code(shared));
    };
    shared.code_guesses.give_back(guess);
    // Whoever started it elsewhere may have sent the link, so the code has to come from the person's own terminal.
    if !waiting.is_near && members.take("from_link").is_some() {
        return Ok(code_page(shared, &browser, "", true));
    }
    Ok(decision_page(shared, &browser, &session.person, &waiting))
}

fn decision_page<S: Store>(
    shared: &Shared<S>,
    browser: &Browser,
    person: &str,
    waiting: &Waiting,
) -> Response {
    let sheet = Sheet::of(shared, browser, "You are signing in a device");
    let csrf = browser.form_token(shared);
    let ago = shared.clock.now().duration_since(waiting.started_at).as_secs().max(0);
    let html = DecisionPage {
        sheet: &sheet,
        csrf: csrf.expose(),
        code: &waiting.user_code,
        is_near: waiting.is_near,
        client_name: shown(&waiting.client_name),
        asks_for: in_words(waiting.scopes),
        started_from: shown(&waiting.started_from),
        user_agent: shown(&waiting.user_agent),
        started: format!("{} ago, at {}", duration(ago), waiting.started_at.strftime("%H:%M UTC")),
        person,
    };
    page(StatusCode::OK, &sheet, Forms::Here, html.render())
}

/// POST /device/decide.
pub(crate) async fn decide<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let answer = async {
        let form = SignedInForm::read(&shared, &caller, &headers, sent).await?;
        carry_out(&shared, &caller, form).await
    };
    answer.await.unwrap_or_else(|stop: Stop| stop.page(&shared, DEVICE))
}

async fn carry_out<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    form: SignedInForm,
) -> Result<Response, Stop> {
    let SignedInForm { session, mut members, .. } = form;
    let decision = decision(members.take("decision")).ok_or(Stop::Unreadable)?;
    let guess = begin_guess(shared, caller, &session.person).await?;
    let request = device_decide::Request {
        user_code: members.take("user_code").unwrap_or_default(),
        person: session.person,
        decision,
        by: Decider::Themselves,
    };
    let code = &user_code::kept_of_typed(&shared.instance.seals, &request.user_code);
    let decide =
        |call: &Call<'_>, grant: &Option<DeviceGrant>| device_decide::decide(call, &request, grant.as_ref());
    if turn(shared, caller, || gather(shared, code), decide).await?.is_err() {
        return Ok(wrong_code(shared));
    }
    shared.code_guesses.give_back(guess);
    Ok(redirect(match decision {
        Decision::Approve => "/device/done?decision=approved",
        Decision::Deny => "/device/done?decision=denied",
    }))
}

/// GET /device/done.
pub(crate) async fn done<S: Store>(State(shared): State<Arc<Shared<S>>>, address: Uri) -> Response {
    let (title, words) = match address.query() {
        Some("decision=approved") => {
            ("The device is signed in", "You approved it. Go back to your terminal: it goes on by itself.")
        }
        Some("decision=denied") => (
            "The device was refused",
            "You denied it. If you did not start that sign-in yourself, tell whoever runs this center.",
        ),
        _ => return pages::error(&shared, StatusCode::NOT_FOUND),
    };
    notice(&shared, StatusCode::OK, title, &[words, "You may close this page."], None)
}

/// The word in the button that was pressed.
pub(super) fn decision(word: Option<String>) -> Option<Decision> {
    match word?.as_str() {
        "approve" => Some(Decision::Approve),
        "deny" => Some(Decision::Deny),
        _ => None,
    }
}

async fn gather<S: Store>(
    shared: &Shared<S>,
    code: &Option<String>,
) -> Result<Option<DeviceGrant>, StoreError> {
    match code {
        Some(code) => shared.store.gather_device_decide(code).await,
        None => Ok(None),
    }
}

/// Counts a code before it is looked up, wrong until it turns out right; slows everybody while somebody tries them all (S5).
async fn begin_guess<S: Store>(shared: &Shared<S>, caller: &Caller, person: &str) -> Result<CodeGuess, Stop> {
    let guesses = &shared.code_guesses;
    let guess = guesses.begin(person, &caller.address, shared.clock.now())?;
    let valve = guesses.valve(shared.clock.now());
    if let Some(wrong) = valve.alarm {
        let _ = turn(shared, caller, nothing, |call, ()| rules::user_codes_guessed(call, wrong)).await?;
    }
    if !valve.pause.is_zero() {
        tokio::time::sleep(valve.pause).await;
    }
    Ok(guess)
}

fn wrong_code<S: Store>(shared: &Shared<S>) -> Response {
    shared.code_guesses.was_wrong(shared.clock.now());
    let words = "It is mistyped, over or used. Compare it with your terminal; if it is the same, ask your terminal for a new one.";
    let link = Some((DEVICE, "Enter a code"));
    notice(shared, StatusCode::NOT_FOUND, "No sign-in is waiting under that code", &[words], link)
}
