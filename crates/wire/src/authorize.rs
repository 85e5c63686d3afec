//! The authorization code grant as it travels in addresses: the question at `/authorize` and the answer at the redirect URI
//! (RFC 6749 section 4.1, with PKCE as in RFC 7636 and `iss` as in RFC 9207).

use percent_encoding::{percent_decode_str, utf8_percent_encode};

use crate::Secret;
use crate::sigv4::UNRESERVED;

/// Path of the question below the address of SSO OIDC, a GET; no operation of AWS's service model.
pub const PATH: &str = "/authorize";
/// The only `response_type`.
pub const RESPONSE_TYPE_CODE: &str = "code";
/// The only `code_challenge_method`: the SHA-256 hash of the verifier.
pub const CHALLENGE_METHOD_S256: &str = "S256";

/// Path of the answer on the machine of the browser, as the AWS CLI registers it.
pub const CALLBACK_PATH: &str = "/oauth/callback";
/// The redirect URI of a program that learns its port only when it runs (RFC 8252 section 7.3).
pub const REDIRECT_URI: &str = "http://127.0.0.1/oauth/callback";

/// The redirect URI with the port on which a program listens.
pub fn redirect_uri(port: u16) -> String {
    format!("http://127.0.0.1:{port}{CALLBACK_PATH}")
}

/// A client's question, in the words and in the order of the AWS CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// Who asks.
    pub client_id: &'a str,
    /// Where the answer goes, with the port.
    pub redirect_uri: &'a str,
    /// What the answer repeats.
    pub state: &'a str,
    /// What is asked for; nothing for all that was registered.
    pub scopes: Option<&'a [String]>,
    /// The hash of the verifier.
    pub challenge: &'a str,
}

impl Question<'_> {
    /// The address to open in a browser, at the question's own address.
    pub fn address(&self, authorize: &str) -> String {
        let scopes = self.scopes.map(|scopes| scopes.join(" "));
        let mut pairs = vec![
            ("response_type", RESPONSE_TYPE_CODE),
            ("client_id", self.client_id),
            ("redirect_uri", self.redirect_uri),
            ("state", self.state),
            ("code_challenge_method", CHALLENGE_METHOD_S256),
        ];
        // AWS spells it in the plural.
        pairs.extend(scopes.as_deref().map(|scopes| ("scopes", scopes)));
        pairs.push(("code_challenge", self.challenge));
        with_query(authorize, &pairs)
    }
}

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

/// What a browser brings to the redirect URI (RFC 6749 section 4.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The `state` of the question that it answers.
    pub state: Option<Secret>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
    /// The code, or why there is none.
    pub outcome: Result<Secret, Denial>,
}

/// A question that was refused at the redirect URI (RFC 6749 section 4.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// `error`, as it came.
    pub error: String,
    /// `error_description`, as it came.
    pub description: Option<String>,
}

impl Answer {
    /// Reads a query. Nothing where it is no answer: without a code and an error, with both, or with a member that comes
    /// twice.
    pub fn read(query: &str) -> Option<Self> {
        let mut members = pairs(query)?;
        let repeats = |at: usize| members[..at].iter().any(|(name, _)| *name == members[at].0);
        if (1..members.len()).any(repeats) {
            return None;
        }
        let mut take = |name: &str| {
            let place = members.iter().position(|(member, value)| member == name && !value.is_empty())?;
            Some(members.swap_remove(place).1)
        };
        let outcome = match (take("code"), take("error")) {
            (Some(code), None) => Ok(Secret::new(code)),
            (None, Some(error)) => Err(Denial { error, description: take("error_description") }),
            _ => return None,
        };
        Some(Self { state: take("state").map(Secret::new), iss: take("iss"), outcome })
    }
}

/// The decoded pairs of a query; nothing where a value is no UTF-8.
fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
    };
    let members = query.split('&').filter(|member| !member.is_empty());
    members
        .map(|member| {
            let (name, value) = member.split_once('=').unwrap_or((member, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
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
    use super::{Answer, Question, with_query};

    #[test]
    fn answers_are_read_and_riddles_are_none() {
        let answer = Answer::read("code=a%2Bb&state=s&iss=http%3A%2F%2Fh&other=x").unwrap();
        assert_eq!(answer.outcome.unwrap().expose(), "a+b");
        assert_eq!((answer.state.unwrap().expose(), answer.iss.as_deref()), ("s", Some("http://h")));
        let answer = Answer::read("error=access_denied&error_description=No+thanks&state=s").unwrap();
        let denial = answer.outcome.unwrap_err();
        assert_eq!(
            (denial.error.as_str(), denial.description.as_deref()),
            ("access_denied", Some("No thanks"))
        );
        let wordless = Answer::read("error=x&").unwrap();
        assert_eq!((wordless.state, wordless.outcome.unwrap_err().description), (None, None));
        for riddle in [
            "",
            "state=s",
            "code=",
            "code=a&error=b&state=s",
            "code=a&code=b",
            "code=a&state=s&state=s",
            "code=%FF",
            "&&",
        ] {
            assert_eq!(Answer::read(riddle), None, "{riddle}");
        }
    }

    #[test]
    fn a_question_is_asked_as_the_aws_cli_asks_it() {
        let scopes = ["sso:account:access".to_owned()];
        let question = Question {
            client_id: "id",
            redirect_uri: &super::redirect_uri(38381),
            state: "5b9d",
            scopes: Some(&scopes),
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        };
        assert_eq!(
            question.address("http://h/authorize"),
            "http://h/authorize?response_type=code&client_id=id\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A38381%2Foauth%2Fcallback&state=5b9d&code_challenge_method=S256\
             &scopes=sso%3Aaccount%3Aaccess&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        let legacy = Question { scopes: None, ..question };
        assert!(!legacy.address("http://h/authorize").contains("scope"));
    }

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
