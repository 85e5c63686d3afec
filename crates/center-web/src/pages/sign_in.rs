//! Signing in with name and password, and out again.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use center::things::browser_session::BrowserSession;
use center::{Call, Caller, sign_in};
use center_store::Store;
use wire::Secret;

use super::{Forms, Sent, Sheet, Stop, members, page, redirect};
use crate::apis::{Members, oauth};
use crate::browser::{self, Browser};
use crate::decide::{nothing, turn};
use crate::pages;
use crate::routes::Who;
use crate::shared::Shared;

pub(crate) const START: &str = "/start";
pub(crate) const DEVICE: &str = "/device";

/// One text for whatever is wrong (S53).
const WRONG: &str = "Name and password do not belong together. Check both and try again.";

/// Where a person may go once they are signed in: paths of ours that begin something, and nothing else (S24).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    path: &'static str,
    address: String,
}

impl Destination {
    /// Reads a path with its query; what is none of ours leads to the start.
    pub(crate) fn read(text: &str) -> Self {
        Self::known(text).unwrap_or_else(|| Self { path: START, address: START.to_owned() })
    }

    fn known(text: &str) -> Option<Self> {
        let address: Uri = text.parse().ok()?;
        if !text.starts_with('/') || address.authority().is_some() {
            return None;
        }
        let paths = [START, DEVICE, wire::authorize::PATH, oauth::PATH_AUTHORIZE];
        let path = paths.into_iter().find(|path| *path == address.path())?;
        Some(Self { path, address: address.path_and_query()?.as_str().to_owned() })
    }

    /// The value of a parameter in the query.
    fn query(&self) -> &str {
        self.address.split_once('?').map_or("", |(_, query)| query)
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    sheet: &'a Sheet,
    fault: Option<&'a str>,
    purpose: &'a str,
    csrf: &'a str,
    return_to: &'a str,
    name: &'a str,
    command: Option<String>,
    after_command: &'a str,
}

/// The page on which a person signs in, on their way to somewhere.
pub(crate) fn ask<S: Store>(shared: &Shared<S>, browser: &Browser, destination: &Destination) -> Response {
    form(shared, browser, destination, None)
}

fn form<S: Store>(
    shared: &Shared<S>,
    browser: &Browser,
    destination: &Destination,
    wrong_for: Option<&str>,
) -> Response {
    let sheet = Sheet::new(shared, "Sign in");
    let (purpose, after_command) = match destination.path {
        DEVICE => ("A terminal waits to be let in. Sign in to decide.", ""),
        START => ("Sign in to see what you may use here.", ""),
        _ => (
            "A terminal waits to be let in. Sign in to decide.",
            "It prints the address to open next, in this browser. Whoever has that address can hand it to the terminal, so give \
             it to nobody else.",
        ),
    };
    let csrf = browser.visit_token(shared);
    let html = SignInPage {
        sheet: &sheet,
        fault: wrong_for.map(|_| WRONG),
        purpose,
        csrf: csrf.expose(),
        return_to: &destination.address,
        name: wrong_for.unwrap_or_default(),
        command: command(shared, destination),
        after_command,
    };
    let status = if wrong_for.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    browser.with_visit(shared, page(status, &sheet, Forms::Here, html.render()))
}

/// How an administrator decides for somebody without a password; nothing where everybody has one.
fn command<S: Store>(shared: &Shared<S>, destination: &Destination) -> Option<String> {
    let all_have_one =
        shared.instance.organisation.people.iter().all(|person| person.password_hash.is_some());
    if all_have_one {
        return None;
    }
    match destination.path {
        START => None,
        DEVICE => {
            let code =
                pages::device_decide::code_in(destination.query()).unwrap_or_else(|| "CODE".to_owned());
            Some(format!(
                "aldis center device approve {code} --person NAME\naldis center device deny {code} --person NAME"
            ))
        }
        _ => {
            let address = crate::apis::authorize::canonical(shared, destination.query())?;
            Some(format!("aldis center authorize '{address}' --person NAME"))
        }
    }
}

/// GET /sign-in.
pub(crate) async fn show<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
) -> Response {
    let browser = match Browser::of(&shared, &caller, &headers).await {
        Ok(browser) => browser,
        Err(error) => return Stop::from(error).page(&shared, START),
    };
    match browser.session() {
        Some(_) => redirect(START),
        None => ask(&shared, &browser, &Destination::read(START)),
    }
}

/// POST /sign-in.
pub(crate) async fn sign_in<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    match begin(&shared, &caller, &headers, sent).await {
        Ok(response) => response,
        Err(stop) => stop.page(&shared, START),
    }
}

async fn begin<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    headers: &HeaderMap,
    sent: Sent,
) -> Result<Response, Stop> {
    browser::refuse_foreign(shared, headers)?;
    let browser = Browser::of(shared, caller, headers).await?;
    let mut members = members(sent)?;
    let mut take = |name: &str| members.take(name).unwrap_or_default();
    if !browser.is_visit_token(shared, &take("csrf")) {
        return Err(Stop::Forged);
    }
    let destination = Destination::read(&take("return_to"));
    let (name, password) = (take("username"), Secret::new(take("password")));
    let guess = shared.password_guesses.begin(&name, &caller.address, shared.clock.now())?;
    shared.password_guesses.slow(&guess).await;
    let phc =
        shared.call(caller, |call| sign_in::to_verify(call, &name, &shared.passwords.stand_in).to_owned());
    let Ok(is_right) = shared.passwords.check(phc, password).await else {
        shared.password_guesses.give_back(guess);
        return Err(Stop::Busy);
    };
    let request = sign_in::Request { name, previous: browser.previous(), destination: destination.path };
    let decide = |call: &Call<'_>, (): &()| sign_in::decide(call, &request, is_right);
    Ok(match turn(shared, caller, nothing, decide).await? {
        Ok(signed_in) => {
            shared.password_guesses.give_back(guess);
            browser::begin_session(shared, &signed_in.cookie, redirect(&destination.address))
        }
        Err(sign_in::Wrong) => form(shared, &browser, &destination, Some(&request.name)),
    })
}

/// POST /sign-out.
pub(crate) async fn sign_out<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    match end(&shared, &caller, &headers, sent).await {
        Ok(response) => response,
        Err(stop) => stop.page(&shared, START),
    }
}

async fn end<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    headers: &HeaderMap,
    sent: Sent,
) -> Result<Response, Stop> {
    let form = SignedInForm::read(shared, caller, headers, sent).await?;
    // It changes rows and nothing else, so there is nothing to refuse.
    let _ = turn(shared, caller, nothing, |call, ()| sign_in::sign_out(call, &form.session)).await?;
    Ok(browser::end_session(shared, redirect(START)))
}

/// A form of a signed-in person, checked: from a page of ours, given to this browser in this very sign-in.
pub(super) struct SignedInForm {
    pub(super) browser: Browser,
    pub(super) session: BrowserSession,
    pub(super) members: Members,
}

impl SignedInForm {
    pub(super) async fn read<S: Store>(
        shared: &Shared<S>,
        caller: &Caller,
        headers: &HeaderMap,
        sent: Sent,
    ) -> Result<Self, Stop> {
        browser::refuse_foreign(shared, headers)?;
        let browser = Browser::of(shared, caller, headers).await?;
        let mut members = members(sent)?;
        let session = browser.session().cloned().ok_or(Stop::SignedOut)?;
        if !browser.is_form_token(shared, &members.take("csrf").unwrap_or_default()) {
            return Err(Stop::Forged);
        }
        Ok(Self { browser, session, members })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s24_nobody_is_sent_away_from_here() {
        for address in ["/start", "/device?user_code=BCDF-GHJK", "/authorize?a=b&c=d", "/oauth/authorize?x"] {
            assert_eq!(Destination::read(address).address, address);
        }
        for address in [
            "",
            "start",
            "//evil.example",
            "//evil.example/start",
            "/\\evil.example",
            "https://evil.example/start",
            "/start/../x",
            "/token",
            "/sign-out",
            "/?Action=x",
            "/start\r\nX: y",
            "http:/start",
            "*",
            "javascript:alert(1)",
            "evil.example:80",
        ] {
            assert_eq!(Destination::read(address).address, START, "{address}");
        }
    }
}
