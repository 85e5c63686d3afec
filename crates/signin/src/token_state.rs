//! The state of a sign-in: can its token be used, can it be renewed, or does only a new sign-in help? Every command decides by
//! [`TokenState::step`], and `status` shows the same state, so that no two of them disagree.

use aws_formats::sso_cache::Token;
use jiff::Timestamp;

use crate::family::Refused;

/// The next step with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The token is used as it is.
    Use,
    /// The token is renewed.
    Refresh,
    /// Only a sign-in helps.
    SignIn,
}

/// The state of a token at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenState {
    /// The token has not ended, and the portal has not refused it.
    pub is_usable: bool,
    /// Less than a quarter of an hour is left of it.
    pub is_due: bool,
    /// There is a refresh token whose registration has not ended, and the center has not refused it.
    pub is_renewable: bool,
    /// The parts that the center refused.
    pub refused: Refused,
}

impl TokenState {
    /// The state of `token` at `now`, given what its center has refused.
    pub fn new(token: &Token, refused: Refused, now: Timestamp) -> Self {
        Self {
            is_usable: token.is_valid_at(now) && !refused.access,
            is_due: token.is_due_for_refresh_at(now) || refused.access,
            is_renewable: token.renewal_at(now).is_some() && !refused.refresh,
            refused,
        }
    }

    /// Decides what to do with the token.
    pub fn step(self) -> Step {
        match self {
            Self { is_usable: true, is_due: false, .. } => Step::Use,
            Self { is_renewable: true, .. } => Step::Refresh,
            Self { is_usable: true, .. } => Step::Use,
            _ => Step::SignIn,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use aws_formats::sso_cache::token::Renewal;
    use jiff::SignedDuration;
    use proptest::prelude::*;

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

    fn step(left: i64, registration: Option<i64>, access: bool, refresh: bool) -> Step {
        TokenState::new(&token(left, registration), Refused { access, refresh }, at(0)).step()
    }

    #[test]
    fn tokens_are_renewed_in_their_last_quarter_of_an_hour() {
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
            assert_eq!(step(left, registration, false, false), expected, "{left} {registration:?}");
        }
    }

    #[test]
    fn a_refused_token_is_renewed_once_and_then_over() {
        let table = [
            (3600, Some(9000), true, false, Step::Refresh),
            (3600, Some(9000), true, true, Step::SignIn),
            (3600, Some(0), true, false, Step::SignIn),
            (3600, None, true, false, Step::SignIn),
            // A refresh token that was refused is not presented again, and the access token is used to its end.
            (60, Some(9000), false, true, Step::Use),
            (0, Some(9000), false, true, Step::SignIn),
        ];
        for (left, registration, access, refresh, expected) in table {
            assert_eq!(step(left, registration, access, refresh), expected, "{left} {access} {refresh}");
        }
    }

    proptest! {
        #[test]
        fn only_usable_tokens_are_used_and_only_renewable_ones_are_renewed(
            left in -2000i64..4000, registration in proptest::option::of(-100i64..100),
            access: bool, refresh: bool,
        ) {
            let state = TokenState::new(&token(left, registration), Refused { access, refresh }, at(0));
            let (is_valid, can_renew) = (left > 0 && !access, registration.is_some_and(|left| left > 0) && !refresh);
            match state.step() {
                Step::Use => prop_assert!(is_valid),
                Step::Refresh => prop_assert!(can_renew && (left < 900 || access)),
                Step::SignIn => prop_assert!(!is_valid && !can_renew),
            }
        }
    }
}
