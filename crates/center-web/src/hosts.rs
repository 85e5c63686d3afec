//! Under which names a center answers. A page of somebody else's whose name was made to point here (DNS rebinding) sends
//! its own name in `Host`, and is turned away (S51).

use std::net::SocketAddr;

use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};

/// The allowed values of `Host`, and the origins of our own pages.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// In lower case.
    allowed: Vec<String>,
    origins: Vec<String>,
}

impl Hosts {
    /// What the center's address and its listening socket say.
    pub(crate) fn new(url: &str, listening: SocketAddr) -> Self {
        let mut allowed = Vec::new();
        let mut allow = |host: &str, usual_port: &str| {
            let host = host.to_ascii_lowercase();
            // Clients leave the usual port out.
            let bare = host.strip_suffix(usual_port).map(str::to_owned);
            let has_port = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
            allowed.extend(bare);
            if !has_port {
                allowed.push(format!("{host}{usual_port}"));
            }
            allowed.push(host);
        };
        match url.split_once("://") {
            Some(("https", host)) => allow(host, ":443"),
            Some((_, host)) => allow(host, ":80"),
            None => {}
        }
        let mut origins = vec![url.to_owned()];
        let mut listen = |host: String| {
            allow(&host, ":80");
            origins.push(format!("http://{}", host.strip_suffix(":80").unwrap_or(&host)));
        };
        listen(listening.to_string());
        if listening.ip().is_loopback() {
            listen(format!("127.0.0.1:{}", listening.port()));
        }
        Self { allowed, origins }
    }

    /// Whether a request is meant for this center: one `Host`, and whatever the request's target names, too.
    pub(crate) fn allow(&self, target: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        host.is_some_and(|host| self.is_ours(host))
            && hosts.next().is_none()
            && target.authority().is_none_or(|authority| self.is_ours(authority.as_str()))
    }

    /// Whether a host, with its port, is one of the center's.
    pub(crate) fn is_ours(&self, host: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }

    /// Whether an `Origin` is that of a page of this center (S52).
    pub(crate) fn is_our_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|ours| ours == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &Hosts, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        hosts.allow(&"/".parse().unwrap(), &headers)
    }

    #[test]
    fn s51_only_its_own_names() {
        let listening = "127.0.0.1:8765".parse().unwrap();
        let local = Hosts::new("http://127.0.0.1:8765", listening);
        assert!(allows(&local, "127.0.0.1:8765"));
        for host in ["127.0.0.1", "127.0.0.1:80", "localhost:8765", "evil.example:8765", "evil.example", ""] {
            assert!(!allows(&local, host), "{host}");
        }

        let behind_a_proxy = Hosts::new("https://Center.example", listening);
        for host in ["center.example", "CENTER.example:443", "127.0.0.1:8765"] {
            assert!(allows(&behind_a_proxy, host), "{host}");
        }
        for host in ["center.example:80", "center.example:8765", "a.center.example", "center.example."] {
            assert!(!allows(&behind_a_proxy, host), "{host}");
        }

        let explicit = Hosts::new("https://center.example:443", "0.0.0.0:8765".parse().unwrap());
        assert!(allows(&explicit, "center.example") && allows(&explicit, "center.example:443"));
        assert!(!allows(&explicit, "127.0.0.1:8765"));

        let sixth = Hosts::new("http://[::1]:8765", "[::1]:8765".parse().unwrap());
        assert!(allows(&sixth, "[::1]:8765") && !allows(&sixth, "[::1]"));
        let usual = Hosts::new("http://[::1]", "[::1]:80".parse().unwrap());
        assert!(allows(&usual, "[::1]") && allows(&usual, "[::1]:80"));
    }

    #[test]
    fn s52_only_its_own_origins() {
        let hosts = Hosts::new("https://center.example", "127.0.0.1:8765".parse().unwrap());
        assert!(
            hosts.is_our_origin("https://center.example") && hosts.is_our_origin("http://127.0.0.1:8765")
        );
        for origin in [
            "http://center.example",
            "https://center.example:8765",
            "https://a.center.example",
            "https://127.0.0.1:8765",
            "http://127.0.0.1",
            "http://127.0.0.1:87650",
            "http://localhost:8765",
            "null",
            "",
        ] {
            assert!(!hosts.is_our_origin(origin), "{origin}");
        }
        let usual = Hosts::new("http://127.0.0.1", "127.0.0.1:80".parse().unwrap());
        assert!(usual.is_our_origin("http://127.0.0.1"));
    }

    #[test]
    fn s51_one_host_and_no_other_target() {
        let hosts = Hosts::new("http://127.0.0.1:1", "127.0.0.1:1".parse().unwrap());
        let mut headers = HeaderMap::new();
        assert!(!hosts.allow(&"/".parse().unwrap(), &headers));
        headers.insert(HOST, "127.0.0.1:1".parse().unwrap());
        assert!(hosts.allow(&"http://127.0.0.1:1/".parse().unwrap(), &headers));
        assert!(!hosts.allow(&"http://evil.example/".parse().unwrap(), &headers));
        headers.append(HOST, "evil.example".parse().unwrap());
        assert!(!hosts.allow(&"/".parse().unwrap(), &headers));
    }
}
