//! The table of every path, and what happens around every request.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Extension, Request, State};
use axum::http::header::{CONTENT_TYPE, USER_AGENT, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use center::{Caller, OidcRefusal, PortalRefusal, StsRefusal};
use center_store::Store;
use wire::{authorize, metadata, oidc, portal};

use crate::apis::{self, oauth};
use crate::decide::Unavailable;
use crate::door::Peer;
use crate::shared::Shared;
use crate::{pages, proxies, refusals};

/// The longest body that is read; no request of ours comes near it.
pub(crate) const LARGEST_BODY: usize = 64 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The table of every path.
pub(crate) fn router<S: Store>(shared: Arc<Shared<S>>) -> Router {
    Router::new()
        // SSO OIDC
        .route(oidc::PATH_REGISTER, post(apis::oidc::register_client::<S>))
        .route(oidc::PATH_DEVICE_AUTHORIZATION, post(apis::oidc::start_device_authorization::<S>))
        .route(oidc::PATH_TOKEN, post(apis::oidc::create_token::<S>))
        .route(authorize::PATH, get(apis::authorize::ask::<S>).head(wrong_method::<S>))
        // The access portal; HEAD, which `get` would answer by doing the work and dropping the answer, is no way to ask
        .route(portal::PATH_ACCOUNTS, get(apis::portal::list_accounts::<S>).head(wrong_method::<S>))
        .route(portal::PATH_ROLES, get(apis::portal::list_account_roles::<S>).head(wrong_method::<S>))
        .route(portal::PATH_CREDENTIALS, get(apis::portal::get_role_credentials::<S>).head(wrong_method::<S>))
        .route(portal::PATH_WHO_AM_I, get(apis::portal::who_am_i::<S>).head(wrong_method::<S>))
        .route(portal::PATH_LOGOUT, post(apis::portal::logout::<S>))
        // STS and the front page share the root, as STS has no other path
        .route("/", get(apis::sts::call_or_page::<S>).post(apis::sts::call::<S>))
        // The standard face
        .route(metadata::PATH, get(apis::metadata::show::<S>))
        .route(metadata::OPENID_PATH, get(apis::metadata::show::<S>))
        .route(oauth::PATH_REGISTER, post(oauth::register::<S>))
        .route(oauth::PATH_DEVICE_AUTHORIZATION, post(oauth::device_authorization::<S>))
        .route(oauth::PATH_TOKEN, post(oauth::token::<S>))
        .route(oauth::PATH_REVOKE, post(oauth::revoke::<S>))
        .route(oauth::PATH_AUTHORIZE, get(apis::authorize::ask::<S>).head(wrong_method::<S>))
        // Pages
        .route("/start", get(pages::start::start::<S>))
        .route("/sign-in", get(pages::sign_in::show::<S>).post(pages::sign_in::sign_in::<S>))
        .route("/sign-out", post(pages::sign_in::sign_out::<S>))
        .route("/device", get(pages::device_decide::ask::<S>).post(pages::device_decide::look::<S>))
        .route("/device/decide", post(pages::device_decide::decide::<S>))
        .route("/device/done", get(pages::device_decide::done::<S>))
        .route("/authorize/decide", post(pages::authorize::decide::<S>))
        .fallback(unknown_path::<S>)
        .method_not_allowed_fallback(wrong_method::<S>)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(shared.clone(), around::<S>))
        .with_state(shared)
}

/// What every request gets: a check of `Host`, a caller with a request id, an answer even when its handler panics.
async fn around<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id = shared.uuid();
    let mut response = if shared.hosts.allow(request.uri(), request.headers()) {
        let caller = Caller {
            address: proxies::caller(peer.ip(), request.headers(), &shared.trusted_proxies).to_string(),
            user_agent: request
                .headers()
                .get(USER_AGENT)
                .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned())
                .unwrap_or_default(),
            request_id: request_id.clone(),
        };
        let face = Face::of(&request);
        request.extensions_mut().insert(caller);
        match caught(next.run(request)).await {
            Some(response) => response,
            None => {
                shared.report(&"a request made the center panic; it goes on");
                face.failed(&shared, &request_id)
            }
        }
    } else {
        misdirected(shared.is_test_center)
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The outcome of a future; nothing when it panicked.
async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    poll_fn(move |context| {
        // A panicked future is never polled again, so nobody sees what it left half done.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}

/// In whose language a request is answered.
#[derive(Debug, Clone, Copy)]
enum Face {
    Oidc,
    Portal,
    Sts,
    OAuth,
    Page,
}

impl Face {
    fn of(request: &Request) -> Self {
        match request.uri().path() {
            oidc::PATH_REGISTER | oidc::PATH_DEVICE_AUTHORIZATION | oidc::PATH_TOKEN => Self::Oidc,
            portal::PATH_ACCOUNTS
            | portal::PATH_ROLES
            | portal::PATH_CREDENTIALS
            | portal::PATH_WHO_AM_I
            | portal::PATH_LOGOUT => Self::Portal,
            "/" if request.method() == Method::POST => Self::Sts,
            oauth::PATH_AUTHORIZE => Self::Page,
            path if path.starts_with("/oauth/") => Self::OAuth,
            _ => Self::Page,
        }
    }

    fn failed<S: Store>(self, shared: &Shared<S>, request_id: &str) -> Response {
        match self {
            Self::Oidc => refusals::oidc(&OidcRefusal::from(Unavailable)),
            Self::Portal => refusals::portal(&PortalRefusal::from(Unavailable)),
            Self::Sts => refusals::sts(&StsRefusal::from(Unavailable), request_id),
            Self::OAuth => refusals::oauth(&OidcRefusal::from(Unavailable), None),
            Self::Page => pages::error(shared, StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// Says nothing of the right name: whoever asks may be a page that only wants to learn it.
fn misdirected(is_test_center: bool) -> Response {
    let test = if is_test_center { "TEST center: everybody who reaches it can sign in.\n" } else { "" };
    let words = format!(
        "{test}The name in this request's Host header is not one of this center's.\n\
         Use the address that `aldis serve` shows, or give it the one you need with --url.\n"
    );
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::MISDIRECTED_REQUEST, headers, words).into_response()
}

async fn unknown_path<S: Store>(State(shared): State<Arc<Shared<S>>>, method: Method) -> Response {
    for_people_or_programs(&shared, &method, StatusCode::NOT_FOUND)
}

async fn wrong_method<S: Store>(State(shared): State<Arc<Shared<S>>>, method: Method) -> Response {
    for_people_or_programs(&shared, &method, StatusCode::METHOD_NOT_ALLOWED)
}

/// Browsers get a page; whoever sends something is a program.
fn for_people_or_programs<S: Store>(shared: &Shared<S>, method: &Method, status: StatusCode) -> Response {
    match *method {
        Method::GET | Method::HEAD => pages::error(shared, status),
        _ => refusals::unknown_operation(status),
    }
}

/// The caller that [`around`] noted.
pub(crate) type Who = Extension<Caller>;
