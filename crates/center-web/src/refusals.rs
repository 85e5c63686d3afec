//! The one table from refusals to what goes over the wire: status, headers, body, as Amazon sends them.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use center::{OidcRefusal, PortalRefusal, StsRefusal};
use serde::Serialize;
use serde_json::json;
use wire::oidc::{OidcError, OidcErrorBody};
use wire::portal::{PortalError, PortalErrorBody};
use wire::sts::StsError;
use wire::words::printable;

use crate::decide::Unavailable;

/// The header in which SDKs look for the name of an error first.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
/// The longest text of a refusal, which may repeat words of the client.
const LONGEST: usize = 256;
const FAILED: &str = "The center failed; whoever runs it finds the reason in its log";

impl From<Unavailable> for OidcRefusal {
    fn from(_: Unavailable) -> Self {
        Self::new(OidcError::InternalServer, FAILED)
    }
}

impl From<Unavailable> for PortalRefusal {
    fn from(_: Unavailable) -> Self {
        Self::new(PortalError::Internal, FAILED)
    }
}

impl From<Unavailable> for StsRefusal {
    fn from(_: Unavailable) -> Self {
        Self::new(StsError::InternalFailure, FAILED)
    }
}

/// SSO OIDC in Amazon's words.
pub(crate) fn oidc(refusal: &OidcRefusal) -> Response {
    let name = refusal.error.exception();
    let description = printable(&refusal.description, LONGEST);
    let body = OidcErrorBody {
        error: Some(refusal.error.code().to_owned()),
        error_description: Some(description.clone()),
        message: Some(description),
        type_name: Some(format!("com.amazonaws.sso.oidc#{name}")),
    };
    let error_type = format!("{name}:http://internal.amazon.com/coral/com.amazonaws.sso.oidc/");
    with_wait(with_type(json(refusal.error.status(), &body), &error_type), refusal)
}

/// The access portal.
pub(crate) fn portal(refusal: &PortalRefusal) -> Response {
    let name = refusal.error.exception();
    let body = PortalErrorBody {
        message: Some(printable(&refusal.message, LONGEST)),
        type_name: Some(format!("com.amazonaws.switchboard.portal#{name}")),
    };
    let error_type = format!("{name}:http://internal.amazon.com/coral/com.amazonaws.switchboard.portal/");
    with_type(json(refusal.error.status(), &body), &error_type)
}

/// STS.
pub(crate) fn sts(refusal: &StsRefusal, request_id: &str) -> Response {
    let body = refusal.error.to_xml(&printable(&refusal.message, LONGEST), request_id);
    xml(refusal.error.status(), body)
}

/// SSO OIDC in the words of RFC 6749. `scheme` is how the client tried to prove itself in a header, if it did.
pub(crate) fn oauth(refusal: &OidcRefusal, scheme: Option<&'static str>) -> Response {
    // RFC 6749 section 5.2 allows printable ASCII without the double quote and the backslash.
    let description: String = printable(&refusal.description, LONGEST)
        .chars()
        .map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' })
        .collect();
    let body = json!({ "error": refusal.error.code(), "error_description": description });
    let mut response = json(refusal.error.status(), &body);
    if let Some(scheme) = scheme.filter(|_| refusal.error == OidcError::InvalidClient) {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    with_wait(response, refusal)
}

/// What no API of ours knows, for a program.
pub(crate) fn unknown_operation(status: StatusCode) -> Response {
    let name = "UnknownOperationException";
    let body = json!({ "message": "There is no such operation here", "__type": name });
    with_type(json(status.as_u16(), &body), name)
}

/// A JSON answer. None may be kept: all that this center says in JSON is about tokens, credentials or registrations.
pub(crate) fn json(status: u16, body: &impl Serialize) -> Response {
    // Texts and numbers always become JSON.
    let text = serde_json::to_vec(body).unwrap_or_default();
    answer(status, "application/json", text)
}

/// A "yes" without words.
pub(crate) fn empty() -> Response {
    (StatusCode::OK, [(CACHE_CONTROL, "no-store")]).into_response()
}

/// An XML answer.
pub(crate) fn xml(status: u16, body: String) -> Response {
    answer(status, "text/xml", body.into_bytes())
}

fn answer(status: u16, media_type: &'static str, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

fn with_wait(mut response: Response, refusal: &OidcRefusal) -> Response {
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn with_type(mut response: Response, error_type: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(error_type) {
        response.headers_mut().insert(ERROR_TYPE, value);
    }
    response
}
