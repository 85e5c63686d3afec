//! The authorization code grant as it travels in addresses: the question at `/authorize` and the answer at the redirect URI
//! (RFC 6749 section 4.1, with PKCE as in RFC 7636 and `iss` as in RFC 9207).

use percent_encoding::utf8_percent_encode;

use crate::sigv4::UNRESERVED;

/// Path of the question below the address of SSO OIDC, a GET; no operation of AWS's service model.
pub const PATH: &str = "/authorize";
/// The only `response_type`.
pub const RESPONSE_TYPE_CODE: &str = "code";
/// The only `code_challenge_method`: the SHA-256 hash of the verifier.
pub const CHALLENGE_METHOD_S256: &str = "S256";

/// How a question is refused at the redirect URI (RFC 6749 section 4.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizeError {
    /// A parameter is missing, repeated or meaningless.
    InvalidRequest,
    /// The client did not register for this grant.
    UnauthorizedClient,
    /// The person said no.
    AccessDenied,
    /// Something else than a code is asked for.
    UnsupportedResponseType,
    /// A scope that is not known here, or that the client did not register.
    InvalidScope,
}

impl AuthorizeError {
    /// The `error` in the redirect.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
        }
    }
}

/// An address that has no query yet, with this one. Whatever the values hold, the query is letters, digits and
/// `-._~%=&`, so it may stand in a header, in a page, or between quotes in a command line.
pub fn with_query(address: &str, pairs: &[(&str, &str)]) -> String {
    let mut text = address.to_owned();
    for (place, (name, value)) in pairs.iter().enumerate() {
        text.push(if place == 0 { '?' } else { '&' });
        text.extend(utf8_percent_encode(name, UNRESERVED));
        text.push('=');
        text.extend(utf8_percent_encode(value, UNRESERVED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::with_query;

    #[test]
    fn a_query_holds_nothing_that_means_something_elsewhere() {
        let address = with_query(
            "http://127.0.0.1:1/oauth/callback",
            &[("state", "a b'c\"&=#\r\n<ü"), ("code", "-._~")],
        );
        let expected = "?state=a%20b%27c%22%26%3D%23%0D%0A%3C%C3%BC&code=-._~";
        assert_eq!(address, format!("http://127.0.0.1:1/oauth/callback{expected}"));
        assert_eq!(with_query("http://127.0.0.1", &[]), "http://127.0.0.1");
    }
}
