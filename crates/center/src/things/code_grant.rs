//! A client that was let in through a browser (RFC 6749 section 4.1, with PKCE), from its code to its token.
//!
//! 1. The client hashes a secret of its own, the verifier, into a challenge, and opens `/authorize` in a browser with the
//!    challenge and its redirect URI (`authorize`, RFC 7636 section 4.3).
//! 2. A faulty question is refused at once. A good one waits for a person in its browser; nothing is kept of it here.
//! 3. Somebody approves it: a grant is made, and its code goes to the redirect URI (`authorize`, RFC 6749 section 4.1.2).
//! 4. The client exchanges the code, and proves with the verifier that the question was its own (`token_by_code`, RFC 7636
//!    section 4.5). The grant notes the session that it gave.
//! 5. Whoever could exchange the code a second time gets nothing, and that session ends: one of the two stole it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use wire::Secret;

use crate::things::client::Scopes;
use crate::things::handle::{ClientHash, Handle};

/// The longest life of a code (RFC 6749 section 4.1.2).
pub const LONGEST_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// A code grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeGrant {
    /// The handle of its code.
    pub handle: Handle,
    /// Which client asked; only this one may exchange the code.
    pub client: ClientHash,
    /// Where the code was sent, with the very port.
    pub redirect_uri: String,
    /// The hash of the client's verifier.
    pub challenge: String,
    /// What the token will be good for.
    pub scopes: Scopes,
    /// The id that ties everything of this sign-in together in the audit log.
    pub workflow: String,
    /// Who approved; the session will be theirs.
    pub person: String,
    /// From which address it was approved; none where no browser was asked.
    pub approved_from: Option<String>,
    /// When the code ends.
    pub expires_at: Timestamp,
    /// The session that the code gave, once it was exchanged.
    pub session: Option<String>,
}

/// Whether a text can be a challenge of the method S256: a SHA-256 hash in base64url without padding.
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a text can be a verifier: 43 to 128 unreserved characters (RFC 7636 section 4.1).
pub fn is_verifier(text: &Secret) -> bool {
    let text = text.expose();
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// The challenge of a verifier by the method S256.
pub fn challenge_of(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_the_example_of_rfc_7636_appendix_b() {
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert!(is_verifier(&verifier));
        let challenge = challenge_of(&verifier);
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(&challenge));
        for text in
            ["", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", &format!("{challenge}="), &"+".repeat(43)]
        {
            assert!(!is_challenge(text), "{text}");
        }
    }

    #[test]
    fn s15_verifiers_have_43_to_128_unreserved_characters() {
        for (text, expected) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("-._~".repeat(32), true),
            ("a".repeat(129), false),
            (format!("{}+", "a".repeat(43)), false),
            (format!("{}ü", "a".repeat(43)), false),
        ] {
            assert_eq!(is_verifier(&Secret::new(text.clone())), expected, "{text}");
        }
    }
}
