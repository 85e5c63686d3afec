//! Token families: the tokens that came from one sign-in, each renewed from the one before. Cached role credentials belong to
//! the family whose token fetched them, and are used with no other: the next sign-in may be another person's.
//!
//! The AWS CLI's files do not say from which sign-in a token or a credential came, and no member of ours may be added to them.
//! So our own state keeps hashes of them (`aldis/tokens`, `aldis/roles`). A token that is not on record was written by another
//! tool. Whether that tool refreshed the token or signed somebody in cannot be told: the client id is the same in both cases.
//! It counts as a sign-in, because a needless request is cheaper than another person's credentials.

use std::path::Path;

use aws_formats::sso_cache::{RoleCredentials, Token};
use outside::files;
use outside::state::StateFile;
use wire::Secret;
use wire::words::sha256_base64;

use crate::session::Target;
use crate::store::Store;

/// The token of a session that was last known here, by hashes, and what its center refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KnownToken {
    /// The hash of the first access token of the family that is known here.
    family: String,
    /// When the token file was written that began the family, by the clock of its file system.
    since: i128,
    access: String,
    refresh: Option<String>,
    refused_access: Option<String>,
    refused_refresh: Option<String>,
}

/// Which tokens of a pair their center refused, though by their times they are valid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused {
    /// The portal answered the access token with 401.
    pub access: bool,
    /// The refresh token, or the client that it belongs to, was refused.
    pub refresh: bool,
}

/// One of the two tokens of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Access,
    Refresh,
}

/// The record in our own state about an entry of the AWS CLI's cache of role credentials: who fetched it, and which it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleRecord {
    family: String,
    credentials: String,
}

fn hash(secret: &Secret) -> String {
    sha256_base64(secret.expose())
}

fn refresh_hash(token: &Token) -> Option<String> {
    token.renewal.as_ref().map(|renewal| hash(&renewal.refresh_token))
}

impl KnownToken {
    /// The family that begins with `token`, whose file was written at `since`.
    pub(crate) fn new(token: &Token, since: i128) -> Self {
        let access = hash(&token.access_token);
        Self {
            family: access.clone(),
            since,
            access,
            refresh: refresh_hash(token),
            refused_access: None,
            refused_refresh: None,
        }
    }

    /// The name of the family.
    pub(crate) fn id(&self) -> &str {
        &self.family
    }

    /// The family of `token`: the one on record if the token is, else a new one that began when the token's file was written.
    pub(crate) fn current(known: Option<Self>, token: &Token, written_at: i128) -> Self {
        let fresh = Self::new(token, written_at);
        match known {
            Some(known) if known.access == fresh.access => known,
            // Not every center gives a new refresh token with each access token.
            Some(known) if known.refresh.is_some() && known.refresh == fresh.refresh => known.renewed(token),
            Some(known) => {
                Self { refused_access: known.refused_access, refused_refresh: known.refused_refresh, ..fresh }
            }
            None => fresh,
        }
    }

    /// The same family after a refresh that brought `token`.
    pub(crate) fn renewed(self, token: &Token) -> Self {
        Self { access: hash(&token.access_token), refresh: refresh_hash(token), ..self }
    }

    /// Which parts of `token` its center refused. Another token was not refused.
    pub(crate) fn refused(&self, token: &Token) -> Refused {
        let refresh = refresh_hash(token);
        Refused {
            access: self.refused_access.as_ref() == Some(&hash(&token.access_token)),
            refresh: refresh.is_some() && self.refused_refresh == refresh,
        }
    }

    fn refuse(mut self, token: &Token, part: Part) -> Self {
        match part {
            Part::Access => self.refused_access = Some(hash(&token.access_token)),
            Part::Refresh => self.refused_refresh = refresh_hash(token),
        }
        self
    }

    /// Whether cached credentials belong to this family. An entry without a record, or that another tool has replaced since,
    /// does if it was written after the family began.
    pub(crate) fn has(
        &self,
        credentials: &RoleCredentials,
        record: Option<&RoleRecord>,
        written_at: i128,
    ) -> bool {
        match record.filter(|record| record.credentials == hash(&credentials.session_token)) {
            Some(record) => record.family == self.family,
            None => written_at > self.since,
        }
    }

    /// Reads what [`KnownToken::to_text`] wrote; `None` if it is something else.
    fn parse(text: &str) -> Option<Self> {
        let mut known = Self::default();
        for line in text.lines() {
            let (name, value) = line.split_once(' ')?;
            match name {
                "family" => known.family = value.to_owned(),
                "since" => known.since = value.parse().ok()?,
                "access" => known.access = value.to_owned(),
                "refresh" => known.refresh = Some(value.to_owned()),
                "refused_access" => known.refused_access = Some(value.to_owned()),
                "refused_refresh" => known.refused_refresh = Some(value.to_owned()),
                _ => return None,
            }
        }
        (!known.family.is_empty() && !known.access.is_empty()).then_some(known)
    }

    /// One line for each member; none of them holds a line feed.
    fn to_text(&self) -> String {
        let mut text = format!("family {}\nsince {}\naccess {}\n", self.family, self.since, self.access);
        let rest = [
            ("refresh", &self.refresh),
            ("refused_access", &self.refused_access),
            ("refused_refresh", &self.refused_refresh),
        ];
        for (name, value) in rest {
            if let Some(value) = value {
                text.push_str(&format!("{name} {value}\n"));
            }
        }
        text
    }
}

impl RoleRecord {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let family = lines.next()?.strip_prefix("family ")?.to_owned();
        let credentials = lines.next()?.strip_prefix("credentials ")?.to_owned();
        Some(Self { family, credentials })
    }

    fn to_text(&self) -> String {
        format!("family {}\ncredentials {}\n", self.family, self.credentials)
    }
}

impl Store {
    /// Reads what is known of the token in a token file; `None` if nothing is.
    pub(crate) fn read_known(&self, token_file: &Path) -> Option<KnownToken> {
        KnownToken::parse(&self.known_file(token_file)?.read().ok()??)
    }

    /// Writes it. If it cannot be written, the next command asks the center what could have been known.
    pub(crate) fn keep_known(&self, token_file: &Path, known: &KnownToken) {
        if let Some(file) = self.known_file(token_file) {
            let _ = file.keep(known.to_text().as_bytes());
        }
    }

    /// Removes it. If it cannot be removed, it describes no later token.
    pub(crate) fn drop_known(&self, token_file: &Path) {
        if let Some(file) = self.known_file(token_file) {
            let _ = file.remove();
        }
    }

    fn known_file(&self, token_file: &Path) -> Option<StateFile> {
        self.own_file_of("tokens", token_file)
    }

    /// The family of `token`, which was read from the session's token file.
    pub(crate) fn family(&self, target: &Target, token: &Token) -> KnownToken {
        let path = self.token_path(target);
        // Asked for after the file was read: if it was replaced meanwhile, the family seems younger, which is on the safe side.
        let written_at = files::modified(&path).unwrap_or(i128::MAX);
        KnownToken::current(self.read_known(&path), token, written_at)
    }

    /// Remembers that the center refused a part of `token`.
    pub(crate) fn keep_refused(&self, target: &Target, token: &Token, part: Part) {
        let known = self.family(target, token).refuse(token, part);
        self.keep_known(&self.token_path(target), &known);
    }

    /// Remembers who fetched the cached credentials in the file at `role_file`.
    pub(crate) fn keep_role_record(
        &self,
        target: &Target,
        role_file: &Path,
        credentials: &RoleCredentials,
        family: &KnownToken,
    ) {
        let record =
            RoleRecord { family: family.family.clone(), credentials: hash(&credentials.session_token) };
        if let Some(file) = self.role_record(target, role_file) {
            // Without it a sign-out of everything still finds the file, and its time says whether it is of this sign-in.
            let _ = file.keep(record.to_text().as_bytes());
        }
    }

    /// Whether the credentials in the file at `role_file` were fetched with a token of the same family as `token`.
    pub(crate) fn is_of_family(
        &self,
        target: &Target,
        token: &Token,
        role_file: &Path,
        credentials: &RoleCredentials,
    ) -> bool {
        let record = self.role_record(target, role_file).and_then(|file| file.read().ok()?);
        let record = record.as_deref().and_then(RoleRecord::parse);
        let written_at = files::modified(role_file).unwrap_or(i128::MIN);
        self.family(target, token).has(credentials, record.as_ref(), written_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token_state::tests::token;
    use proptest::prelude::*;

    fn pair(access: &str, refresh: &str) -> Token {
        let mut token = token(3600, Some(9000));
        token.access_token = access.into();
        token.renewal.as_mut().unwrap().refresh_token = refresh.into();
        token
    }

    fn credentials(session_token: &str) -> RoleCredentials {
        RoleCredentials {
            access_key_id: "ASIA".into(),
            secret_access_key: "s".into(),
            session_token: session_token.into(),
            expiration: "2026-11-23T10:00:00Z".parse().unwrap(),
            account_id: None,
        }
    }

    fn record(family: &KnownToken, session_token: &str) -> RoleRecord {
        RoleRecord { family: family.family.clone(), credentials: hash(&session_token.into()) }
    }

    #[test]
    fn known_tokens_are_read_as_they_were_written() {
        let known = KnownToken::new(&pair("a", "r"), 7);
        let refused = known.clone().refuse(&pair("a", "r"), Part::Access);
        let both = refused.clone().refuse(&pair("a", "r"), Part::Refresh);
        for known in [known, refused, both] {
            assert_eq!(KnownToken::parse(&known.to_text()), Some(known));
        }
        for text in ["", "family a\n", "noise", "family a\naccess b\nsince x\n", "{}"] {
            assert_eq!(KnownToken::parse(text), None, "{text}");
        }
        let text = KnownToken::new(&pair("access-secret", "refresh-secret"), 7).to_text();
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn a_refresh_keeps_the_family_and_a_sign_in_begins_one() {
        let first = KnownToken::new(&pair("a1", "r1"), 7);
        let refreshed = first.clone().renewed(&pair("a2", "r2"));
        assert_eq!((&refreshed.family, refreshed.since), (&first.family, 7));
        assert_eq!(KnownToken::current(Some(refreshed.clone()), &pair("a2", "r2"), 50), refreshed);
        // Another tool refreshed it at a center that gave no new refresh token.
        let kept = KnownToken::current(Some(refreshed.clone()), &pair("a3", "r2"), 50);
        assert_eq!((&kept.family, kept.since), (&first.family, 7));
        let other = KnownToken::current(Some(refreshed), &pair("b1", "s1"), 50);
        assert_ne!(other.family, first.family);
        assert_eq!(other.since, 50);
    }

    #[test]
    fn a_refusal_is_gone_with_the_next_token() {
        let (old, new) = (pair("a1", "r1"), pair("a2", "r2"));
        let known = KnownToken::new(&old, 7).refuse(&old, Part::Access).refuse(&old, Part::Refresh);
        assert_eq!(known.refused(&old), Refused { access: true, refresh: true });
        assert_eq!(known.refused(&new), Refused::default());
        assert_eq!(known.clone().renewed(&new).refused(&new), Refused::default());
        // The same refresh token with another access token is still refused.
        assert_eq!(known.refused(&pair("a2", "r1")), Refused { access: false, refresh: true });
        let legacy = Token { renewal: None, ..old.clone() };
        assert!(!KnownToken::new(&legacy, 7).refuse(&legacy, Part::Refresh).refused(&legacy).refresh);
    }

    #[test]
    fn credentials_are_used_with_the_family_that_fetched_them() {
        let (ann, bob) = (KnownToken::new(&pair("a1", "r1"), 100), KnownToken::new(&pair("b1", "s1"), 200));
        let refreshed = ann.clone().renewed(&pair("a2", "r2"));
        let rows = [
            // (current family, record, when the entry was written, is it used)
            (&ann, Some(record(&ann, "t")), 150, true),
            (&refreshed, Some(record(&ann, "t")), 150, true),
            (&bob, Some(record(&ann, "t")), 150, false),
            // However new it is: a late answer to the person before.
            (&bob, Some(record(&ann, "t")), 250, false),
            (&bob, Some(record(&bob, "t")), 150, true),
            // Another tool replaced it.
            (&bob, Some(record(&ann, "other")), 250, true),
            (&bob, Some(record(&bob, "other")), 150, false),
            (&bob, None, 201, true),
            (&bob, None, 200, false),
            (&bob, None, 199, false),
        ];
        for (family, record, written_at, is_used) in rows {
            let has = family.has(&credentials("t"), record.as_ref(), written_at);
            assert_eq!(has, is_used, "{family:?} {record:?} {written_at}");
        }
    }

    proptest! {
        /// Refreshes by Aldis keep what was fetched; whatever another tool does, nothing older than it is used.
        #[test]
        fn no_entry_from_before_a_foreign_token_is_used(
            refreshes in 0usize..4, fetched_at in 0i128..1000, foreign_at in 0i128..1000, is_recorded: bool,
        ) {
            let mut known = KnownToken::new(&pair("a0", "r0"), 0);
            for number in 1..=refreshes {
                known = known.renewed(&pair(&format!("a{number}"), &format!("r{number}")));
            }
            let record = is_recorded.then(|| record(&known, "t"));
            prop_assert_eq!(known.has(&credentials("t"), record.as_ref(), fetched_at), is_recorded || fetched_at > 0);
            let foreign = KnownToken::current(Some(known), &pair("b", "s"), foreign_at);
            let is_used = foreign.has(&credentials("t"), record.as_ref(), fetched_at);
            prop_assert!(!is_used || (!is_recorded && fetched_at > foreign_at));
        }
    }
}
