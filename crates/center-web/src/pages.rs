//! What a person sees who comes here with a browser: signs in, decides on a device, consents to a terminal. No scripts,
//! nothing from elsewhere, in nobody's frame (S25).

pub(crate) mod authorize;
pub(crate) mod device_decide;
pub(crate) mod sign_in;
pub(crate) mod start;

use askama::Template;
use axum::extract::Form;
use axum::extract::rejection::FormRejection;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use center::things::client::Scopes;
use center_store::Store;
use wire::words::printable;

use crate::apis::Members;
use crate::browser::Browser;
use crate::decide::Unavailable;
use crate::guesses::Wait;
use crate::shared::Shared;

/// The longest text of a client's choice on a page, in characters (S55).
const LONGEST: usize = 64;
const STYLE: &str = include_str!("pages/style.css");
/// How soon to try again where too many wait for their password to be checked, in seconds.
const BREATH: i64 = 5;

type Pairs = Vec<(String, String)>;
type Sent = Result<Form<Pairs>, FormRejection>;

/// What every page has.
struct Sheet {
    title: &'static str,
    nonce: String,
    is_test: bool,
    style: &'static str,
    organisation: String,
    signed_in: Option<Signed>,
}

/// Who is signed in, and what their forms carry.
struct Signed {
    name: String,
    csrf: String,
}

impl Sheet {
    fn new<S: Store>(shared: &Shared<S>, title: &'static str) -> Self {
        let mut random = [0; 16];
        shared.roll(&mut random);
        Self {
            title,
            nonce: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            is_test: shared.is_test_center,
            style: STYLE,
            organisation: shared.instance.organisation.name.clone(),
            signed_in: None,
        }
    }

    /// One for the person who is signed in in a browser.
    fn of<S: Store>(shared: &Shared<S>, browser: &Browser, title: &'static str) -> Self {
        let signed_in = browser.session().map(|session| Signed {
            name: session.person.clone(),
            csrf: browser.form_token(shared).expose().to_owned(),
        });
        Self { signed_in, ..Self::new(shared, title) }
    }
}

/// Where the forms of a page may lead. Chromium holds redirects after a form against it, too (S56).
enum Forms<'a> {
    Nowhere,
    Here,
    /// Here, and from here to the redirect URI of a client.
    HereAnd(&'a str),
}

fn page(status: StatusCode, sheet: &Sheet, forms: Forms<'_>, html: askama::Result<String>) -> Response {
    let Ok(html) = html else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let forms = match forms {
        Forms::Nowhere if sheet.signed_in.is_none() => "'none'".to_owned(),
        Forms::Nowhere | Forms::Here => "'self'".to_owned(),
        Forms::HereAnd(address) => format!("'self' {address}"),
    };
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{}'; frame-ancestors 'none'; base-uri 'none'; form-action {forms}",
        sheet.nonce
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy.as_str()),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        // A user code may stand on it.
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, html).into_response()
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    sheet: &'a Sheet,
    paragraphs: &'a [&'a str],
    link: Option<(&'a str, &'a str)>,
}

/// A page that only says something, with a link to where to go on.
pub(crate) fn notice<S: Store>(
    shared: &Shared<S>,
    status: StatusCode,
    title: &'static str,
    paragraphs: &[&str],
    link: Option<(&str, &str)>,
) -> Response {
    let sheet = Sheet::new(shared, title);
    page(status, &sheet, Forms::Nowhere, Notice { sheet: &sheet, paragraphs, link }.render())
}

/// A question that must not send the browser anywhere.
pub(crate) fn refused<S: Store>(shared: &Shared<S>, why: &str) -> Response {
    let advice = "Go back to your terminal, and type the sign-in command once more.";
    notice(shared, StatusCode::BAD_REQUEST, "This sign-in cannot begin", &[why, advice], None)
}

/// Why what a browser sent is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The form was not given to this browser by this center.
    Forged,
    /// The form cannot be read.
    Unreadable,
    /// Who has to be signed in is not, or not any more.
    SignedOut,
    /// Somebody was wrong too often.
    Wait(Wait),
    /// Too many wait for their password to be checked.
    Busy,
    /// The center cannot answer.
    Failed,
}

impl From<Unavailable> for Stop {
    fn from(_: Unavailable) -> Self {
        Self::Failed
    }
}

impl From<Wait> for Stop {
    fn from(wait: Wait) -> Self {
        Self::Wait(wait)
    }
}

impl Stop {
    /// The page that says so; `back_to` is where to go on after signing in.
    pub(crate) fn page<S: Store>(self, shared: &Shared<S>, back_to: &str) -> Response {
        match self {
            Self::Forged => forged(shared),
            Self::Unreadable => error(shared, StatusCode::BAD_REQUEST),
            Self::SignedOut => signed_out(shared, back_to),
            Self::Wait(wait) => throttled(shared, wait),
            Self::Busy => busy(shared),
            Self::Failed => error(shared, StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

fn forged<S: Store>(shared: &Shared<S>) -> Response {
    let words = "It was sent from another page than this center's, or it is too old. Nothing was done.";
    let advice = "If you sent it yourself, go back, load the page anew, and try again.";
    let link = Some(("/start", "Begin again"));
    notice(shared, StatusCode::FORBIDDEN, "This form is not accepted", &[words, advice], link)
}

fn signed_out<S: Store>(shared: &Shared<S>, back_to: &str) -> Response {
    let words = "You are signed out by now: after half an hour without a click, or eight hours in all. Nothing was decided.";
    let link = Some((back_to, "Sign in again"));
    notice(shared, StatusCode::UNAUTHORIZED, "Your sign-in has ended", &[words], link)
}

fn throttled<S: Store>(shared: &Shared<S>, wait: Wait) -> Response {
    let words = format!("Try again in {}.", duration(wait.seconds));
    let why = "There were too many wrong tries.";
    let response =
        notice(shared, StatusCode::TOO_MANY_REQUESTS, "Please wait a moment", &[why, &words], None);
    with(response, RETRY_AFTER, &wait.seconds.to_string())
}

fn busy<S: Store>(shared: &Shared<S>) -> Response {
    let words = "Many people sign in at this moment. Go back and try again in a few seconds.";
    let response = notice(shared, StatusCode::SERVICE_UNAVAILABLE, "The center is busy", &[words], None);
    with(response, RETRY_AFTER, &BREATH.to_string())
}

/// An error, for a person.
pub(crate) fn error<S: Store>(shared: &Shared<S>, status: StatusCode) -> Response {
    let (title, words) = match status {
        StatusCode::NOT_FOUND => ("There is no such page", "The address may be mistyped."),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("This address is for programs", "It answers no browser. Sign in from a terminal instead.")
        }
        StatusCode::BAD_REQUEST => {
            ("This form cannot be read", "Go back, load the page anew, and try again.")
        }
        _ => ("The center failed", "Whoever runs it finds the reason in its log."),
    };
    notice(shared, status, title, &[words], None)
}

/// Sends the browser on with a GET, whatever it sent (S23), and leaves no trace of where it was.
pub(crate) fn redirect(location: &str) -> Response {
    let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer")];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// The members of a form that a browser sent.
fn members(sent: Sent) -> Result<Members, Stop> {
    let Form(pairs) = sent.map_err(|_| Stop::Unreadable)?;
    Members::new(pairs).map_err(|_| Stop::Unreadable)
}

fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A text of a client's choice, for a page; something stands there in any case.
fn shown(text: &str) -> String {
    let text = printable(text, LONGEST);
    if text.trim().is_empty() { "(nothing)".to_owned() } else { text }
}

/// What a client asks for, in words.
fn in_words(scopes: Scopes) -> String {
    let names = scopes.names();
    let others: Vec<&str> =
        names.iter().copied().filter(|name| *name != wire::oidc::SCOPE_ACCOUNT_ACCESS).collect();
    let mut words = Vec::new();
    if scopes.open_the_portal() {
        words.push("your accounts and roles, and credentials for them".to_owned());
    }
    if !others.is_empty() {
        words.push(others.join(", "));
    }
    words.join("; ")
}

/// A time that passes, as people say it.
fn duration(seconds: i64) -> String {
    let unit = |number: i64, one: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    };
    match seconds {
        ..120 => unit(seconds, "second"),
        _ => unit((seconds + 59) / 60, "minute"),
    }
}
