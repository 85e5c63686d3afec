//! Keys as values: registrations sealed into client ids, role credentials into session tokens, kept replies under the
//! token that they answered.
//!
//! Each purpose has a key of its own, derived (HKDF, RFC 5869) from a master key for one organisation, so nothing sealed
//! by one center opens at another, and nothing sealed for one purpose serves another. What is sealed names its master
//! key, so that a new one can be put in front while what the old ones sealed still opens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use serde::{Deserialize, Serialize};
use wire::Secret;
use zeroize::Zeroizing;

use crate::instance::Call;
use crate::things::client::Registration;

/// The length of a master key in bytes.
pub const MASTER_KEY_LENGTH: usize = 32;

/// A master key with its number.
#[derive(Clone)]
pub struct MasterKey {
    /// Stands in front of all that it seals.
    pub id: u8,
    /// 32 random bytes.
    pub bytes: Zeroizing<[u8; MASTER_KEY_LENGTH]>,
}

/// The master keys of a center: the first one seals, all of them open.
#[derive(Clone)]
pub struct KeyRing(Vec<MasterKey>);

/// The text of a key file cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyRingError {
    /// No key in it.
    #[error("it holds no key")]
    Empty,
    /// A line that is no key.
    #[error("line {0} is not a key: expected a number from 0 to 255, a blank, and 32 bytes in base64")]
    BadLine(usize),
}

impl KeyRing {
    /// A ring with one new key.
    pub fn with_new_key(random: [u8; MASTER_KEY_LENGTH]) -> Self {
        Self(vec![MasterKey { id: 1, bytes: Zeroizing::new(random) }])
    }

    /// A ring of these keys; nothing where there are none.
    pub fn new(keys: Vec<MasterKey>) -> Option<Self> {
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The same ring with a new key in front, which seals from now on. The last of 256 keys makes room.
    #[must_use]
    pub fn rotated(&self, random: [u8; MASTER_KEY_LENGTH]) -> Self {
        let id = self.0.first().map_or(1, |key| key.id.wrapping_add(1));
        let mut keys = vec![MasterKey { id, bytes: Zeroizing::new(random) }];
        keys.extend(self.0.iter().filter(|key| key.id != id).cloned());
        Self(keys)
    }

    /// Reads a key file: a key a line, number and base64, the sealing one first; `#` begins a comment.
    ///
    /// # Errors
    /// A line that is no key, or none at all.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            keys.push(parse_key(line).ok_or(KeyRingError::BadLine(number + 1))?);
        }
        Self::new(keys).ok_or(KeyRingError::Empty)
    }

    /// The text of a key file.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = String::from(
            "# The sealing keys of this center, the one in use first. Whoever reads them can forge sign-ins.\n",
        );
        for key in &self.0 {
            text.push_str(&format!("{} {}\n", key.id, STANDARD.encode(key.bytes.as_ref())));
        }
        Zeroizing::new(text)
    }
}

fn parse_key(line: &str) -> Option<MasterKey> {
    let (id, key) = line.split_once(' ')?;
    let bytes = Zeroizing::new(STANDARD.decode(key.trim()).ok()?);
    Some(MasterKey { id: id.parse().ok()?, bytes: Zeroizing::new(bytes.as_slice().try_into().ok()?) })
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.0.iter().map(|key| key.id)).finish()
    }
}

/// What role credentials say, sealed into their session token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleClaims {
    /// The key that the token belongs to.
    #[serde(rename = "k")]
    pub access_key_id: String,
    /// Twelve digits.
    #[serde(rename = "a")]
    pub account: String,
    /// The name of the permission set.
    #[serde(rename = "r")]
    pub role: String,
    /// Whose they are.
    #[serde(rename = "p")]
    pub person: String,
    /// When they end, in milliseconds since 1970.
    #[serde(rename = "e")]
    pub expires_at: i64,
    /// The sign-in that they come from.
    #[serde(rename = "w")]
    pub workflow: String,
}

/// The derived keys of one center, by purpose.
#[derive(Debug)]
pub struct Seals {
    organisation: [u8; 32],
    keys: Vec<Derived>,
}

struct Derived {
    id: u8,
    client_id: LessSafeKey,
    client_secret: hmac::Key,
    session_token: LessSafeKey,
    role_key: hmac::Key,
    form_token: hmac::Key,
}

impl std::fmt::Debug for Derived {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "key {}", self.id)
    }
}

impl Seals {
    /// Derives the keys of one organisation, named by the hash of its seed.
    pub fn derive(ring: &KeyRing, organisation: &[u8; 32]) -> Self {
        let derived = ring.0.iter().map(|master| {
            let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, organisation);
            let extracted = salt.extract(master.bytes.as_ref());
            let key = |purpose: &[u8]| expand(&extracted, purpose);
            Derived {
                id: master.id,
                client_id: aead_key(&key(b"aldis client id 1")),
                client_secret: hmac::Key::new(hmac::HMAC_SHA256, key(b"aldis client secret 1").as_ref()),
                session_token: aead_key(&key(b"aldis session token 1")),
                role_key: hmac::Key::new(hmac::HMAC_SHA256, key(b"aldis role key 1").as_ref()),
                form_token: hmac::Key::new(hmac::HMAC_SHA256, key(b"aldis form token 1").as_ref()),
            }
        });
        Self { organisation: *organisation, keys: derived.collect() }
    }

    /// The hash of the organisation for which the keys were derived. Whatever a store keeps is found by it, too, so that
    /// what one organisation kept is nothing to another on the same store.
    pub fn organisation(&self) -> &[u8; 32] {
        &self.organisation
    }

    /// The client id that is this registration.
    pub fn seal_registration(&self, call: &Call<'_>, registration: &Registration) -> String {
        self.keys
            .first()
            .map_or_else(String::new, |key| seal(call, key.id, &key.client_id, &registration.to_bytes()))
    }

    /// The registration that is this client id; nothing where it was not sealed here.
    pub fn open_registration(&self, client_id: &str) -> Option<Registration> {
        Registration::from_bytes(&self.open(client_id, |key| &key.client_id)?)
    }

    /// The secret of a client id: a MAC of it, under the master key that sealed it.
    pub fn client_secret(&self, client_id: &str) -> Option<Secret> {
        let key = self.key_of(&URL_SAFE_NO_PAD.decode(client_id).ok()?)?;
        let tag = hmac::sign(&key.client_secret, client_id.as_bytes());
        Some(Secret::new(URL_SAFE_NO_PAD.encode(tag.as_ref())))
    }

    /// The session token that is these claims.
    pub fn seal_role(&self, call: &Call<'_>, claims: &RoleClaims) -> Secret {
        // A struct of texts and a number always becomes JSON.
        let bytes = serde_json::to_vec(claims).unwrap_or_default();
        Secret::new(
            self.keys.first().map_or_else(String::new, |key| seal(call, key.id, &key.session_token, &bytes)),
        )
    }

    /// The claims that are this session token; nothing where it was not sealed here.
    pub fn open_role(&self, session_token: &str) -> Option<RoleClaims> {
        serde_json::from_slice(&self.open(session_token, |key| &key.session_token)?).ok()
    }

    /// The secret key that goes with an access key id in a session token: 40 characters, never stored.
    pub fn role_secret(&self, session_token: &str, access_key_id: &str) -> Option<Secret> {
        let key = self.key_of(&URL_SAFE_NO_PAD.decode(session_token).ok()?)?;
        let tag = hmac::sign(&key.role_key, access_key_id.as_bytes());
        Some(Secret::new(STANDARD.encode(&tag.as_ref()[..30])))
    }

    /// What a form carries to show that it was given to the browser with this cookie: a MAC of the cookie's value (S26).
    pub fn form_token(&self, cookie: &Secret) -> Secret {
        let tag = self.keys.first().map(|key| hmac::sign(&key.form_token, cookie.expose().as_bytes()));
        Secret::new(tag.map_or_else(String::new, |tag| URL_SAFE_NO_PAD.encode(tag.as_ref())))
    }

    /// Whether a form's token goes with a cookie. One that was given out before a new key was put in front still does.
    pub fn is_form_token(&self, cookie: &Secret, token: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(token) else { return false };
        let cookie = cookie.expose().as_bytes();
        self.keys.iter().any(|key| hmac::verify(&key.form_token, cookie, &tag).is_ok())
    }

    fn key_of(&self, sealed: &[u8]) -> Option<&Derived> {
        let id = sealed.first()?;
        self.keys.iter().find(|key| key.id == *id)
    }

    fn open(&self, sealed: &str, purpose: impl Fn(&Derived) -> &LessSafeKey) -> Option<Vec<u8>> {
        // Nothing that is sealed here comes near this length.
        if sealed.len() > 4096 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        unlock(purpose(self.key_of(&bytes)?), bytes.get(1..)?, &bytes[..1])
    }
}

/// Encrypts the answer to the use of a refresh token under a key that only that token gives.
pub fn seal_reply(call: &Call<'_>, used_token: &Secret, reply: &[u8]) -> Vec<u8> {
    lock(call, &reply_key(used_token), reply, b"aldis kept reply 1")
}

/// Decrypts what [`seal_reply`] encrypted under the same token.
pub fn open_reply(used_token: &Secret, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    unlock(&reply_key(used_token), sealed, b"aldis kept reply 1").map(Zeroizing::new)
}

fn reply_key(used_token: &Secret) -> LessSafeKey {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"aldis").extract(used_token.expose().as_bytes());
    aead_key(&expand(&extracted, b"aldis kept reply 1"))
}

fn expand(extracted: &hkdf::Prk, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    // Thirty-two bytes are within what HKDF-SHA256 gives, so neither step can fail.
    let filled = extracted.expand(&[purpose], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(key.as_mut()));
    debug_assert!(filled.is_ok());
    key
}

#[allow(
    clippy::expect_used,
    reason = "AES-256 takes every key of 32 bytes, and the type says that it is one"
)]
fn aead_key(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of 32 bytes"))
}

fn seal(call: &Call<'_>, id: u8, key: &LessSafeKey, text: &[u8]) -> String {
    let mut sealed = vec![id];
    sealed.extend(lock(call, key, text, &[id]));
    URL_SAFE_NO_PAD.encode(sealed)
}

/// Nonce, then text and tag.
fn lock(call: &Call<'_>, key: &LessSafeKey, text: &[u8], aad: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_LEN] = call.random();
    let mut sealed = text.to_vec();
    if key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut sealed).is_err()
    {
        // Only a text beyond 64 GiB gets here; better nothing than the text in clear.
        sealed.clear();
    }
    [&nonce[..], &sealed].concat()
}

fn unlock(key: &LessSafeKey, sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut text = sealed.to_vec();
    let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut text).ok()?;
    Some(opened.to_vec())
}
