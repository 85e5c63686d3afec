//! Which proxy an address is reached through: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` in either spelling, read as
//! the AWS CLI reads them, except that this machine is never reached through a proxy.

use wire::words::{is_loopback_host, plain_host};

use crate::env::Env;

/// The proxy settings of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyRule {
    https: Option<String>,
    http: Option<String>,
    exceptions: Vec<String>,
}

impl ProxyRule {
    /// Reads the environment; where both spellings are set, the lower-case one counts.
    pub fn from_env(env: &Env) -> Self {
        let either = |lower: &str, upper: &str| env.get(lower).or_else(|| env.get(upper)).map(str::to_owned);
        Self {
            https: either("https_proxy", "HTTPS_PROXY"),
            http: either("http_proxy", "HTTP_PROXY"),
            exceptions: either("no_proxy", "NO_PROXY")
                .unwrap_or_default()
                .split(',')
                .map(|entry| entry.trim().to_ascii_lowercase())
                .filter(|entry| !entry.is_empty())
                .collect(),
        }
    }

    /// The proxy's address for a request to `host` and `port`; nothing where the way is direct.
    pub fn proxy_for(&self, https: bool, host: &str, port: u16) -> Option<&str> {
        if is_loopback_host(host) || self.is_exception(&plain_host(host), port) {
            return None;
        }
        if https { self.https.as_deref() } else { self.http.as_deref() }
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
            assert_eq!(rule.proxy_for(https, host, port), expected, "{host}:{port}");
        }
        let all = ProxyRule::from_env(&Env::pretended(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "*")]));
        assert_eq!(all.proxy_for(true, "a.example", 443), None);
    }
}
