//! Proof key for code exchange (RFC 7636), method S256 only: a client keeps a verifier to itself and sends its hash, the
//! challenge, through the browser. Whoever reads the challenge on its way cannot exchange the code.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Secret;
use crate::words::base64_url;

/// The verifier of 256 random bits: 43 characters of base64url (section 4.1).
pub fn verifier(random: &[u8; 32]) -> Secret {
    Secret::new(base64_url(random))
}

/// The challenge of a verifier by the method S256 (section 4.2): 43 characters of base64url, without padding.
pub fn challenge(verifier: &Secret) -> String {
    base64_url(&Sha256::digest(verifier.expose().as_bytes()))
}

/// Whether a verifier is the one of a challenge (section 4.6).
pub fn is_answered(challenge_asked: &str, verifier: &Secret) -> bool {
    challenge(verifier).as_bytes().ct_eq(challenge_asked.as_bytes()).into()
}

/// Whether a text can be a challenge of the method S256: a SHA-256 hash in base64url without padding.
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a text can be a verifier: 43 to 128 unreserved characters (section 4.1).
pub fn is_verifier(text: &Secret) -> bool {
    let text = text.expose();
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_c7_the_example_of_rfc_7636_appendix_b() {
        let octets = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
            214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = verifier(&octets);
        assert_eq!(verifier, Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(is_verifier(&verifier));
        let challenge = challenge(&verifier);
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(&challenge) && is_answered(&challenge, &verifier));
        assert!(!is_answered(&challenge, &Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl")));
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
