//! Absolute http and https addresses, taken apart.

use std::fmt;

use wire::words::is_loopback_host;

/// An absolute address without its query and fragment. Host in lower case, a default port left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    https: bool,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Address {
    /// Takes an address apart. Nothing for other schemes, for user names in the address (they show one host and ask
    /// another) and for characters that no host has.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let path = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        if path.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return None;
        }
        let (host, port) = host_and_port(authority)?;
        let port = port.filter(|port| *port != if https { 443 } else { 80 });
        Some(Self { https, host, port, path: path.to_owned() })
    }

    /// Scheme, host and port, without a slash at the end.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority())
    }

    /// Host and port as a `Host` header names them.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The host in lower case; IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path as written, empty or beginning with a slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether it leads to this machine and nowhere else.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(&self.host)
    }

    /// The same address without slashes at its end.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        self.path.truncate(self.path.trim_end_matches('/').len());
        self
    }

    /// Where a `Location` header leads from here. Relative ones stay at this origin, and only the origin of what
    /// is returned then means something.
    pub fn follow(&self, location: &str) -> Option<Self> {
        let location = location.trim();
        if location.contains("://") && !location.starts_with(['/', '?', '#']) {
            return Self::parse(location);
        }
        if location.starts_with("//") {
            return Self::parse(&format!("{}:{location}", if self.https { "https" } else { "http" }));
        }
        Self::parse(&format!("{}/{}", self.origin(), location.trim_start_matches('/')))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.origin(), self.path)
    }
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, None),
    };
    let is_name =
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let is_ipv6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    (is_name || is_ipv6).then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_are_taken_apart() {
        let table = [
            ("https://D-1.awsapps.com/start#/", "https://d-1.awsapps.com", "/start"),
            ("https://a.example:443/start/?x=1", "https://a.example", "/start/"),
            ("http://127.0.0.1:8765", "http://127.0.0.1:8765", ""),
            ("HTTP://[::1]:80/x", "http://[::1]", "/x"),
            ("http://[::1]:8765/x", "http://[::1]:8765", "/x"),
            ("https://a.example?query", "https://a.example", ""),
        ];
        for (text, origin, path) in table {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.origin().as_str(), address.path()), (origin, path), "{text}");
        }
        for text in [
            "",
            "a.example/start",
            "ftp://a.example",
            "https://",
            "https:///x",
            "https://user@a.example/",
            "https://a.example@evil.example/",
            "https://a example/",
            "https://a.example:port/",
            "https://a.example:99999/",
            "https://a.example\\@evil.example/",
            "https://a.example/x y",
            "https://[::1/",
            "https://[nonsense]/",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn redirects_are_followed_in_thought() {
        let from = Address::parse("https://sso.corp.example/start").unwrap();
        let table = [
            ("https://d-1.awsapps.com/start", "https://d-1.awsapps.com"),
            ("//d-1.awsapps.com/start", "https://d-1.awsapps.com"),
            ("/login?to=https://d-1.awsapps.com", "https://sso.corp.example"),
            ("login", "https://sso.corp.example"),
        ];
        for (location, origin) in table {
            assert_eq!(from.follow(location).unwrap().origin(), origin, "{location}");
        }
        assert_eq!(from.follow("javascript://x/%0aalert(1)"), None);
    }
}
