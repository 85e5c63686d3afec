//! How things stand with a sign-in, by its token file alone: nobody is asked.

use std::io;
use std::path::{Path, PathBuf};

use aws_formats::sso_cache::{CacheError, Issued, Token};
use center_client::start_url;
use wire::words::shown_address;
use jiff::Timestamp;
use outside::Clock;

use crate::session::Target;
use crate::store::{Store, Torn};

/// How a sign-in stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The token is valid.
    SignedIn {
        /// When it ends.
        expires_at: Timestamp,
        /// Until when it is renewed by itself, at the latest: the center may end the session before. Nothing where its end
        /// is a hard stop.
        renews_until: Option<Timestamp>,
    },
    /// The token is over, and the next use renews it.
    Renewable {
        /// When it ended.
        expired_at: Timestamp,
        /// Until when it can be renewed, at the latest.
        renews_until: Timestamp,
    },
    /// It is over.
    Expired {
        /// Since when.
        expired_at: Timestamp,
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

impl Standing {
    /// How a token stands.
    pub fn of(token: &Token, now: Timestamp) -> Self {
        let renews_until = token.renewal_at(now).map(|renewal| renewal.registration_expires_at);
        let expires_at = token.expires_at;
        match renews_until {
            renews_until if token.is_valid_at(now) => Self::SignedIn { expires_at, renews_until },
            Some(renews_until) => Self::Renewable { expired_at: expires_at, renews_until },
            None => Self::Expired { expired_at: expires_at },
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

/// How the sign-in to `target` stands, whose files lie below `home`.
pub fn of(target: &Target, home: &Path, clock: &Clock) -> Stand {
    let store = Store::new(home);
    let standing = match store.read_token(target, clock) {
        Ok(None) => Standing::NotSignedIn,
        Ok(Some(token)) => match &token.start_url {
            Some(start_url) if !start_url::is_same(start_url, &target.center.start_url) => {
                Standing::OtherStartUrl { start_url: wire::words::printable(&shown_address(start_url), 300) }
            }
            _ => Standing::of(&token, clock.now()),
        },
        Err(Torn::Text) => Standing::Unreadable { why: "it cannot be understood".to_owned() },
        Err(Torn::System(error)) => Standing::Unreadable { why: error.to_string() },
    };
    Stand { path: store.token_path(target), standing }
}

/// A token that the configuration does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The start URL that it names.
    pub start_url: Option<String>,
    /// Where it lies and how it stands.
    pub stand: Stand,
}

/// Every token in the SSO cache below `home` whose path `is_known` does not accept. Files without a token are passed over;
/// torn ones are not, for nobody can tell.
///
/// # Errors
/// Whatever the system says to the folder.
pub fn others(home: &Path, clock: &Clock, is_known: impl Fn(&Path) -> bool) -> io::Result<Vec<Other>> {
    let store = Store::new(home);
    let mut others = Vec::new();
    for path in store.sso_files()?.into_iter().filter(|path| !is_known(path)) {
        let unreadable = |why: &dyn std::fmt::Display| Standing::Unreadable { why: why.to_string() };
        let (start_url, standing) = match store.read_whole(&path, clock, issued_and_token) {
            Ok(None | Some(Ok(None))) => continue,
            Ok(Some(Ok(Some((start_url, Ok(token)))))) => (start_url, Standing::of(&token, clock.now())),
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
    use crate::flow::refresh::tests::{at, token};
    use outside::shelf;

    #[test]
    fn a_token_stands_by_its_end_and_by_what_renews_it() {
        let now = at(0);
        let signed_in = |left, renews: Option<i64>| Standing::SignedIn {
            expires_at: at(left),
            renews_until: renews.map(at),
        };
        let table = [
            (1, None, signed_in(1, None)),
            (1, Some(0), signed_in(1, None)),
            (1, Some(9), signed_in(1, Some(9))),
            (0, Some(9), Standing::Renewable { expired_at: at(0), renews_until: at(9) }),
            (0, Some(0), Standing::Expired { expired_at: at(0) }),
            (-1, None, Standing::Expired { expired_at: at(-1) }),
        ];
        for (left, registration, expected) in table {
            assert_eq!(Standing::of(&token(left, registration), now), expected, "{left} {registration:?}");
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
        let found = others(home.path(), &Clock::system(), |path| path == known).unwrap();
        let paths: Vec<_> = found.iter().map(|other| other.stand.path.clone()).collect();
        assert_eq!(paths, [other, half, torn]);
        assert_eq!(found[0].start_url.as_deref(), Some("https://x/start"));
        assert!(matches!(found[0].stand.standing, Standing::Expired { .. }));
        assert!(matches!(found[1].stand.standing, Standing::Unreadable { .. }));
        assert!(matches!(found[2].stand.standing, Standing::Unreadable { .. }));
    }
}
