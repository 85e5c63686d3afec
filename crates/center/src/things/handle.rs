//! Codes and tokens that only their holder knows, and the handles under which a store knows them.
//!
//! A token carries the time at which it was made and 256 random bits. A store keeps only its [`Handle`]: that time and
//! a hash. The time comes first so that new rows go to the end of the table, which is what keeps a busy store fast; the
//! hash is the proof.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use wire::Secret;

use crate::instance::Call;
use crate::seal::Seals;

const TIME: usize = 6;
const RANDOM: usize = 32;

/// What a token is for. It goes into the hash, so that no token passes for one of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Polled with by a device.
    DeviceCode,
    /// Sent to a redirect URI and exchanged by the client behind it.
    AuthorizationCode,
    /// Opens the portal.
    AccessToken,
    /// Gets new tokens.
    RefreshToken,
    /// Lies in the cookie of a browser.
    BrowserSession,
}

impl Kind {
    /// The letters that AWS begins such a token with.
    fn prefix(self) -> &'static str {
        match self {
            Self::DeviceCode | Self::AuthorizationCode | Self::BrowserSession => "",
            Self::AccessToken => "aoa",
            Self::RefreshToken => "aor",
        }
    }

    fn domain(self) -> &'static [u8] {
        match self {
            Self::DeviceCode => b"aldis device code 1",
            Self::AuthorizationCode => b"aldis authorization code 1",
            Self::AccessToken => b"aldis access token 1",
            Self::RefreshToken => b"aldis refresh token 1",
            Self::BrowserSession => b"aldis browser session 1",
        }
    }
}

/// The name under which a store knows a token: 6 bytes of time (milliseconds since 1970, big-endian) and a SHA-256 hash.
/// It gives nothing to whoever reads it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(Vec<u8>);

impl Handle {
    /// The handle of a token at one organisation; nothing where the text cannot be a token of that kind.
    pub fn of(seals: &Seals, kind: Kind, token: &Secret) -> Option<Self> {
        let text = token.expose().strip_prefix(kind.prefix())?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == TIME + RANDOM)?;
        Some(Self::from_parts(seals, kind, &bytes))
    }

    /// A handle as a store kept it.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The handle as a store keeps it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// When its token was made.
    pub fn made_at(&self) -> Timestamp {
        let time = self.0.iter().take(TIME).fold(0, |millis: i64, byte| millis << 8 | i64::from(*byte));
        from_millis(time)
    }

    fn from_parts(seals: &Seals, kind: Kind, bytes: &[u8]) -> Self {
        let hash = digest(&SHA256, &[kind.domain(), seals.organisation(), bytes].concat());
        Self([&bytes[..TIME], hash.as_ref()].concat())
    }
}

/// Makes a new token and its handle.
pub fn mint(call: &Call<'_>, kind: Kind) -> (Secret, Handle) {
    let millis = u64::try_from(call.now.as_millisecond()).unwrap_or_default();
    let mut bytes = [0; TIME + RANDOM];
    bytes[..TIME].copy_from_slice(&millis.to_be_bytes()[8 - TIME..]);
    call.dice.roll(&mut bytes[TIME..]);
    let token = Secret::new(format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(bytes)));
    (token, Handle::from_parts(&call.instance.seals, kind, &bytes))
}

/// The hash by which a grant or session remembers its client, whose id is too long to keep in every row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientHash(Vec<u8>);

impl ClientHash {
    /// The hash of a client id.
    pub fn of(client_id: &str) -> Self {
        Self(digest(&SHA256, client_id.as_bytes()).as_ref().to_vec())
    }

    /// A hash as a store kept it.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The hash as a store keeps it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A moment as stores keep it: milliseconds since 1970.
pub fn to_millis(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

/// A moment as a store kept it.
pub fn from_millis(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}
