//! Where an authorization code may be sent: to a program on the machine of the browser, over loopback (RFC 8252 section 7.3).

/// A redirect URI on loopback. `localhost` is none: a resolver may send it elsewhere (RFC 8252 section 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loopback<'a> {
    /// Its port; 80 where it names none.
    pub port: u16,
    /// From the slash on; empty where there is none.
    pub path: &'a str,
}

impl<'a> Loopback<'a> {
    /// Reads `http://127.0.0.1`, a port or none, a path or none; nothing where the text is anything else.
    pub fn parse(uri: &'a str) -> Option<Self> {
        let rest = uri.strip_prefix("http://127.0.0.1")?;
        let (port, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let port = match port.strip_prefix(':') {
            Some(digits) => {
                digits.parse().ok().filter(|port| *port > 0 && !digits.starts_with(['0', '+']))?
            }
            None if port.is_empty() => 80,
            None => return None,
        };
        Some(Self { port, path })
    }
}

/// Whether a redirect URI is one of those that a client registered: the same text, except for the port of one on loopback,
/// which a program learns only when it runs.
pub fn is_registered(registered: &[String], uri: &str) -> bool {
    registered.iter().any(|known| {
        known == uri
            || Loopback::parse(known)
                .zip(Loopback::parse(uri))
                .is_some_and(|(known, asked)| known.path == asked.path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s17_the_port_of_loopback_is_free_and_nothing_else() {
        let registered = ["http://127.0.0.1/oauth/callback".to_owned()];
        for uri in ["http://127.0.0.1/oauth/callback", "http://127.0.0.1:1/oauth/callback"] {
            assert!(is_registered(&registered, uri), "{uri}");
        }
        for uri in [
            "http://127.0.0.1:1",
            "http://127.0.0.1:1/",
            "http://127.0.0.1:1/oauth/callback/",
            "http://127.0.0.1:1/oauth/callback?a=b",
            "http://127.0.0.1:1/oauth/callback#a",
            "http://127.0.0.1:1/oauth/../oauth/callback",
            "http://127.0.0.1:0/oauth/callback",
            "http://127.0.0.1:01/oauth/callback",
            "http://127.0.0.1:+1/oauth/callback",
            "http://127.0.0.1:65536/oauth/callback",
            "http://127.0.0.1:/oauth/callback",
            "http://127.0.0.1:1@evil.example/oauth/callback",
            "http://127.0.0.1@evil.example/oauth/callback",
            "http://127.0.0.1.evil.example/oauth/callback",
            "http://127.0.0.1\\evil.example/oauth/callback",
            "http://127.0.0.2/oauth/callback",
            "http://localhost:1/oauth/callback",
            "http://[::1]:1/oauth/callback",
            "https://127.0.0.1:1/oauth/callback",
            "HTTP://127.0.0.1:1/oauth/callback",
            " http://127.0.0.1:1/oauth/callback",
            "",
        ] {
            assert!(!is_registered(&registered, uri), "{uri}");
        }
        assert!(is_registered(&["http://127.0.0.1".to_owned()], "http://127.0.0.1:8250"));
        assert!(is_registered(&["http://127.0.0.1:8250".to_owned()], "http://127.0.0.1:8251"));
        assert!(!is_registered(&["http://127.0.0.1".to_owned()], "http://127.0.0.1/oauth/callback"));
    }
}
