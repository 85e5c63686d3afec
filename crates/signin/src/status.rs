//! The state of each sign-in, by its files alone: no request is sent.

use std::io;
use std::path::{Path, PathBuf};

use aws_formats::sso_cache::{CacheError, Issued, Token};
use center_client::start_url;
use jiff::Timestamp;
use outside::shelf;
use wire::words::shown_address;

use crate::family::Refused;
use crate::session::Target;
use crate::sign_out::Shelves;
use crate::store::Torn;
use crate::token_state::{Step, TokenState};

/// How a sign-in stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The token is valid.
    SignedIn {
        /// When it ends.
        expires_at: Timestamp,
        /// The consequence of its end.
        renewal: Renewal,
    },
    /// The token is over, or was refused, and the next use renews it.
    Renewable {
        /// When it ends or ended.
        expired_at: Timestamp,
    },
    /// It is over.
    Expired {
        /// Since when; in the future if the center ended it before.
        expired_at: Timestamp,
        /// Other facts about its end.
        end: End,
    },
    /// There is no token.
    NotSignedIn,
    /// The token was given for another start URL than the one that is configured.
    OtherStartUrl {
        /// For which it was given.
        start_url: String,
    },
    /// The token file cannot be used.
    Unreadable {
        /// Why not.
        why: String,
    },
}

/// The consequence of the end of a valid token. Until when a session lasts no center tells: the registration of the client, whose end
/// the token file holds, lasts for weeks beyond it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// It is renewed by the next command, as long as the session at the center lasts.
    Automatic,
    /// There is nothing to renew it with: its end is a hard stop.
    None,
    /// The center refused to renew it.
    Refused,
    /// It could be renewed, but not here, because its successor could not be written to the token file.
    NotHere {
        /// The words of the system.
        why: String,
    },
}

/// Why a sign-in is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Its time is over, and nothing renews it any more.
    Expired,
    /// The center does not accept it any more.
    Refused,
    /// It could be renewed, but not here.
    NotHere {
        /// The words of the system.
        why: String,
    },
}

impl Standing {
    /// The standing of a token. `may_write` tells whether its successor could be kept; it is asked only if there may be one.
    pub fn of(
        token: &Token,
        refused: Refused,
        now: Timestamp,
        may_write: impl FnOnce() -> io::Result<()>,
    ) -> Self {
        let state = TokenState::new(token, refused, now);
        let not_here = || may_write().err().map(|error| error.to_string());
        let expires_at = token.expires_at;
        match state.step() {
            Step::Refresh if !state.is_usable => match not_here() {
                None => Self::Renewable { expired_at: expires_at },
                Some(why) => Self::Expired { expired_at: expires_at, end: End::NotHere { why } },
            },
            Step::SignIn if refused.access || refused.refresh => {
                Self::Expired { expired_at: expires_at, end: End::Refused }
            }
            Step::SignIn => Self::Expired { expired_at: expires_at, end: End::Expired },
            Step::Use | Step::Refresh => {
                let renewal = match state {
                    TokenState { is_renewable: true, .. } => match not_here() {
                        None => Renewal::Automatic,
                        Some(why) => Renewal::NotHere { why },
                    },
                    _ if refused.refresh => Renewal::Refused,
                    _ => Renewal::None,
                };
                Self::SignedIn { expires_at, renewal }
            }
        }
    }
}

/// A token file, and how the sign-in in it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    /// Where the token lies, or would lie.
    pub path: PathBuf,
    /// How it stands.
    pub standing: Standing,
}

/// The standing of the sign-in to `target`.
pub fn of(target: &Target, shelves: &Shelves) -> Stand {
    let path = shelves.token_path(target);
    let standing = match shelves.store.read_token(target, &shelves.clock) {
        Ok(None) => Standing::NotSignedIn,
        Ok(Some(token)) => match &token.start_url {
            Some(start_url) if !start_url::is_same(start_url, &target.center.start_url) => {
                Standing::OtherStartUrl { start_url: wire::words::printable(&shown_address(start_url), 300) }
            }
            _ => standing(&token, &path, shelves),
        },
        Err(Torn::Text) => Standing::Unreadable { why: "it cannot be understood".to_owned() },
        Err(Torn::System(error)) => Standing::Unreadable { why: error.to_string() },
    };
    Stand { path, standing }
}

fn standing(token: &Token, path: &Path, shelves: &Shelves) -> Standing {
    let refused = shelves.store.read_known(path).map(|known| known.refused(token)).unwrap_or_default();
    Standing::of(token, refused, shelves.clock.now(), || {
        shelf::check_replaceable(path, shelves.store.state())
    })
}

/// A token that the configuration does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The start URL that it names.
    pub start_url: Option<String>,
    /// Where it lies and how it stands.
    pub stand: Stand,
}

/// Every token in the SSO cache whose path `is_known` does not accept. Files without a token are passed over;
/// torn ones are not, for nobody can tell.
///
/// # Errors
/// Whatever the system says to the folder.
pub fn others(shelves: &Shelves, is_known: impl Fn(&Path) -> bool) -> io::Result<Vec<Other>> {
    let (store, clock) = (&shelves.store, &shelves.clock);
    let mut others = Vec::new();
    for path in store.sso_files()?.into_iter().filter(|path| !is_known(path)) {
        let unreadable = |why: &dyn std::fmt::Display| Standing::Unreadable { why: why.to_string() };
        let (start_url, standing) = match store.read_whole(&path, clock, issued_and_token) {
            Ok(None | Some(Ok(None))) => continue,
            Ok(Some(Ok(Some((start_url, Ok(token)))))) => (start_url, standing(&token, &path, shelves)),
            Ok(Some(Ok(Some((start_url, Err(error)))))) => (start_url, unreadable(&error)),
            Ok(Some(Err(error))) => (None, unreadable(&error)),
            Err(error) => (None, unreadable(&error)),
        };
        others.push(Other { start_url, stand: Stand { path, standing } });
    }
    Ok(others)
}

/// The start URL of a token file, and the token as far as it is one.
type IssuedAndToken = (Option<String>, Result<Token, CacheError>);

fn issued_and_token(file: &str) -> Result<Option<IssuedAndToken>, CacheError> {
    Ok(Issued::parse(file)?.map(|issued| (issued.start_url, Token::parse(file))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token_state::tests::{at, token};
    use outside::Clock;
    use proptest::prelude::*;

    fn stand(left: i64, registration: Option<i64>, refused: Refused, is_writable: bool) -> Standing {
        let may_write = || match is_writable {
            true => Ok(()),
            false => Err(io::Error::other("read-only")),
        };
        Standing::of(&token(left, registration), refused, at(0), may_write)
    }

    #[test]
    fn a_token_stands_by_its_end_by_what_renews_it_and_by_what_was_refused() {
        let refused = |access, refresh| Refused { access, refresh };
        let none = refused(false, false);
        let signed_in = |left, renewal| Standing::SignedIn { expires_at: at(left), renewal };
        let expired = |left, end| Standing::Expired { expired_at: at(left), end };
        let why = || "read-only".to_owned();
        let table = [
            (1, None, none, true, signed_in(1, Renewal::None)),
            (1, Some(0), none, true, signed_in(1, Renewal::None)),
            (1, Some(9), none, true, signed_in(1, Renewal::Automatic)),
            (1, Some(9), none, false, signed_in(1, Renewal::NotHere { why: why() })),
            (1, None, none, false, signed_in(1, Renewal::None)),
            (1, Some(9), refused(false, true), true, signed_in(1, Renewal::Refused)),
            (0, Some(9), none, true, Standing::Renewable { expired_at: at(0) }),
            (0, Some(9), none, false, expired(0, End::NotHere { why: why() })),
            (9, Some(9), refused(true, false), true, Standing::Renewable { expired_at: at(9) }),
            (9, Some(9), refused(true, true), true, expired(9, End::Refused)),
            (9, None, refused(true, false), true, expired(9, End::Refused)),
            (0, Some(9), refused(false, true), true, expired(0, End::Refused)),
            (0, Some(0), none, true, expired(0, End::Expired)),
            (-1, None, none, true, expired(-1, End::Expired)),
        ];
        for (left, registration, refused, is_writable, expected) in table {
            let found = stand(left, registration, refused, is_writable);
            assert_eq!(found, expected, "{left} {registration:?} {refused:?} {is_writable}");
        }
    }

    proptest! {
        #[test]
        fn status_says_what_a_command_would_do(
            left in -2000i64..4000, registration in proptest::option::of(-100i64..100),
            access: bool, refresh: bool, is_writable: bool,
        ) {
            let refused = Refused { access, refresh };
            let state = TokenState::new(&token(left, registration), refused, at(0));
            match stand(left, registration, refused, is_writable) {
                Standing::SignedIn { .. } => prop_assert!(state.is_usable),
                Standing::Renewable { .. } => {
                    prop_assert!(!state.is_usable && is_writable);
                    prop_assert_eq!(state.step(), Step::Refresh);
                }
                Standing::Expired { end: End::NotHere { .. }, .. } => {
                    prop_assert!(!state.is_usable && !is_writable);
                    prop_assert_eq!(state.step(), Step::Refresh);
                }
                Standing::Expired { .. } => prop_assert_eq!(state.step(), Step::SignIn),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn tokens_that_nobody_knows_are_found_by_what_they_hold() {
        let home = tempfile::tempdir().unwrap();
        let keep = |name: &str, text: &str| {
            let path = home.path().join(".aws/sso/cache").join(name);
            shelf::keep(&path, text.as_bytes()).unwrap();
            path
        };
        let token =
            r#"{"startUrl": "https://x/start", "accessToken": "aoa", "expiresAt": "2020-01-01T00:00:00Z"}"#;
        let known = keep("a.json", token);
        let other = keep("b.json", token);
        keep("c.json", r#"{"clientId": "c"}"#);
        let half = keep("d.json", r#"{"accessToken": "aoa", "expiresAt": "never"}"#);
        let torn = keep("e.json", "{");
        let shelves = Shelves::new(home.path(), outside::state::OwnState::default(), &Clock::system());
        let found = others(&shelves, |path| path == known).unwrap();
        let paths: Vec<_> = found.iter().map(|other| other.stand.path.clone()).collect();
        assert_eq!(paths, [other, half, torn]);
        assert_eq!(found[0].start_url.as_deref(), Some("https://x/start"));
        assert!(matches!(found[0].stand.standing, Standing::Expired { .. }));
        assert!(matches!(found[1].stand.standing, Standing::Unreadable { .. }));
        assert!(matches!(found[2].stand.standing, Standing::Unreadable { .. }));
    }
}
