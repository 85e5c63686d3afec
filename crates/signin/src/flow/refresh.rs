//! When a token is renewed, and what a failure to do so means.

use aws_formats::sso_cache::Token;
use center_client::CallError;
use jiff::Timestamp;
use wire::oidc::OidcError;

/// What to do with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is good as it is.
    Use,
    /// It should be renewed, and can be.
    Refresh,
    /// It is over, and nothing can renew it.
    SignIn,
}

/// What to do with this token now.
pub fn step(token: &Token, now: Timestamp) -> Step {
    if !token.is_due_for_refresh_at(now) {
        Step::Use
    } else if token.renewal_at(now).is_some() {
        Step::Refresh
    } else if token.is_valid_at(now) {
        Step::Use
    } else {
        Step::SignIn
    }
}

/// Whether a failed refresh means that the sign-in is over, so that only a new one helps: everything else may pass.
pub fn ends_the_sign_in(error: &CallError) -> bool {
    let over = [
        OidcError::InvalidGrant,
        OidcError::InvalidClient,
        OidcError::ExpiredToken,
        OidcError::AccessDenied,
        OidcError::UnauthorizedClient,
        OidcError::UnsupportedGrantType,
    ];
    error.refusal().is_some_and(|refusal| over.iter().any(|error| refusal.is_oidc(*error)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use aws_formats::sso_cache::token::Renewal;
    use jiff::SignedDuration;

    /// So many seconds after the moment of these tests.
    pub(crate) fn at(seconds: i64) -> Timestamp {
        let moment: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        moment + SignedDuration::from_secs(seconds)
    }

    /// A token that ends after `left` seconds, and what renews it if its registration ends after so many.
    pub(crate) fn token(left: i64, registration: Option<i64>) -> Token {
        Token {
            start_url: None,
            region: None,
            access_token: "aoa".into(),
            expires_at: at(left),
            renewal: registration.map(|left| Renewal {
                client_id: "id".into(),
                client_secret: "secret".into(),
                registration_expires_at: at(left),
                refresh_token: "aor".into(),
            }),
            others: Default::default(),
        }
    }

    #[test]
    fn tokens_are_renewed_in_their_last_quarter_of_an_hour() {
        let now = at(0);
        let table = [
            (900, Some(1), Step::Use),
            (899, Some(1), Step::Refresh),
            (899, Some(0), Step::Use),
            (899, None, Step::Use),
            (1, None, Step::Use),
            (0, None, Step::SignIn),
            (-1, Some(-1), Step::SignIn),
            (-1, Some(1), Step::Refresh),
        ];
        for (left, registration, expected) in table {
            assert_eq!(step(&token(left, registration), now), expected, "{left} {registration:?}");
        }
    }
}
