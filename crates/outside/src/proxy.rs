//! Which proxy an address is reached through: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` in either spelling, read as
//! the AWS CLI reads them, except that this machine is never reached through a proxy. SOCKS proxies work, too.

use std::fmt;

use wire::words::{is_loopback_host, plain_host, printable};

use crate::env::Env;

/// The schemes of proxies. `socks5` and `socks4` are given addresses, so that names are looked up here; the others look up
/// names themselves.
const SCHEMES: [&str; 7] = ["http", "https", "socks5", "socks5h", "socks", "socks4", "socks4a"];

/// The proxy settings of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyRule {
    https: Option<Setting>,
    http: Option<Setting>,
    exceptions: Vec<String>,
}

/// The value of a variable. It may hold a password, so its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    variable: &'static str,
    value: String,
}

/// A proxy that can be used.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its address, with user and password.
    pub(crate) url: String,
    /// Its scheme, host and port, without user and password.
    pub shown: String,
    /// Whether names are looked up here and not by the proxy.
    pub(crate) needs_addresses: bool,
    /// Whether it speaks SOCKS.
    pub(crate) is_socks: bool,
    /// Whether it takes IPv4 addresses only.
    pub(crate) is_ipv4_only: bool,
}

/// A setting that names no proxy. Its text holds nothing of the value but a scheme, since anything else may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the proxy in {variable} cannot be used: {what}")]
pub struct BadProxy {
    /// The variable.
    pub variable: &'static str,
    /// The fault in its value.
    pub what: String,
}

impl ProxyRule {
    /// Reads the environment; if both spellings are set, the lower-case one counts.
    pub fn from_env(env: &Env) -> Self {
        let either = |names: [&'static str; 2]| {
            names
                .into_iter()
                .find_map(|variable| Some(Setting { variable, value: env.get(variable)?.trim().to_owned() }))
        };
        Self {
            https: either(["https_proxy", "HTTPS_PROXY"]),
            http: either(["http_proxy", "HTTP_PROXY"]),
            exceptions: env
                .get("no_proxy")
                .or_else(|| env.get("NO_PROXY"))
                .unwrap_or_default()
                .split(',')
                .map(|entry| entry.trim().to_ascii_lowercase())
                .filter(|entry| !entry.is_empty())
                .collect(),
        }
    }

    /// The proxy for a request to `host` and `port`; `None` if the way is direct.
    pub fn proxy_for(&self, https: bool, host: &str, port: u16) -> Option<&Setting> {
        if is_loopback_host(host) || self.is_exception(&plain_host(host), port) {
            return None;
        }
        if https { self.https.as_ref() } else { self.http.as_ref() }
    }

    fn is_exception(&self, host: &str, port: u16) -> bool {
        self.exceptions.iter().any(|entry| {
            if entry == "*" {
                return true;
            }
            let name = match entry.rsplit_once(':') {
                Some((name, digits)) if !name.contains(':') && digits.parse() == Ok(port) => name,
                _ => entry,
            };
            let name = plain_host(name.strip_prefix("*.").unwrap_or(name));
            let name = name.strip_prefix('.').unwrap_or(&name);
            host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

impl Setting {
    /// Reads the value. As with the AWS CLI it may lack its scheme, which is `http` then.
    ///
    /// # Errors
    /// If it is not the address of a proxy of a known kind.
    pub fn parse(&self) -> Result<Proxy, BadProxy> {
        let bad = |what: &str| BadProxy { variable: self.variable, what: what.to_owned() };
        let (scheme, rest) = self.value.split_once("://").unwrap_or(("http", &self.value));
        let scheme = scheme.to_ascii_lowercase();
        if !SCHEMES.contains(&scheme.as_str()) {
            let is_word = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
            let named = if is_word { printable(&scheme, 20) } else { "its scheme".to_owned() };
            return Err(bad(&format!("{named} is no kind of proxy known here ({})", SCHEMES.join(", "))));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let misplaced = "its user or password holds characters that must be written as %XX";
        if rest[authority.len()..].contains('@') {
            return Err(bad(misplaced));
        }
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (format!("{user}@"), place),
            None => (String::new(), authority),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (place, None),
        };
        let is_name = |host: &str| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        };
        let is_ipv6 = |host: &str| {
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            bare.is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok())
        };
        if !is_name(host) && !is_ipv6(host) {
            return Err(bad("it names no host"));
        }
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(bad("its port is no number of a port"));
        }
        let needs_addresses = matches!(scheme.as_str(), "socks4" | "socks5" | "socks");
        let proxy = Proxy {
            url: format!("{scheme}://{user}{place}"),
            shown: format!("{scheme}://{place}"),
            needs_addresses,
            is_socks: scheme.starts_with("socks"),
            is_ipv4_only: scheme == "socks4",
        };
        match ureq::Proxy::new(&proxy.url) {
            Ok(_) => Ok(proxy),
            Err(_) => Err(bad(misplaced)),
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Setting({})", self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Proxy({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_has_its_own_proxy_and_exceptions_cover_names_below() {
        let env = Env::pretended(&[
            ("HTTPS_PROXY", "http://secure:1"),
            ("http_proxy", "http://plain:2"),
            ("HTTP_PROXY", "http://ignored:3"),
            ("NO_PROXY", "corp.example, .dotted.example ,*.star.example,with.port:8443"),
        ]);
        let rule = ProxyRule::from_env(&env);
        let table = [
            (true, "oidc.us-east-1.amazonaws.com", 443, Some("http://secure:1")),
            (false, "oidc.us-east-1.amazonaws.com", 80, Some("http://plain:2")),
            (true, "corp.example", 443, None),
            (true, "a.corp.example", 443, None),
            (true, "notcorp.example", 443, Some("http://secure:1")),
            (true, "a.dotted.example", 443, None),
            (true, "a.star.example", 443, None),
            (true, "with.port", 8443, None),
            (true, "with.port", 443, Some("http://secure:1")),
            (true, "127.0.0.1", 8765, None),
            (false, "localhost", 8765, None),
            (false, "[::1]", 8765, None),
        ];
        for (https, host, port, expected) in table {
            let found = rule.proxy_for(https, host, port).map(|setting| setting.value.as_str());
            assert_eq!(found, expected, "{host}:{port}");
        }
        let all = ProxyRule::from_env(&Env::pretended(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "*")]));
        assert_eq!(all.proxy_for(true, "a.example", 443), None);
    }

    #[test]
    fn each_kind_of_proxy_is_read_or_refused_and_no_password_is_shown() {
        let parse = |value: &str| Setting { variable: "HTTPS_PROXY", value: value.to_owned() }.parse();
        for (value, shown) in [
            ("http://proxy.corp:8080", "http://proxy.corp:8080"),
            ("HTTP://proxy.corp:8080/", "http://proxy.corp:8080"),
            ("proxy.corp:8080", "http://proxy.corp:8080"),
            ("proxy.corp", "http://proxy.corp"),
            ("127.0.0.1:3128", "http://127.0.0.1:3128"),
            ("[::1]:3128", "http://[::1]:3128"),
            ("ann:hidden@proxy.corp:8080", "http://proxy.corp:8080"),
            ("http://ann:hid@den@proxy.corp:8080", "http://proxy.corp:8080"),
            ("http://ann:hidden@[::1]:8080", "http://[::1]:8080"),
            ("https://ann:hidden@proxy.corp:8443/x?hidden#hidden", "https://proxy.corp:8443"),
            ("socks5://ann:hidden@127.0.0.1:1080", "socks5://127.0.0.1:1080"),
            ("socks5h://proxy.corp:1080", "socks5h://proxy.corp:1080"),
            ("socks4://proxy.corp", "socks4://proxy.corp"),
            ("socks4a://proxy.corp", "socks4a://proxy.corp"),
            ("socks://proxy.corp", "socks://proxy.corp"),
        ] {
            let proxy = parse(value).unwrap();
            assert_eq!(proxy.shown, shown, "{value}");
            assert!(!format!("{proxy:?}").contains("hidden"), "{value}");
        }
        let resolves_here = |value: &str| parse(value).unwrap().needs_addresses;
        assert!(resolves_here("socks5://h") && resolves_here("socks4://h"));
        assert!(!resolves_here("socks5h://h") && !resolves_here("socks4a://h") && !resolves_here("http://h"));
        for (value, words) in [
            ("ftp://proxy.corp:21", "ftp is no kind of proxy known here"),
            ("quic://ann:hidden@proxy.corp", "quic is no kind of proxy"),
            ("hidden@x://proxy.corp", "its scheme is no kind of proxy"),
            ("http://", "no host"),
            ("http://ann:hidden@", "no host"),
            ("http://ann:hid/den@proxy.corp:8080", "%XX"),
            ("http://ann:12/hidden@proxy.corp:8080", "%XX"),
            ("http://proxy.corp:x", "no number of a port"),
            ("http://proxy.corp:99999", "no number of a port"),
            ("http://proxy corp:1", "no host"),
            ("://proxy", "no kind of proxy"),
            ("http://an n:hidden@proxy.corp", "%XX"),
        ] {
            let text = parse(value).unwrap_err().to_string();
            assert!(text.starts_with("the proxy in HTTPS_PROXY cannot be used: "), "{text}");
            assert!(text.contains(words) && !text.contains("hidden"), "{value}: {text}");
        }
    }
}
