//! HTTP calls of the client: connect within 5 seconds, the whole call within 15, redirects handed back, every status an
//! answer and not an error.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::config::IpFamily;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use wire::words::is_loopback_host;

use crate::ca_bundle::{self, BadBundle};
use crate::proxy::{BadProxy, Proxy, ProxyRule};

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const CALL_PATIENCE: Duration = Duration::from_secs(15);
/// No answer of an Identity Center comes near this size.
const LARGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// How the standard library begins what the system says of a name, for which it has no kind of error.
const LOOK_UP_FAILED: &str = "failed to lookup address information: ";

/// The texts with which ureq tells that a SOCKS proxy has made no connection (RFC 1928 section 6, RFC 1929, SOCKS4): nothing was sent.
const SOCKS_REFUSALS: [&str; 14] = [
    "general SOCKS server failure",
    "connection not allowed by ruleset",
    "network unreachable",
    "host unreachable",
    "connection refused",
    "TTL expired",
    "command not supported",
    "address kind not supported",
    "no acceptable auth methods",
    "unknown auth method",
    "password authentication failed",
    "request rejected or failed",
    "invalid username",
    "invalid password",
];

/// What kept a connection from being made, or from lasting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The name of the host, or of the proxy, cannot be looked up.
    Name,
    /// Nobody listens there.
    Refused,
    /// No way leads there, or nobody answers on it.
    NoWay,
    /// The proxy on the way is not there, or lets nobody through.
    Proxy,
    /// The connection broke off. Of all obstacles this one alone may have been in the way of the answer and not of the request.
    Broken,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `HEAD` or `POST`.
    pub method: &'static str,
    /// An absolute address.
    pub url: String,
    /// Headers in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The proxy that the answer came through, without its user and password.
    pub via: Option<String>,
}

impl Response {
    /// The first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text, bytes that are not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why there is no answer. Each names the origin (scheme, host, port) and never the path or the query; if a proxy is on the way,
/// it is named too, so that nobody looks for the fault at the server.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be read.
    #[error("{0:?} is not an address")]
    BadAddress(String),
    /// Plain http to another machine.
    #[error("{origin} is plain http to another machine, where everybody on the way can read the tokens")]
    PlainHttp {
        /// Where to.
        origin: String,
    },
    /// No connection.
    #[error("cannot reach {origin}: {what}")]
    Unreachable {
        /// Where to.
        origin: String,
        /// What was in the way.
        obstacle: Obstacle,
        /// What went wrong, in words.
        what: String,
    },
    /// No answer in time.
    #[error("{origin} did not answer in time{}", through(.via))]
    TimedOut {
        /// Where to.
        origin: String,
        /// The proxy on the way.
        via: Option<String>,
    },
    /// No trust.
    #[error("the TLS connection to {origin}{} failed: {what}", through(.via))]
    Tls {
        /// Where to.
        origin: String,
        /// The proxy on the way.
        via: Option<String>,
        /// What went wrong.
        what: String,
    },
    /// The file of certificates cannot be used.
    #[error(transparent)]
    CaBundle(#[from] BadBundle),
    /// The variable names no proxy that can be used.
    #[error(transparent)]
    BadProxy(#[from] BadProxy),
    /// The answer breaks HTTP.
    #[error("{origin} gave an answer{} that cannot be read: {what}", through(.via))]
    BadAnswer {
        /// From where.
        origin: String,
        /// The proxy on the way.
        via: Option<String>,
        /// What is wrong with it.
        what: String,
    },
}

/// The words that name a proxy on the way; empty if there is none.
pub fn through(via: &Option<String>) -> String {
    via.as_ref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default()
}

/// How calls are made.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// Which proxy for which address.
    pub proxy: ProxyRule,
    /// A PEM file with the certificates to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Origins (`http://host:port`) to which plain http is allowed though they are not this machine.
    pub plain_http_to: Vec<String>,
}

/// Makes calls. Connections are kept and used again. Can be shared by threads.
#[derive(Debug)]
pub struct Http {
    settings: HttpSettings,
    /// One agent a proxy (or none), since an agent has one proxy for all addresses; and one more that keeps no connections.
    agents: Mutex<HashMap<(Option<String>, bool), ureq::Agent>>,
}

impl Http {
    /// Makes calls by these settings. Reads and connects nothing yet.
    pub fn new(settings: HttpSettings) -> Self {
        Self { settings, agents: Mutex::default() }
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// When no answer came, or the address must not be spoken to in plain http.
    pub fn send(&self, request: &Request) -> Result<Response, HttpError> {
        self.send_over(request, true)
    }

    /// The same over a connection of its own: one that is kept may be dead, and whoever finds that out cannot know whether the
    /// request has arrived.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub fn send_alone(&self, request: &Request) -> Result<Response, HttpError> {
        self.send_over(request, false)
    }

    fn send_over(&self, request: &Request, is_kept: bool) -> Result<Response, HttpError> {
        let place = Place::of(&request.url)?;
        if !place.https
            && !is_loopback_host(&place.host)
            && !self.settings.plain_http_to.contains(&place.origin)
        {
            return Err(HttpError::PlainHttp { origin: place.origin });
        }
        let setting = self.settings.proxy.proxy_for(place.https, &place.host, place.port);
        let proxy = setting.map(|setting| setting.parse()).transpose()?;
        let agent = self.agent(proxy.as_ref(), is_kept)?;
        let place = Place { via: proxy, ..place };
        let mut builder = ureq::http::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let bad = |what: &dyn std::fmt::Display| place.bad_answer(what.to_string());
        let sent = if request.method == "POST" {
            agent.run(builder.body(request.body.as_slice()).map_err(|error| bad(&error))?)
        } else {
            agent.run(builder.body(()).map_err(|error| bad(&error))?)
        };
        let mut answer = sent.map_err(|error| place.explain(error))?;
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let body = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        Ok(Response {
            status: answer.status().as_u16(),
            headers,
            body: body.map_err(|error| place.explain(error))?,
            via: place.shown_proxy(),
        })
    }

    fn agent(&self, proxy: Option<&Proxy>, is_kept: bool) -> Result<ureq::Agent, HttpError> {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (proxy.map(|proxy| proxy.url.clone()), is_kept);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let is_ipv4_only = proxy.is_some_and(|proxy| proxy.is_ipv4_only);
        // It was read as an address when the setting was.
        let proxy = proxy.and_then(|proxy| ureq::Proxy::new(&proxy.url).ok());
        let roots = match &self.settings.ca_bundle {
            Some(path) => RootCerts::new_with_certs(&ca_bundle::read(path)?),
            None => RootCerts::PlatformVerifier,
        };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .ip_family(if is_ipv4_only { IpFamily::Ipv4Only } else { IpFamily::Any })
            .user_agent(self.settings.user_agent.as_str())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(CONNECT_PATIENCE))
            .timeout_connect(Some(CONNECT_PATIENCE))
            .timeout_global(Some(CALL_PATIENCE));
        let config = if is_kept { config } else { config.max_idle_connections(0) };
        let agent = config.build().new_agent();
        agents.insert(key, agent.clone());
        Ok(agent)
    }
}

/// Where a request goes.
struct Place {
    https: bool,
    host: String,
    port: u16,
    origin: String,
    /// The proxy on the way.
    via: Option<Proxy>,
}

impl Place {
    fn of(url: &str) -> Result<Self, HttpError> {
        let bad = || HttpError::BadAddress(url.split(['?', '#']).next().unwrap_or_default().to_owned());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(bad()),
        };
        let authority = uri.authority().ok_or_else(bad)?;
        // A name before `@` would show one host and ask another.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(bad());
        }
        let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
        let scheme = if https { "https" } else { "http" };
        Ok(Self {
            https,
            host: authority.host().to_owned(),
            port,
            origin: format!("{scheme}://{authority}"),
            via: None,
        })
    }

    fn shown_proxy(&self) -> Option<String> {
        self.via.as_ref().map(|proxy| proxy.shown.clone())
    }

    fn through(&self) -> String {
        through(&self.shown_proxy())
    }

    fn explain(&self, error: ureq::Error) -> HttpError {
        let (origin, via) = (self.origin.clone(), self.shown_proxy());
        match error {
            ureq::Error::Timeout(ureq::Timeout::Resolve) => {
                self.unreachable(Obstacle::Name, self.nameless("no answer in time"))
            }
            ureq::Error::Timeout(ureq::Timeout::Connect) => {
                let obstacle = if via.is_some() { Obstacle::Proxy } else { Obstacle::NoWay };
                self.unreachable(obstacle, format!("no connection{} in time", self.through()))
            }
            ureq::Error::Timeout(_) => HttpError::TimedOut { origin, via },
            ureq::Error::Tls(what) => HttpError::Tls { origin, via, what: what.to_owned() },
            ureq::Error::Rustls(what) => HttpError::Tls { origin, via, what: untrusted(&what) },
            ureq::Error::Protocol(what) => self.bad_answer(what.to_string()),
            ureq::Error::HostNotFound => {
                self.unreachable(Obstacle::Name, self.nameless("there is no such host"))
            }
            ureq::Error::BodyExceedsLimit(most) => self.bad_answer(format!("it is longer than {most} bytes")),
            ureq::Error::ConnectProxyFailed(what) => self.shut_out(&what),
            ureq::Error::Io(what) => self.explain_io(&what),
            other => self.broken(&other.to_string()),
        }
    }

    fn explain_io(&self, error: &std::io::Error) -> HttpError {
        if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            let (origin, via) = (self.origin.clone(), self.shown_proxy());
            return HttpError::Tls { origin, via, what: untrusted(inner) };
        }
        let words = error.to_string();
        if let Some(why) = words.strip_prefix(LOOK_UP_FAILED) {
            return self.unreachable(Obstacle::Name, self.nameless(why));
        }
        use std::io::ErrorKind;
        match (error.kind(), &self.via) {
            (ErrorKind::TimedOut, _) => {
                HttpError::TimedOut { origin: self.origin.clone(), via: self.shown_proxy() }
            }
            (ErrorKind::ConnectionRefused, Some(proxy)) => self
                .unreachable(Obstacle::Proxy, format!("nothing is listening at the proxy {}", proxy.shown)),
            (ErrorKind::ConnectionRefused, None) => {
                self.unreachable(Obstacle::Refused, "nothing is listening there".to_owned())
            }
            (ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable, Some(proxy)) => self
                .unreachable(Obstacle::Proxy, format!("no way leads to the proxy {} ({words})", proxy.shown)),
            (ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable, None) => {
                self.unreachable(Obstacle::NoWay, words)
            }
            (_, Some(proxy)) if proxy.is_socks && SOCKS_REFUSALS.contains(&words.as_str()) => self
                .unreachable(
                    Obstacle::Proxy,
                    format!("the proxy {} makes no connection ({words})", proxy.shown),
                ),
            (ErrorKind::UnexpectedEof, _) => self.broken("the connection ended before an answer was whole"),
            _ => self.broken(&words),
        }
    }

    fn unreachable(&self, obstacle: Obstacle, what: String) -> HttpError {
        HttpError::Unreachable { origin: self.origin.clone(), obstacle, what }
    }

    /// The connection broke off: the request may have arrived.
    fn broken(&self, what: &str) -> HttpError {
        let what = match &self.via {
            Some(_) => format!("the connection{} broke off ({what})", self.through()),
            None => what.to_owned(),
        };
        self.unreachable(Obstacle::Broken, what)
    }

    fn bad_answer(&self, what: String) -> HttpError {
        HttpError::BadAnswer { origin: self.origin.clone(), via: self.shown_proxy(), what }
    }

    /// The name that cannot be looked up: most proxies look up names themselves, so that only the proxy's own name is left.
    fn nameless(&self, why: &str) -> String {
        match &self.via {
            Some(proxy) if proxy.needs_addresses => format!(
                "its name, or that of the proxy {}, cannot be looked up here ({why}); \
                 socks5h:// and socks4a:// leave its name to the proxy",
                proxy.shown
            ),
            Some(proxy) => format!("the name of the proxy {} cannot be looked up ({why})", proxy.shown),
            None => format!("its name cannot be looked up ({why})"),
        }
    }

    /// The proxy refused a CONNECT, or did not answer it.
    fn shut_out(&self, what: &str) -> HttpError {
        let proxy = self.shown_proxy().unwrap_or_default();
        let status = what.rsplit(['/', ' ']).next().and_then(|status| status.parse::<u16>().ok());
        let why = status.map_or_else(|| what.to_owned(), |status| format!("status {status}"));
        self.unreachable(Obstacle::Proxy, format!("the proxy {proxy} lets nobody through ({why})"))
    }
}

/// Why a TLS connection is not trusted.
fn untrusted(error: &rustls::Error) -> String {
    match error {
        // What a page for signing in to a network sends, and a proxy that is none.
        rustls::Error::InvalidMessage(_) => "what answers there does not speak TLS".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
