//! STS: GetCallerIdentity, signed with role credentials of this center.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Extension, FromRequest as _, Request, State};
use axum::http::HeaderValue;
use axum::http::header::HOST;
use axum::response::Response;
use center::{Caller, StsRefusal, caller_identity};
use center_store::Store;
use outside::Clock;
use wire::sts::StsError;

use crate::decide::{nothing, turn};
use crate::door::Peer;
use crate::routes::Who;
use crate::shared::Shared;
use crate::{pages, proxies, refusals};

/// A GET of the root: an STS call in the query, or a person.
pub(crate) async fn call_or_page<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    if query.split('&').any(|pair| pair.starts_with("Action=")) {
        answer(&shared, request).await
    } else {
        pages::start::home(&shared, &caller, request.headers()).await
    }
}

/// A POST of the root.
pub(crate) async fn call<S: Store>(State(shared): State<Arc<Shared<S>>>, request: Request) -> Response {
    answer(&shared, request).await
}

async fn answer<S: Store>(shared: &Shared<S>, request: Request) -> Response {
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<Peer>>();
    let host = peer.and_then(|ConnectInfo(Peer(peer))| {
        proxies::named_host(peer.ip(), &parts.headers, &shared.trusted_proxies)
    });
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            let named = host.clone().filter(|_| name == HOST);
            (name.as_str().to_owned(), named.unwrap_or_else(|| text(value)))
        })
        .collect();
    let (method, uri) = (parts.method.clone(), parts.uri.clone());
    let Ok(body) = Bytes::from_request(Request::from_parts(parts, body), &()).await else {
        let refusal = StsRefusal::new(StsError::InvalidAction, "The body is too large, or broke off");
        return refusals::sts(&refusal, &caller.request_id);
    };
    let request = caller_identity::Request {
        signed: wire::sigv4::Request {
            method: method.as_str(),
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            headers: &headers,
            body: &body,
        },
        real_now: Clock::system().now(),
    };
    let outcome = turn(shared, &caller, nothing, |call, ()| caller_identity::decide(call, &request)).await;
    match outcome.map_err(StsRefusal::from).flatten() {
        Ok(identity) => refusals::xml(200, identity.to_xml(&caller.request_id)),
        Err(refusal) => refusals::sts(&refusal, &caller.request_id),
    }
}
