//! The browser at the other end: who is signed in there, and whether a form that it sends was given to it.
//!
//! - The session cookie holds a random value of which the store knows a hash; the visit cookie belongs to a browser in which
//!   nobody is signed in, so that nobody can be signed in as somebody else by a form of a stranger's.
//! - A form carries a MAC of the cookie, and comes from a page of ours (S26, S52).

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderName, HeaderValue, ORIGIN, SET_COOKIE};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use center::things::browser_session::BrowserSession;
use center::things::handle::{Handle, Kind};
use center::{Call, Caller, sign_in};
use center_store::Store;
use wire::Secret;
use wire::words::is_loopback_host;

use crate::decide::{Unavailable, turn};
use crate::pages::Stop;
use crate::shared::Shared;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How the cookies of a center are called, and what they must be sent over.
#[derive(Debug)]
pub(crate) struct Cookies {
    session: String,
    visit: String,
    is_secure: bool,
    /// Whether a browser sends `Sec-Fetch-Site` here: over TLS, and to loopback.
    is_trustworthy: bool,
}

impl Cookies {
    /// Browsers do not separate cookies by port, so on plain http the port stands in the name (S54).
    pub(crate) fn new(url: &str) -> Self {
        let is_secure = url.starts_with("https://");
        let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (authority, "80"),
        };
        let session = if is_secure { "__Host-aldis".to_owned() } else { format!("aldis-{port}") };
        let is_trustworthy = is_secure || is_loopback_host(host);
        Self { visit: format!("{session}-visit"), session, is_secure, is_trustworthy }
    }

    /// No domain, so that no other host gets them; Lax, since people come from links in terminals, and what changes something
    /// is a POST.
    fn set(&self, name: &str, value: &str) -> Option<HeaderValue> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!("{name}={value}; Path=/{secure}; HttpOnly; SameSite=Lax")).ok()
    }

    fn remove(&self, name: &str) -> Option<HeaderValue> {
        self.set(name, "")
            .and_then(|value| HeaderValue::from_str(&format!("{}; Max-Age=0", value.to_str().ok()?)).ok())
    }
}

/// A browser that asks.
#[derive(Debug)]
pub(crate) struct Browser {
    signed_in: Option<SignedIn>,
    /// The session cookie as it was sent, whether it is good or not.
    sent: Option<Handle>,
    visit: Secret,
    has_visit: bool,
}

#[derive(Debug)]
struct SignedIn {
    cookie: Secret,
    session: BrowserSession,
}

impl Browser {
    /// Finds out who is signed in, by the cookies of a request.
    pub(crate) async fn of<S: Store>(
        shared: &Shared<S>,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<Self, Unavailable> {
        let cookie = cookie(headers, &shared.cookies.session);
        let sent = cookie
            .as_ref()
            .and_then(|cookie| Handle::of(&shared.instance.seals, Kind::BrowserSession, cookie));
        let session = match &sent {
            Some(handle) => session(shared, caller, handle).await?,
            None => None,
        };
        let known = cookie_of_visit(headers, &shared.cookies.visit);
        let has_visit = known.is_some();
        let visit = known.unwrap_or_else(|| {
            let mut random = [0; 16];
            shared.roll(&mut random);
            Secret::new(URL_SAFE_NO_PAD.encode(random))
        });
        let signed_in = cookie.zip(session).map(|(cookie, session)| SignedIn { cookie, session });
        Ok(Self { signed_in, sent, visit, has_visit })
    }

    /// The session of the person who is signed in.
    pub(crate) fn session(&self) -> Option<&BrowserSession> {
        self.signed_in.as_ref().map(|signed_in| &signed_in.session)
    }

    /// The session that the next sign-in here ends.
    pub(crate) fn previous(&self) -> Option<Handle> {
        self.sent.clone()
    }

    /// What forms of a signed-in person carry.
    pub(crate) fn form_token<S: Store>(&self, shared: &Shared<S>) -> Secret {
        shared
            .instance
            .seals
            .form_token(self.signed_in.as_ref().map_or(&self.visit, |signed_in| &signed_in.cookie))
    }

    /// What the form carries with which somebody signs in.
    pub(crate) fn visit_token<S: Store>(&self, shared: &Shared<S>) -> Secret {
        shared.instance.seals.form_token(&self.visit)
    }

    pub(crate) fn is_form_token<S: Store>(&self, shared: &Shared<S>, token: &str) -> bool {
        let cookie = self.signed_in.as_ref().map(|signed_in| &signed_in.cookie);
        cookie.is_some_and(|cookie| shared.instance.seals.is_form_token(cookie, token))
    }

    pub(crate) fn is_visit_token<S: Store>(&self, shared: &Shared<S>, token: &str) -> bool {
        self.has_visit && shared.instance.seals.is_form_token(&self.visit, token)
    }

    /// Gives a browser the cookie that goes with a sign-in form.
    pub(crate) fn with_visit<S: Store>(&self, shared: &Shared<S>, mut response: Response) -> Response {
        if !self.has_visit {
            add(&mut response, shared.cookies.set(&shared.cookies.visit, self.visit.expose()));
        }
        response
    }
}

/// Gives a browser its session; the visit is over.
pub(crate) fn begin_session<S: Store>(
    shared: &Shared<S>,
    cookie: &Secret,
    mut response: Response,
) -> Response {
    add(&mut response, shared.cookies.set(&shared.cookies.session, cookie.expose()));
    add(&mut response, shared.cookies.remove(&shared.cookies.visit));
    response
}

/// Takes it away.
pub(crate) fn end_session<S: Store>(shared: &Shared<S>, mut response: Response) -> Response {
    add(&mut response, shared.cookies.remove(&shared.cookies.session));
    response
}

fn add(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

async fn session<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    handle: &Handle,
) -> Result<Option<BrowserSession>, Unavailable> {
    let gather = || async move { shared.store.gather_browser_session(handle).await };
    let decide = |call: &Call<'_>, session: &Option<BrowserSession>| sign_in::who(call, session.as_ref());
    Ok(turn(shared, caller, gather, decide).await?.ok())
}

/// The value of a cookie. One that comes twice has none: somebody else on this host has set one of them.
fn cookie(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let value = values.next().filter(|_| values.next().is_none())?;
    Some(Secret::new(value))
}

fn cookie_of_visit(headers: &HeaderMap, name: &str) -> Option<Secret> {
    cookie(headers, name).filter(|value| {
        let value = value.expose();
        (16..=64).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

/// Refuses a POST that does not come from a page of this center (S52).
///
/// Our pages send no referrer, and browsers then say `Origin: null`; there `Sec-Fetch-Site` tells where it comes from. Where a
/// browser does not send that either (plain http to another machine, which only a test center does) the token of the form has to
/// do.
pub(crate) fn refuse_foreign<S: Store>(shared: &Shared<S>, headers: &HeaderMap) -> Result<(), Stop> {
    let one = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap_or("unreadable"));
        if values.next().is_some() { Some("repeated") } else { value }
    };
    let site = one(SEC_FETCH_SITE);
    let is_ours = match (one(ORIGIN), site) {
        (_, Some(site)) if !matches!(site, "same-origin" | "none") => false,
        (Some("null"), None) => !shared.cookies.is_trustworthy,
        (Some("null"), site) => site == Some("same-origin"),
        (Some(origin), _) => shared.hosts.is_our_origin(origin),
        (None, _) => false,
    };
    if is_ours { Ok(()) } else { Err(Stop::Forged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().unwrap());
        }
        cookie(&headers, "aldis-1").map(|value| value.expose().to_owned())
    }

    #[test]
    fn s54_a_cookie_is_found_unless_it_comes_twice() {
        assert_eq!(found(&["a=b; aldis-1=value; aldis-1-visit=c"]).as_deref(), Some("value"));
        assert_eq!(found(&["a=b", "aldis-1=value"]).as_deref(), Some("value"));
        for lines in
            [&["aldis-1=one; aldis-1=two"][..], &["aldis-1=one", "aldis-1=one"], &["aldis-11=x"], &[]]
        {
            assert_eq!(found(lines), None, "{lines:?}");
        }
    }

    #[test]
    fn s54_names_say_port_or_host() {
        for (url, session, is_secure, is_trustworthy) in [
            ("https://center.example", "__Host-aldis", true, true),
            ("https://center.example:8443", "__Host-aldis", true, true),
            ("http://127.0.0.1:8765", "aldis-8765", false, true),
            ("http://[::1]:8765", "aldis-8765", false, true),
            ("http://[::1]", "aldis-80", false, true),
            ("http://center.example", "aldis-80", false, false),
        ] {
            let cookies = Cookies::new(url);
            assert_eq!((cookies.session.as_str(), cookies.is_secure), (session, is_secure), "{url}");
            assert_eq!(cookies.is_trustworthy, is_trustworthy, "{url}");
        }
        let set = Cookies::new("https://a").set("__Host-aldis", "x").unwrap();
        assert_eq!(set, "__Host-aldis=x; Path=/; Secure; HttpOnly; SameSite=Lax");
    }
}
