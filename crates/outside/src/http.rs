//! HTTP calls of the client: connect within 5 seconds, the whole call within 15, redirects handed back, every status an
//! answer and not an error.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use wire::words::{is_loopback_host, plain_host};

use crate::proxy::ProxyRule;

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const CALL_PATIENCE: Duration = Duration::from_secs(15);
/// No answer of an Identity Center comes near this size.
const LARGEST_ANSWER: u64 = 8 * 1024 * 1024;

/// Where clouds hand credentials to their own machines and containers: addresses of the link, which no router passes on,
/// and which are spoken to in plain http everywhere.
const METADATA_HOSTS: [&str; 5] =
    ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"];

/// How the standard library begins what the system says of a name, for which it has no kind of error.
const LOOK_UP_FAILED: &str = "failed to lookup address information: ";

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

/// Why there is no answer. Each names the origin (scheme, host, port) and never the path or the query.
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
    #[error("{origin} did not answer in time")]
    TimedOut {
        /// Where to.
        origin: String,
    },
    /// No trust.
    #[error("the TLS connection to {origin} failed: {what}")]
    Tls {
        /// Where to.
        origin: String,
        /// What went wrong.
        what: String,
    },
    /// The file of certificates cannot be used.
    #[error("the CA bundle {path} cannot be used: {what}")]
    CaBundle {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The proxy's address cannot be read.
    #[error("the proxy address for {origin} cannot be used")]
    BadProxy {
        /// Where to.
        origin: String,
    },
    /// The answer breaks HTTP.
    #[error("{origin} gave an answer that cannot be read: {what}")]
    BadAnswer {
        /// From where.
        origin: String,
        /// What is wrong with it.
        what: String,
    },
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
            && !METADATA_HOSTS.contains(&plain_host(&place.host).as_str())
            && !self.settings.plain_http_to.contains(&place.origin)
        {
            return Err(HttpError::PlainHttp { origin: place.origin });
        }
        let proxy = self.settings.proxy.proxy_for(place.https, &place.host, place.port);
        let agent = self.agent(proxy, &place, is_kept)?;
        let place =
            Place { via: proxy.and_then(|proxy| Place::of(proxy).ok()).map(|proxy| proxy.origin), ..place };
        let mut builder = ureq::http::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let bad = |what: &dyn std::fmt::Display| HttpError::BadAnswer {
            origin: place.origin.clone(),
            what: what.to_string(),
        };
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
        })
    }

    fn agent(&self, proxy: Option<&str>, place: &Place, is_kept: bool) -> Result<ureq::Agent, HttpError> {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (proxy.map(str::to_owned), is_kept);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let proxy = proxy.map(ureq::Proxy::new).transpose();
        let proxy = proxy.map_err(|_| HttpError::BadProxy { origin: place.origin.clone() })?;
        let roots = match &self.settings.ca_bundle {
            Some(path) => RootCerts::new_with_certs(&certificates(path)?),
            None => RootCerts::PlatformVerifier,
        };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
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

fn certificates(path: &PathBuf) -> Result<Vec<Certificate<'static>>, HttpError> {
    let broken = |what: String| HttpError::CaBundle { path: path.clone(), what };
    let pem = std::fs::read(path).map_err(|error| broken(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| broken(error.to_string()))? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(broken("it holds no certificate".to_owned()));
    }
    Ok(found)
}

/// Where a request goes.
struct Place {
    https: bool,
    host: String,
    port: u16,
    origin: String,
    /// The proxy on the way, without its user and password.
    via: Option<String>,
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

    fn explain(&self, error: ureq::Error) -> HttpError {
        let origin = self.origin.clone();
        match error {
            ureq::Error::Timeout(ureq::Timeout::Resolve) => {
                self.unreachable(Obstacle::Name, self.nameless("no answer in time"))
            }
            ureq::Error::Timeout(ureq::Timeout::Connect) => {
                self.unreachable(Obstacle::NoWay, "no connection in time".to_owned())
            }
            ureq::Error::Timeout(_) => HttpError::TimedOut { origin },
            ureq::Error::Tls(what) => HttpError::Tls { origin, what: what.to_owned() },
            ureq::Error::Rustls(what) => HttpError::Tls { origin, what: untrusted(&what) },
            ureq::Error::Protocol(what) => HttpError::BadAnswer { origin, what: what.to_string() },
            ureq::Error::HostNotFound => {
                self.unreachable(Obstacle::Name, self.nameless("there is no such host"))
            }
            ureq::Error::BodyExceedsLimit(most) => {
                HttpError::BadAnswer { origin, what: format!("it is longer than {most} bytes") }
            }
            ureq::Error::ConnectProxyFailed(what) => self.shut_out(&what),
            ureq::Error::Io(what) => self.explain_io(&what),
            other => self.unreachable(Obstacle::Broken, other.to_string()),
        }
    }

    fn explain_io(&self, error: &std::io::Error) -> HttpError {
        if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return HttpError::Tls { origin: self.origin.clone(), what: untrusted(inner) };
        }
        let words = error.to_string();
        if let Some(why) = words.strip_prefix(LOOK_UP_FAILED) {
            return self.unreachable(Obstacle::Name, self.nameless(why));
        }
        match (error.kind(), &self.via) {
            (std::io::ErrorKind::TimedOut, _) => HttpError::TimedOut { origin: self.origin.clone() },
            (std::io::ErrorKind::ConnectionRefused, Some(proxy)) => {
                self.unreachable(Obstacle::Proxy, format!("nothing is listening at the proxy {proxy}"))
            }
            (std::io::ErrorKind::ConnectionRefused, None) => {
                self.unreachable(Obstacle::Refused, "nothing is listening there".to_owned())
            }
            (std::io::ErrorKind::NetworkUnreachable | std::io::ErrorKind::HostUnreachable, _) => {
                self.unreachable(Obstacle::NoWay, words)
            }
            (std::io::ErrorKind::UnexpectedEof, _) => self
                .unreachable(Obstacle::Broken, "the connection ended before an answer was whole".to_owned()),
            _ => self.unreachable(Obstacle::Broken, words),
        }
    }

    fn unreachable(&self, obstacle: Obstacle, what: String) -> HttpError {
        HttpError::Unreachable { origin: self.origin.clone(), obstacle, what }
    }

    /// Whose name cannot be looked up: behind a proxy, only the proxy's own is.
    fn nameless(&self, why: &str) -> String {
        match &self.via {
            Some(proxy) => format!("the name of the proxy {proxy} cannot be looked up ({why})"),
            None => format!("its name cannot be looked up ({why})"),
        }
    }

    /// The proxy said no to a CONNECT, or nothing at all.
    fn shut_out(&self, what: &str) -> HttpError {
        let proxy = self.via.as_deref().unwrap_or_default();
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
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    fn get(url: &str) -> Request {
        Request { method: "GET", url: url.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    #[test]
    fn plain_http_to_another_machine_is_refused_unless_named() {
        let http = Http::new(HttpSettings::default());
        assert!(
            matches!(http.send(&get("http://192.0.2.1:1/x?secret")), Err(HttpError::PlainHttp { origin })
            if origin == "http://192.0.2.1:1")
        );
    }

    #[test]
    fn addresses_that_mislead_are_refused_without_their_query() {
        let http = Http::new(HttpSettings::default());
        for url in ["ftp://a/", "127.0.0.1", "http://127.0.0.1@evil.example/?token=x", "http:///x"] {
            match http.send(&get(url)) {
                Err(HttpError::BadAddress(shown)) => assert!(!shown.contains("token")),
                other => panic!("{url}: {other:?}"),
            }
        }
    }

    #[test]
    fn redirects_and_errors_are_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).unwrap();
            stream
                .write_all(
                    b"HTTP/1.1 302 Found\r\nLocation: https://x.awsapps.com/\r\nContent-Length: 0\r\n\r\n",
                )
                .unwrap();
        });
        let answer = Http::new(HttpSettings::default()).send(&get(&url)).unwrap();
        server.join().unwrap();
        assert_eq!((answer.status, answer.header("location")), (302, Some("https://x.awsapps.com/")));
    }

    #[test]
    fn what_is_in_the_way_is_told_apart() {
        let place = |via: Option<&str>| Place {
            via: via.map(str::to_owned),
            ..Place::of("https://oidc.example/token").unwrap()
        };
        let through = place(Some("http://proxy:8080"));
        let look_up = || std::io::Error::other(format!("{LOOK_UP_FAILED}Name or service not known"));
        let io = |kind: std::io::ErrorKind| ureq::Error::Io(kind.into());
        let proxy_says = |text: &str| ureq::Error::ConnectProxyFailed(text.to_owned());
        use std::io::ErrorKind;
        for (place, error, expected, words) in [
            (
                place(None),
                ureq::Error::Io(look_up()),
                Obstacle::Name,
                "looked up (Name or service not known)",
            ),
            (place(None), ureq::Error::HostNotFound, Obstacle::Name, "its name cannot be looked up"),
            (place(None), ureq::Error::Timeout(ureq::Timeout::Resolve), Obstacle::Name, "in time"),
            (place(None), ureq::Error::Timeout(ureq::Timeout::Connect), Obstacle::NoWay, "in time"),
            (place(None), io(ErrorKind::NetworkUnreachable), Obstacle::NoWay, "unreachable"),
            (place(None), io(ErrorKind::ConnectionRefused), Obstacle::Refused, "nothing is listening there"),
            (place(None), io(ErrorKind::UnexpectedEof), Obstacle::Broken, "before an answer was whole"),
            (place(None), io(ErrorKind::ConnectionReset), Obstacle::Broken, "reset"),
        ] {
            let HttpError::Unreachable { obstacle, what, .. } = place.explain(error) else {
                panic!("{words}")
            };
            assert_eq!(obstacle, expected, "{words}");
            assert!(what.contains(words), "{what}");
        }
        for (error, words) in [
            (io(ErrorKind::ConnectionRefused), "nothing is listening at the proxy http://proxy:8080"),
            (
                proxy_says("proxy server responded 407/407"),
                "http://proxy:8080 lets nobody through (status 407)",
            ),
            (proxy_says("proxy server did not respond"), "(proxy server did not respond)"),
        ] {
            let HttpError::Unreachable { obstacle, what, .. } = through.explain(error) else {
                panic!("{words}")
            };
            assert_eq!((obstacle, what.contains(words)), (Obstacle::Proxy, true), "{what}");
        }
        let named = through.explain(ureq::Error::Io(look_up())).to_string();
        assert!(named.contains("the name of the proxy http://proxy:8080"), "{named}");
    }

    #[test]
    fn nothing_listening_is_said() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = Http::new(HttpSettings::default())
            .send(&get(&format!("http://127.0.0.1:{port}/secret")))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot reach http://127.0.0.1:{port}: nothing is listening there")
        );
    }
}
