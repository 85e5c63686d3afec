//! The front page, and the start URL for whoever opens it in a browser.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use center::Caller;
use center_store::Store;

use super::sign_in::{self, Destination, START};
use super::{Forms, Sheet, Stop, notice, page};
use crate::browser::Browser;
use crate::routes::Who;
use crate::shared::Shared;

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage<'a> {
    sheet: &'a Sheet,
    name: &'a str,
    start_url: String,
    accounts: Vec<AccountLine>,
}

struct AccountLine {
    id: String,
    name: String,
    roles: String,
}

/// GET /start.
pub(crate) async fn start<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
) -> Response {
    home(&shared, &caller, &headers).await
}

/// Who is signed in, and what they may use; or where to sign in.
pub(crate) async fn home<S: Store>(shared: &Shared<S>, caller: &Caller, headers: &HeaderMap) -> Response {
    if let Some(response) = approves_itself(shared) {
        return response;
    }
    let browser = match Browser::of(shared, caller, headers).await {
        Ok(browser) => browser,
        Err(error) => return Stop::from(error).page(shared, START),
    };
    let Some(session) = browser.session() else {
        return sign_in::ask(shared, &browser, &Destination::read(START));
    };
    let organisation = &shared.instance.organisation;
    let accounts = organisation.accounts_of(&session.person).into_iter().map(|account| {
        let roles = organisation.roles_of(&session.person, &account.id);
        let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        AccountLine { id: account.id.clone(), name: account.name.clone(), roles: names.join(", ") }
    });
    let sheet = Sheet::of(shared, &browser, "Your accounts");
    let html = StartPage {
        sheet: &sheet,
        name: &session.person,
        start_url: shared.instance.start_url(),
        accounts: accounts.collect(),
    };
    page(StatusCode::OK, &sheet, Forms::Here, html.render())
}

/// What a center says that approves every sign-in by itself: there is nothing to sign in for.
pub(super) fn approves_itself<S: Store>(shared: &Shared<S>) -> Option<Response> {
    let person = shared.instance.auto_approve.as_ref()?;
    let words = format!(
        "This center approves every sign-in by itself, in the name of {person}: it is made for tests."
    );
    let start = format!("Sign in from a terminal; the start URL is {}", shared.instance.start_url());
    Some(notice(shared, StatusCode::OK, "An Identity Center", &[&words, &start], None))
}
