//! A failed answer → what it means. AWS says it in five places (a header, `__type`, `error`, XML, the status), and
//! proxies and older services leave out one or another.

use std::time::Duration;

use jiff::Timestamp;
use outside::http::{Response, through};
use serde::Deserialize;
use wire::oidc::OidcError;
use wire::portal::PortalError;
use wire::sts::{StsError, error_from_xml};
use wire::words::{bare_error_name, printable, shown_address};

/// The longest text of a server that is shown.
const SHOWN: usize = 300;
/// No server is left alone for longer, whatever it asks: a sum of times must stay a time.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Refused by SSO OIDC.
    Oidc(OidcError),
    /// Refused by the access portal.
    Portal(PortalError),
    /// Refused by STS.
    Sts(StsError),
    /// Asked too often.
    TooFast,
    /// The server failed, or something on the way to it.
    ServerFailed,
    /// A status that nothing is known of.
    Unknown,
}

/// An answer that is a refusal. Every text in it is safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin} {} {operation}{}: {}", self.verb(), self.way(), self.words())]
pub struct Refusal {
    /// Which call, by AWS's name.
    pub operation: &'static str,
    /// Who refused: scheme, host and port.
    pub origin: String,
    /// What it means.
    pub meaning: Meaning,
    /// The status.
    pub status: u16,
    /// The exception as the server named it.
    pub name: Option<String>,
    /// What the server said to a person.
    pub message: Option<String>,
    /// The pause that the server asks for, an hour at most.
    pub retry_after: Option<Duration>,
    /// The proxy that the answer came through.
    pub via: Option<String>,
}

impl Refusal {
    /// A server that fails refuses nothing, and neither does a page that leads elsewhere.
    fn verb(&self) -> &'static str {
        match self.meaning {
            Meaning::ServerFailed => "failed at",
            Meaning::Unknown if self.name.is_none() => "did not take",
            _ => "refused",
        }
    }

    /// The proxy, if the answer may be its own: one that names no exception is not known to be the server's.
    fn way(&self) -> String {
        if self.name.is_none() { through(&self.via) } else { String::new() }
    }

    fn words(&self) -> String {
        match (&self.name, &self.message) {
            (Some(name), Some(message)) => format!("{message} ({name})"),
            (Some(name), None) => name.clone(),
            (None, Some(message)) => format!("{message} (status {})", self.status),
            (None, None) => format!("status {}", self.status),
        }
    }

    /// Whether the same call may succeed when it is made again a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self.meaning, Meaning::TooFast | Meaning::ServerFailed)
    }

    /// Whether it is this refusal of SSO OIDC.
    pub fn is_oidc(&self, error: OidcError) -> bool {
        self.meaning == Meaning::Oidc(error)
    }

    /// Whether it is this refusal of the portal.
    pub fn is_portal(&self, error: PortalError) -> bool {
        self.meaning == Meaning::Portal(error)
    }
}

/// Which face of a center was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// SSO OIDC.
    Oidc,
    /// The access portal.
    Portal,
    /// STS.
    Sts,
    /// Plain pages and documents.
    Web,
}

/// Reads a failed answer.
pub(crate) fn read(
    face: Face,
    operation: &'static str,
    origin: &str,
    response: &Response,
    now: Timestamp,
) -> Refusal {
    let said = Said::read(face, response);
    Refusal {
        operation,
        origin: origin.to_owned(),
        meaning: meaning(face, response.status, &said),
        status: response.status,
        name: said.name.as_deref().or(said.code.as_deref()).map(|name| printable(name, 64)),
        message: said
            .message
            .or_else(|| elsewhere(response))
            .map(|text| printable(&text, SHOWN))
            .filter(|text| !text.is_empty()),
        retry_after: response.header("retry-after").and_then(|text| retry_after(text, now)),
        via: response.via.clone(),
    }
}

fn meaning(face: Face, status: u16, said: &Said) -> Meaning {
    let named = match face {
        Face::Oidc => said
            .name
            .as_deref()
            .and_then(OidcError::from_exception)
            .or_else(|| said.code.as_deref().and_then(OidcError::from_code))
            .map(Meaning::Oidc),
        Face::Portal => said.name.as_deref().and_then(PortalError::from_exception).map(Meaning::Portal),
        Face::Sts => said.name.as_deref().and_then(StsError::from_code).map(Meaning::Sts),
        Face::Web => None,
    };
    match named {
        Some(Meaning::Oidc(OidcError::InternalServer))
        | Some(Meaning::Portal(PortalError::Internal))
        | Some(Meaning::Sts(StsError::InternalFailure)) => return Meaning::ServerFailed,
        Some(Meaning::Portal(PortalError::TooManyRequests)) => return Meaning::TooFast,
        Some(known) => return known,
        None => {}
    }
    let throttled = said.name.as_deref().is_some_and(|name| name.starts_with("Throttl"));
    match status {
        429 => Meaning::TooFast,
        400 if throttled => Meaning::TooFast,
        408 | 500.. => Meaning::ServerFailed,
        // Who names no exception may be a proxy on the way, so only what cannot be meant otherwise is guessed.
        401 | 403 | 404 if face == Face::Portal && said.is_json => {
            PortalError::from_status(status).map_or(Meaning::Unknown, Meaning::Portal)
        }
        _ => Meaning::Unknown,
    }
}

/// What the answer says of itself.
#[derive(Default)]
struct Said {
    name: Option<String>,
    code: Option<String>,
    message: Option<String>,
    is_json: bool,
}

/// The members that one service or another puts into the body of a refusal.
#[derive(Deserialize)]
struct Body {
    #[serde(rename = "__type")]
    type_name: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl Said {
    fn read(face: Face, response: &Response) -> Self {
        let header = response.header("x-amzn-errortype").map(bare_error_name).map(str::to_owned);
        if face == Face::Sts {
            return match error_from_xml(&response.text()) {
                Some((name, message)) => Self { name: Some(name), message: Some(message), ..Self::default() },
                None => Self { name: header, ..Self::default() },
            };
        }
        let Ok(body) = serde_json::from_slice::<Body>(&response.body) else {
            return Self { name: header, ..Self::default() };
        };
        let in_body = body.type_name.or(body.code).map(|name| bare_error_name(&name).to_owned());
        Self {
            name: header.filter(|name| !name.is_empty()).or(in_body),
            code: body.error,
            message: body.error_description.or(body.message),
            is_json: true,
        }
    }
}

/// Where a redirect leads; what its query holds is nobody's business.
fn elsewhere(response: &Response) -> Option<String> {
    let location = response.header("location").filter(|_| (300..400).contains(&response.status))?;
    let location = location.split('#').next().unwrap_or_default();
    Some(format!("it leads to {}", shown_address(location)))
}

/// `Retry-After` in seconds or as a date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if is_number {
        // A value that is too large for a number is too long as well.
        text.parse().map_or(LONGEST_RETRY_AFTER, Duration::from_secs)
    } else {
        let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        outside::clock::until(now, moment)
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status, headers, body: body.as_bytes().to_vec(), via: None }
    }

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn each_way_of_saying_it_is_understood() {
        let pending = Meaning::Oidc(OidcError::AuthorizationPending);
        let header = "AuthorizationPendingException:http://internal.amazon.com/coral/com.amazonaws.sso.oidc/";
        let table = [
            (Face::Oidc, answer(400, &[("x-amzn-errortype", header)], ""), pending),
            (Face::Oidc, answer(400, &[], r#"{"error":"authorization_pending"}"#), pending),
            (
                Face::Oidc,
                answer(400, &[], r#"{"__type":"com.amazonaws.sso.oidc#AuthorizationPendingException"}"#),
                pending,
            ),
            (
                Face::Oidc,
                answer(401, &[], r#"{"error":"invalid_client","error_description":null}"#),
                Meaning::Oidc(OidcError::InvalidClient),
            ),
            (Face::Oidc, answer(500, &[], r#"{"error":"server_error"}"#), Meaning::ServerFailed),
            (Face::Oidc, answer(502, &[], "<html>bad gateway"), Meaning::ServerFailed),
            (Face::Oidc, answer(429, &[], ""), Meaning::TooFast),
            (Face::Oidc, answer(418, &[], "tea"), Meaning::Unknown),
            (
                Face::Portal,
                answer(
                    401,
                    &[],
                    r#"{"message":"m","__type":"com.amazonaws.switchboard.portal#UnauthorizedException"}"#,
                ),
                Meaning::Portal(PortalError::Unauthorized),
            ),
            (
                Face::Portal,
                answer(403, &[], r#"{"message":"No access"}"#),
                Meaning::Portal(PortalError::Forbidden),
            ),
            (Face::Portal, answer(403, &[], "<html>captive portal"), Meaning::Unknown),
            (
                Face::Portal,
                answer(429, &[("x-amzn-errortype", "TooManyRequestsException")], ""),
                Meaning::TooFast,
            ),
            (
                Face::Sts,
                answer(403, &[], &StsError::ExpiredToken.to_xml("over", "id")),
                Meaning::Sts(StsError::ExpiredToken),
            ),
            (Face::Sts, answer(403, &[], "no"), Meaning::Unknown),
        ];
        for (face, response, meaning) in table {
            assert_eq!(read(face, "Op", "https://h", &response, now()).meaning, meaning, "{response:?}");
        }
    }

    #[test]
    fn a_server_cannot_move_the_cursor() {
        let body = r#"{"error":"invalid_request","error_description":"a\u001b[2Jb"}"#;
        let refusal = read(Face::Oidc, "RegisterClient", "https://h", &answer(400, &[], body), now());
        assert_eq!(refusal.to_string(), "https://h refused RegisterClient: a[2Jb (invalid_request)");
    }

    #[test]
    fn who_fails_or_leads_elsewhere_does_not_refuse() {
        let words = |response| read(Face::Oidc, "Op", "https://h", &response, now()).to_string();
        assert_eq!(words(answer(502, &[], "<html>")), "https://h failed at Op: status 502");
        assert_eq!(
            words(answer(302, &[("location", "http://hotel.example/in?session=hidden")], "")),
            "https://h did not take Op: it leads to http://hotel.example/in (status 302)"
        );
        assert_eq!(words(answer(403, &[], "<html>")), "https://h did not take Op: status 403");
        assert_eq!(words(answer(400, &[], r#"{"error":"x"}"#)), "https://h refused Op: x");
    }

    #[test]
    fn an_answer_that_may_be_a_proxys_own_names_the_proxy() {
        let words = |status, body| {
            let via = Some("http://proxy.corp:8080".to_owned());
            let response = Response { via, ..answer(status, &[], body) };
            read(Face::Oidc, "Op", "https://h", &response, now()).to_string()
        };
        let way = "through the proxy http://proxy.corp:8080";
        assert_eq!(words(403, "<html>"), format!("https://h did not take Op {way}: status 403"));
        assert_eq!(words(503, ""), format!("https://h failed at Op {way}: status 503"));
        assert_eq!(words(400, r#"{"error":"invalid_grant"}"#), "https://h refused Op: invalid_grant");
    }

    #[test]
    fn patience_is_asked_for_in_seconds_or_until_a_date() {
        let table = [
            ("7", Some(7)),
            ("Mon, 23 Nov 2026 10:01:00 GMT", Some(60)),
            ("Mon, 23 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
            ("0", Some(0)),
            ("3600", Some(3600)),
            ("3601", Some(3600)),
            ("18446744073709551615", Some(3600)),
            ("99999999999999999999999999", Some(3600)),
            ("Mon, 23 Nov 9998 10:01:00 GMT", Some(3600)),
        ];
        for (text, seconds) in table {
            assert_eq!(retry_after(text, now()).map(|wait| wait.as_secs()), seconds, "{text}");
        }
    }
}
