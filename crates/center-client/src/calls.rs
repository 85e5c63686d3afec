//! How a call is made: the headers that every call carries, patience with servers that are busy, answers read into
//! types.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use outside::http::{Http, HttpError, Obstacle, Request, Response, through};
use outside::panics::{self, Panicked};
use outside::{Clock, Dice};
use serde::de::DeserializeOwned;

use crate::address::Address;
use crate::patience::Try;
use crate::refusal::{self, Face, Refusal};

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No answer came.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The answer is a no.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The answer is a yes that cannot be read.
    #[error("{origin} answered {operation}{} with something else: {what}", through(.via))]
    Unreadable {
        /// Which call, by AWS's name.
        operation: &'static str,
        /// From where.
        origin: String,
        /// The proxy that the answer came through.
        via: Option<String>,
        /// What is wrong with it.
        what: String,
    },
    /// The call panicked. Whether it reached the server is not known.
    #[error("internal error during {operation}, at {place}")]
    Internal {
        /// Which call, by AWS's name.
        operation: &'static str,
        /// The file and the line of the panic.
        place: String,
    },
    /// No random numbers for the id of the call.
    #[error(transparent)]
    NoRandomness(#[from] outside::dice::NoRandomness),
}

impl CallError {
    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the network or the server failed, so that another try later makes sense.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Http(error) => {
                matches!(
                    error,
                    HttpError::Unreachable { .. } | HttpError::TimedOut { .. } | HttpError::BadAnswer { .. }
                )
            }
            Self::Refused(refusal) => refusal.is_passing(),
            Self::Unreadable { .. } | Self::Internal { .. } | Self::NoRandomness(_) => false,
        }
    }

    /// The answer of a call whose thread panicked.
    pub fn from_panic(operation: &'static str, panicked: Panicked) -> Self {
        Self::Internal { operation, place: panicked.place }
    }

    /// Whether the call has certainly not reached the server, so that not even one that may be made only once is made twice.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::Http(HttpError::Unreachable { obstacle, .. }) if *obstacle != Obstacle::Broken)
    }

    /// Whether the server answered that it has not acted on the call: it was one too many, or the server was not ready to serve
    /// (RFC 6585 section 4, RFC 9110 section 15.6.4). Other failures, even 500, may come after the work was done.
    pub fn is_unprocessed(&self) -> bool {
        let is_unprocessed =
            |refusal: &Refusal| refusal.meaning == refusal::Meaning::TooFast || refusal.status == 503;
        self.refusal().is_some_and(is_unprocessed)
    }

    /// Whether a refresh token that the call presented is certainly unspent, and soon another try makes sense. A server at which
    /// nothing listens is tried again only if that `is_urgent`.
    pub(crate) fn is_unspent(&self, is_urgent: bool) -> bool {
        let is_refused_connection =
            matches!(self, Self::Http(HttpError::Unreachable { obstacle: Obstacle::Refused, .. }));
        self.is_unprocessed() || is_urgent && is_refused_connection
    }

    /// How long the server asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(|refusal| refusal.retry_after)
    }
}

/// One call, before it is sent.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) face: Face,
    pub(crate) operation: &'static str,
    pub(crate) request: Request,
}

/// Makes calls. Cheap to clone; clones share connections and what is known of busy servers.
#[derive(Debug, Clone)]
pub struct Calls {
    http: Arc<Http>,
    clock: Clock,
    dice: Dice,
    /// A server that had enough of one thread is left alone by all of them.
    quiet_until: Arc<Mutex<Option<Timestamp>>>,
}

impl Calls {
    /// Makes calls over `http`.
    pub fn new(http: Arc<Http>, clock: Clock, dice: Dice) -> Self {
        Self { http, clock, dice, quiet_until: Arc::default() }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends a call once and hands back whatever is not a refusal.
    pub(crate) fn once(&self, call: &Call) -> Result<Response, CallError> {
        self.send(call, &self.invocation_id()?, Http::send)
    }

    /// The same over a connection of its own, so that what did not arrive is known not to have arrived ([`CallError::is_unsent`]).
    pub(crate) fn alone(&self, call: &Call) -> Result<Response, CallError> {
        self.send(call, &self.invocation_id()?, Http::send_alone)
    }

    /// Sends a call, again and again where the server is busy or failing. Only for calls that may be repeated.
    pub(crate) fn patiently(&self, call: &Call) -> Result<Response, CallError> {
        self.repeatedly(call, Http::send, is_worth_repeating)
    }

    /// The same over connections of its own, repeated only after the failures that `is_harmless` accepts.
    pub(crate) fn alone_patiently(
        &self,
        call: &Call,
        is_harmless: impl Fn(&CallError) -> bool,
    ) -> Result<Response, CallError> {
        self.repeatedly(call, Http::send_alone, is_harmless)
    }

    fn repeatedly(
        &self,
        call: &Call,
        over: fn(&Http, &Request) -> Result<Response, HttpError>,
        is_worth_repeating: impl Fn(&CallError) -> bool,
    ) -> Result<Response, CallError> {
        let id = self.invocation_id()?;
        let start = self.clock.now();
        let mut number = 1;
        loop {
            self.wait_for_quiet();
            let error = match self.send(call, &id, over) {
                Err(error) if is_worth_repeating(&error) => error,
                done => return done,
            };
            let [jitter] = self.dice.bytes()?;
            let since_start = outside::clock::until(start, self.clock.now());
            let Some(pause) = (Try { number, since_start, retry_after: error.retry_after() }).pause(jitter)
            else {
                return Err(error);
            };
            let again = self.clock.now().checked_add(pause).unwrap_or(Timestamp::MAX);
            if error.refusal().is_some_and(|refusal| refusal.meaning == refusal::Meaning::TooFast) {
                let mut quiet = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
                *quiet = Some(quiet.map_or(again, |until| until.max(again)));
            }
            self.clock.sleep_until(again);
            number += 1;
        }
    }

    fn wait_for_quiet(&self) {
        let quiet_until = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(moment) = quiet_until {
            self.clock.sleep_until(moment);
        }
    }

    fn send(
        &self,
        call: &Call,
        id: &str,
        over: fn(&Http, &Request) -> Result<Response, HttpError>,
    ) -> Result<Response, CallError> {
        let mut request = call.request.clone();
        if call.face != Face::Web {
            request.headers.push(("amz-sdk-invocation-id".to_owned(), id.to_owned()));
        }
        // The one place that every call passes.
        let sent = panics::catch(|| {
            panics::test_door(call.operation);
            over(&self.http, &request)
        });
        let response = sent.map_err(|panicked| CallError::from_panic(call.operation, panicked))??;
        // Redirects are no answers of an API, and following one would carry the token away. Of a page, only what may
        // pass is no answer.
        let is_answer = match call.face {
            Face::Web => response.status != 429 && (response.status < 500 || response.status == 501),
            _ => response.status < 300,
        };
        if is_answer {
            return Ok(response);
        }
        let refusal =
            refusal::read(call.face, call.operation, &origin(&request.url), &response, self.clock.now());
        Err(CallError::Refused(Box::new(refusal)))
    }

    /// A random UUID (version 4), by which AWS tells repeated tries from new calls.
    fn invocation_id(&self) -> Result<String, CallError> {
        let mut bytes: [u8; 16] = self.dice.bytes()?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
    }
}

impl Call {
    /// A GET of a JSON document.
    pub(crate) fn get(face: Face, operation: &'static str, url: String) -> Self {
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        Self { face, operation, request: Request { method: "GET", url, headers, body: Vec::new() } }
    }

    /// A POST of a JSON document.
    pub(crate) fn post(face: Face, operation: &'static str, url: String, body: Vec<u8>) -> Self {
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "application/json".to_owned()),
        ];
        Self { face, operation, request: Request { method: "POST", url, headers, body } }
    }

    /// The same call with one more header.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.request.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Reads the answer.
    pub(crate) fn read<T: DeserializeOwned>(&self, response: &Response) -> Result<T, CallError> {
        serde_json::from_slice(&response.body).map_err(|error| CallError::Unreadable {
            operation: self.operation,
            origin: origin(&self.request.url),
            via: response.via.clone(),
            what: describe(&error),
        })
    }

    /// The answer makes no sense.
    pub(crate) fn unreadable(&self, what: String) -> CallError {
        CallError::Unreadable {
            operation: self.operation,
            origin: origin(&self.request.url),
            via: None,
            what,
        }
    }
}

/// Says what is wrong with a document without quoting from it: it may hold a token.
fn describe(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => {
            let words = error.to_string();
            match words.split_once("missing field") {
                Some((_, rest)) => {
                    format!("missing field{}", rest.split(" at line").next().unwrap_or_default())
                }
                None => format!("a member has the wrong type (column {})", error.column()),
            }
        }
        _ => "it is not JSON".to_owned(),
    }
}

fn is_worth_repeating(error: &CallError) -> bool {
    match error {
        CallError::Http(HttpError::TimedOut { .. }) => true,
        CallError::Refused(refusal) => refusal.is_passing(),
        _ => false,
    }
}

fn origin(url: &str) -> String {
    Address::parse(url).map_or_else(String::new, |address| address.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invocation_ids_are_random_uuids() {
        let calls = Calls::new(Arc::new(Http::new(Default::default())), Clock::system(), Dice::seeded(1));
        let (one, other) = (calls.invocation_id().unwrap(), calls.invocation_id().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(one.as_bytes()[14] == b'4' && b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }

    #[test]
    fn only_what_cannot_have_spent_a_refresh_token_is_repeated() {
        let refusal = |status: u16, body: &str| {
            let response =
                Response { status, headers: Vec::new(), body: body.as_bytes().to_vec(), via: None };
            let now = Timestamp::UNIX_EPOCH;
            CallError::Refused(Box::new(refusal::read(
                Face::Oidc,
                "CreateToken",
                "https://h",
                &response,
                now,
            )))
        };
        let unreachable = |obstacle| {
            CallError::Http(HttpError::Unreachable { origin: "https://h".into(), obstacle, what: "w".into() })
        };
        // (failure, is it repeated for a token that is over, and for one that is still good)
        let table = [
            (refusal(429, ""), true, true),
            (refusal(400, r#"{"__type":"ThrottlingException"}"#), true, true),
            (refusal(503, ""), true, true),
            (refusal(500, ""), false, false),
            (refusal(502, ""), false, false),
            (refusal(504, ""), false, false),
            (refusal(400, r#"{"error":"invalid_grant"}"#), false, false),
            (refusal(401, r#"{"error":"invalid_client"}"#), false, false),
            (unreachable(Obstacle::Refused), true, false),
            (unreachable(Obstacle::Name), false, false),
            (unreachable(Obstacle::Broken), false, false),
            // The call may have been sent before it panicked.
            (CallError::Internal { operation: "CreateToken", place: "x.rs:1".into() }, false, false),
            (CallError::Http(HttpError::TimedOut { origin: "https://h".into(), via: None }), false, false),
            (
                CallError::Http(HttpError::BadAnswer {
                    origin: "https://h".into(),
                    what: "w".into(),
                    via: None,
                }),
                false,
                false,
            ),
        ];
        for (error, urgent, not_urgent) in table {
            assert_eq!((error.is_unspent(true), error.is_unspent(false)), (urgent, not_urgent), "{error:?}");
        }
    }

    #[test]
    fn a_broken_answer_is_not_quoted() {
        let call = Call::get(Face::Oidc, "CreateToken", "https://h/token?x=1".into());
        let read = |body: &str| {
            let response =
                Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec(), via: None };
            call.read::<wire::oidc::CreateTokenResponse>(&response).unwrap_err().to_string()
        };
        assert_eq!(
            read(r#"{"accessToken":"aoa-secret"}"#),
            "https://h answered CreateToken with something else: missing field `expiresIn`"
        );
        for body in [r#"{"accessToken":["aoa-secret"]}"#, "aoa-secret", r#"{"expiresIn":"aoa-secret"}"#] {
            assert!(!read(body).contains("aoa-secret"), "{}", read(body));
        }
    }
}
