//! A registered client. It needs no row anywhere: the registration is sealed into the client id.

use jiff::Timestamp;
use wire::oidc::{GRANT_AUTHORIZATION_CODE, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN, SCOPE_ACCOUNT_ACCESS};

/// The redirect URI that almost every client registers, hence one bit in the id.
pub const USUAL_REDIRECT_URI: &str = "http://127.0.0.1/oauth/callback";

/// The longest name of a client, in bytes.
pub const LONGEST_NAME: usize = 255;

const USUAL_PREFIXES: [&str; 3] = ["", "botocore-client-", "aldis-"];

/// The scopes that are known here; their places are their bits, so new ones go to the end.
pub const KNOWN_SCOPES: [&str; 9] = [
    SCOPE_ACCOUNT_ACCESS,
    "openid",
    "aws",
    "sts:identity_context",
    "codewhisperer:completions",
    "codewhisperer:analysis",
    "codewhisperer:conversations",
    "codewhisperer:transformations",
    "codewhisperer:taskassist",
];

/// The scopes of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scopes {
    /// None were asked for: AWS's old kind of registration. Its token opens the portal, lives as long as the session
    /// and has no refresh token.
    Legacy,
    /// Those of [`KNOWN_SCOPES`] whose bits are set.
    Some(u16),
}

impl Scopes {
    /// The scopes of a request; the unknown one as the error.
    ///
    /// # Errors
    /// The first scope that is not known.
    pub fn from_request(scopes: Option<&[String]>) -> Result<Self, String> {
        let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) else { return Ok(Self::Legacy) };
        let mut bits = 0;
        for scope in scopes {
            let place = KNOWN_SCOPES.iter().position(|known| known == scope).ok_or_else(|| scope.clone())?;
            bits |= 1 << place;
        }
        Ok(Self::Some(bits))
    }

    /// Whether these scopes are enough for what is asked.
    pub fn cover(self, asked: Self) -> bool {
        match (self, asked) {
            (Self::Some(all), Self::Some(asked)) => asked & !all == 0,
            _ => self == asked,
        }
    }

    /// Whether the access portal opens to a token of these scopes.
    pub fn open_the_portal(self) -> bool {
        match self {
            Self::Legacy => true,
            Self::Some(bits) => bits & 1 == 1,
        }
    }

    /// Their names; none for the old kind.
    pub fn names(self) -> Vec<&'static str> {
        let Self::Some(bits) = self else { return Vec::new() };
        KNOWN_SCOPES
            .iter()
            .enumerate()
            .filter(|(place, _)| bits >> place & 1 == 1)
            .map(|(_, name)| *name)
            .collect()
    }

    /// As one number, for a store or a seal.
    pub fn to_bits(self) -> u16 {
        match self {
            Self::Legacy => u16::MAX,
            Self::Some(bits) => bits,
        }
    }

    /// From that number.
    pub fn from_bits(bits: u16) -> Self {
        if bits == u16::MAX { Self::Legacy } else { Self::Some(bits) }
    }
}

/// The grants of a registration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grants {
    /// The device grant.
    pub device_code: bool,
    /// The authorization code grant.
    pub authorization_code: bool,
    /// Refresh.
    pub refresh_token: bool,
}

impl Grants {
    /// What absent `grantTypes` mean.
    pub const ABSENT: Self = Self { device_code: true, authorization_code: false, refresh_token: true };

    /// The grants of a request; the unknown one as the error.
    ///
    /// # Errors
    /// The first grant type that is not known.
    pub fn from_request(grants: Option<&[String]>) -> Result<Self, String> {
        let Some(grants) = grants.filter(|grants| !grants.is_empty()) else { return Ok(Self::ABSENT) };
        let mut found = Self::default();
        for grant in grants {
            match grant.as_str() {
                GRANT_DEVICE_CODE => found.device_code = true,
                GRANT_AUTHORIZATION_CODE => found.authorization_code = true,
                GRANT_REFRESH_TOKEN => found.refresh_token = true,
                _ => return Err(grant.clone()),
            }
        }
        Ok(found)
    }
}

/// A registration, as RegisterClient accepted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// What the client calls itself; not verified.
    pub name: String,
    /// Where an authorization code may be sent.
    pub redirect_uris: Vec<String>,
    /// What its tokens will be good for.
    pub scopes: Scopes,
    /// How it may get them.
    pub grants: Grants,
    /// Whether it may leave its secret out: a standard client that registered with `token_endpoint_auth_method: none`.
    pub is_without_secret: bool,
    /// When it ends, in whole seconds.
    pub expires_at: Timestamp,
}

impl Registration {
    /// Packs the registration into few bytes, since they travel in addresses: usual values are bits.
    pub fn to_bytes(&self) -> Vec<u8> {
        let usual_redirect = self.redirect_uris == [USUAL_REDIRECT_URI];
        let (prefix, rest) = USUAL_PREFIXES
            .iter()
            .enumerate()
            .rev()
            .find_map(|(number, prefix)| self.name.strip_prefix(prefix).map(|rest| (number, rest)))
            .unwrap_or((0, &self.name));
        let flags = [
            self.grants.device_code,
            self.grants.authorization_code,
            self.grants.refresh_token,
            usual_redirect,
        ]
        .iter()
        .enumerate()
        .fold(prefix as u8, |flags, (place, set)| flags | u8::from(*set) << (place + 4));
        let flags = flags | u8::from(self.is_without_secret) << 3;
        let seconds = u32::try_from(self.expires_at.as_second()).unwrap_or(u32::MAX);
        let mut bytes = vec![flags];
        bytes.extend(self.scopes.to_bits().to_be_bytes());
        bytes.extend(seconds.to_be_bytes());
        bytes.push(u8::try_from(rest.len()).unwrap_or(u8::MAX));
        bytes.extend(rest.as_bytes());
        if !usual_redirect {
            for uri in &self.redirect_uris {
                bytes.push(u8::try_from(uri.len()).unwrap_or(u8::MAX));
                bytes.extend(uri.as_bytes());
            }
        }
        bytes
    }

    /// Unpacks what [`Registration::to_bytes`] packed; nothing where the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[flags, s1, s0, t3, t2, t1, t0], mut rest) = bytes.split_first_chunk::<7>()?;
        let bit = |place: u8| flags >> (place + 4) & 1 == 1;
        let name = format!("{}{}", USUAL_PREFIXES.get(usize::from(flags & 0x07))?, take_text(&mut rest)?);
        let mut redirect_uris = Vec::new();
        if bit(3) {
            redirect_uris.push(USUAL_REDIRECT_URI.to_owned());
        }
        while !rest.is_empty() {
            redirect_uris.push(take_text(&mut rest)?);
        }
        Some(Self {
            name,
            redirect_uris,
            scopes: Scopes::from_bits(u16::from_be_bytes([s1, s0])),
            grants: Grants { device_code: bit(0), authorization_code: bit(1), refresh_token: bit(2) },
            is_without_secret: flags >> 3 & 1 == 1,
            expires_at: Timestamp::from_second(u32::from_be_bytes([t3, t2, t1, t0]).into()).ok()?,
        })
    }
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    let (&length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(length.into())?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packs_and_unpacks(
            name in "(botocore-client-|aldis-)?[a-zA-Z0-9 ü_-]{0,60}",
            redirect_uris in prop::collection::vec("http://127\\.0\\.0\\.1(:[0-9]{4})?(/oauth/callback)?", 0..3),
            bits in 0u16..512,
            legacy: bool,
            grants: [bool; 3],
            is_without_secret: bool,
            seconds in 0i64..4_000_000_000,
        ) {
            let registration = Registration {
                name,
                redirect_uris,
                scopes: if legacy { Scopes::Legacy } else { Scopes::Some(bits) },
                grants: Grants { device_code: grants[0], authorization_code: grants[1], refresh_token: grants[2] },
                is_without_secret,
                expires_at: Timestamp::from_second(seconds).unwrap(),
            };
            prop_assert_eq!(Registration::from_bytes(&registration.to_bytes()), Some(registration));
        }

        #[test]
        fn survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Registration::from_bytes(&bytes);
        }
    }

    #[test]
    fn unknown_scopes_and_grants_are_named() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(Scopes::from_request(Some(&list(&["openid", "root"]))), Err("root".to_owned()));
        assert_eq!(Scopes::from_request(Some(&[])), Ok(Scopes::Legacy));
        assert!(!Scopes::from_request(Some(&list(&["openid"]))).unwrap().open_the_portal());
        assert!(Scopes::from_request(Some(&list(&["sso:account:access"]))).unwrap().open_the_portal());
        let scopes = |names: &[&str]| Scopes::from_request(Some(&list(names))).unwrap();
        assert!(scopes(&["openid", "aws"]).cover(scopes(&["aws"])) && Scopes::Legacy.cover(Scopes::Legacy));
        for (all, asked) in
            [(scopes(&["aws"]), scopes(&["openid", "aws"])), (Scopes::Legacy, scopes(&["aws"]))]
        {
            assert!(!all.cover(asked) && !asked.cover(Scopes::Legacy));
        }
        assert_eq!(Grants::from_request(Some(&list(&["password"]))), Err("password".to_owned()));
        assert_eq!(Grants::from_request(None), Ok(Grants::ABSENT));
    }
}
