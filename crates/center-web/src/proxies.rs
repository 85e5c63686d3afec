//! From where a request comes when a proxy stands in front (S58). Everybody can write `X-Forwarded-For` (the proxies' custom)
//! and `Forwarded` (RFC 7239), so both are read only in what a listed proxy sends, and only as far back as listed proxies
//! wrote them.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Addresses that begin with the same bits: one address, or a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// It is not an address, nor one with `/` and a number of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address or a network")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), str::parse).map_err(|_| NotANetwork)?;
        if prefix > most { Err(NotANetwork) } else { Ok(Self { address, prefix }) }
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, length: u32| {
            let rest = length - u32::from(self.prefix);
            one.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => same(one.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// The address of whoever asks: the other end of the connection or, where that is a listed proxy, the last hop before the
/// listed ones.
pub(crate) fn caller(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    if !is_trusted(peer) {
        return peer;
    }
    let walk = |name: &HeaderName, address: fn(&str) -> Option<IpAddr>| {
        headers.contains_key(name).then(|| {
            let mut last = peer;
            // From the end: what stands before an entry was there when the entry was added, and may be invented.
            for entry in entries(headers, name).rev() {
                match address(entry) {
                    Some(hop) if is_trusted(hop) => last = hop,
                    Some(hop) => return hop,
                    // Hidden or unreadable: the proxy that says so is as far as can be seen.
                    None => return last,
                }
            }
            last
        })
    };
    match (walk(&X_FORWARDED_FOR, node), walk(&FORWARDED, forwarded_for)) {
        (Some(one), Some(other)) if one == other => one,
        // The proxy writes one of them and lets the other through, and nobody knows which.
        (Some(_), Some(_)) => peer,
        (Some(hop), None) | (None, Some(hop)) => hop,
        (None, None) => peer,
    }
}

/// The `Host` that the client named, where a listed proxy says that it put another in its place. What a client signed holds for
/// that one.
pub(crate) fn named_host(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Option<String> {
    let peer = peer.to_canonical();
    if !trusted.iter().any(|network| network.holds(peer)) {
        return None;
    }
    let mut hosts = headers.get_all(X_FORWARDED_HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then(|| host.to_owned())
}

/// All entries of a list header, of several lines as of one.
fn entries<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl DoubleEndedIterator<Item = &'a str> {
    // A line that is not text is one unreadable entry.
    let lines: Vec<&str> =
        headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    lines.into_iter().flat_map(|line| line.split(','))
}

/// The `for` of an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut values = element
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = values.next()?;
    let value = value.trim();
    node(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address, of version 6 perhaps in brackets, perhaps with a port.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    fn from(peer: &str, headers: Headers) -> String {
        let trusted: Vec<Network> =
            ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"].iter().map(|text| text.parse().unwrap()).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        caller(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn s58_only_what_listed_proxies_wrote_counts() {
        const X: &str = "x-forwarded-for";
        const F: &str = "forwarded";
        let table: &[(&str, Headers, &str)] = &[
            ("203.0.113.9", &[], "203.0.113.9"),
            ("203.0.113.9", &[(X, "198.51.100.7")], "203.0.113.9"),
            ("203.0.113.9", &[(F, "for=198.51.100.7")], "203.0.113.9"),
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &[(X, "198.51.100.7")], "198.51.100.7"),
            ("::ffff:10.1.2.3", &[(X, "198.51.100.7")], "198.51.100.7"),
            ("10.1.2.3", &[(X, "1.1.1.1, 198.51.100.7")], "198.51.100.7"),
            ("10.1.2.3", &[(X, "1.1.1.1"), (X, "198.51.100.7")], "198.51.100.7"),
            ("10.1.2.3", &[(X, "1.1.1.1, 198.51.100.7, 192.0.2.1,10.9.9.9")], "198.51.100.7"),
            ("10.1.2.3", &[(X, "10.7.7.7, 10.8.8.8")], "10.7.7.7"),
            ("10.1.2.3", &[(X, "1.1.1.1, unknown")], "10.1.2.3"),
            ("10.1.2.3", &[(X, "1.1.1.1, unknown, 192.0.2.1")], "192.0.2.1"),
            ("10.1.2.3", &[(X, "")], "10.1.2.3"),
            ("10.1.2.3", &[(X, "198.51.100.7:4711")], "198.51.100.7"),
            ("10.1.2.3", &[(X, "[2a00::1]:4711")], "2a00::1"),
            ("10.1.2.3", &[(X, "2a00::1, 2001:db8::5")], "2a00::1"),
            ("2001:db8::5", &[(X, "::ffff:198.51.100.7")], "198.51.100.7"),
            ("10.1.2.3", &[(F, "for=198.51.100.7;proto=https")], "198.51.100.7"),
            ("10.1.2.3", &[(F, "proto=https; For=\"[2a00::1]:4711\"")], "2a00::1"),
            ("10.1.2.3", &[(F, "for=\"1.1.1.1, for=198.51.100.7")], "198.51.100.7"),
            ("10.1.2.3", &[(F, "for=1.1.1.1, for=_hidden")], "10.1.2.3"),
            ("10.1.2.3", &[(F, "for=1.1.1.1, by=10.0.0.1")], "10.1.2.3"),
            ("10.1.2.3", &[(F, "for=198.51.100.7"), (X, "198.51.100.7")], "198.51.100.7"),
            ("10.1.2.3", &[(F, "for=198.51.100.7"), (X, "1.1.1.1")], "10.1.2.3"),
        ];
        for (peer, headers, expected) in table {
            assert_eq!(from(peer, headers), *expected, "{peer} {headers:?}");
        }
    }

    #[test]
    fn networks_are_addresses_with_perhaps_a_number_of_bits() {
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/-1", "center.example"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.holds("203.0.113.9".parse().unwrap()) && !all.holds("::1".parse().unwrap()));
        let all: Network = "::/0".parse().unwrap();
        assert!(all.holds("::1".parse().unwrap()));
    }
}
