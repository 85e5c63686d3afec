//! A token of the access portal, as it lies in `~/.aws/sso/cache`.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use wire::Secret;

use super::{CacheError, moment, object, optional_text, text, to_line};

/// A token is renewed when less than this is left of it, as the AWS CLI does.
const SPARE: SignedDuration = SignedDuration::from_mins(15);

/// A token with all that its renewal needs. `Debug` shows only the names of other tools' members, which may be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The start URL as configured.
    pub start_url: Option<String>,
    /// The region of the Identity Center.
    pub region: Option<String>,
    /// The token.
    pub access_token: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What renews it; none for the old kind of registration.
    pub renewal: Option<Renewal>,
    /// Members that other tools put there; kept when the file is written again.
    pub others: Map<String, Value>,
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Token")
            .field("start_url", &self.start_url)
            .field("region", &self.region)
            .field("access_token", &self.access_token)
            .field("expires_at", &self.expires_at)
            .field("renewal", &self.renewal)
            .field("others", &self.others.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// What renews a token: all of it or nothing, or some SDK refuses the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The registered client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// When the registration ends.
    pub registration_expires_at: Timestamp,
    /// The token for the next refresh.
    pub refresh_token: Secret,
}

const KNOWN: [&str; 8] = [
    "startUrl",
    "region",
    "accessToken",
    "expiresAt",
    "clientId",
    "clientSecret",
    "registrationExpiresAt",
    "refreshToken",
];

impl Token {
    /// Reads a file that any tool may have written.
    ///
    /// # Errors
    /// When there is no usable token in it. What renewal needs may be missing.
    pub fn parse(file: &str) -> Result<Self, CacheError> {
        let map = object(file)?;
        let expires_at = text(&map, "expiresAt")?;
        Ok(Self {
            start_url: optional_text(&map, "startUrl"),
            region: optional_text(&map, "region"),
            access_token: Secret::new(text(&map, "accessToken")?),
            expires_at: moment::parse(&expires_at).ok_or(CacheError::Time("expiresAt"))?,
            renewal: renewal(&map),
            others: map.into_iter().filter(|(key, _)| !KNOWN.contains(&key.as_str())).collect(),
        })
    }

    /// The text of the file: members in the order of the AWS CLI, on one line.
    pub fn to_text(&self) -> String {
        let mut map = Map::new();
        let mut put = |key: &str, value: &str| map.insert(key.to_owned(), Value::from(value));
        if let Some(start_url) = &self.start_url {
            put("startUrl", start_url);
        }
        if let Some(region) = &self.region {
            put("region", region);
        }
        put("accessToken", self.access_token.expose());
        put("expiresAt", &moment::format(self.expires_at));
        if let Some(renewal) = &self.renewal {
            put("clientId", &renewal.client_id);
            put("clientSecret", renewal.client_secret.expose());
            put("registrationExpiresAt", &moment::format(renewal.registration_expires_at));
            put("refreshToken", renewal.refresh_token.expose());
        }
        map.extend(self.others.clone());
        to_line(&map)
    }

    /// Whether it still opens the portal.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether less than 15 minutes are left of it.
    pub fn is_due_for_refresh_at(&self, now: Timestamp) -> bool {
        self.expires_at.duration_since(now) < SPARE
    }

    /// What renews it, if that has not ended.
    pub fn renewal_at(&self, now: Timestamp) -> Option<&Renewal> {
        self.renewal.as_ref().filter(|renewal| now < renewal.registration_expires_at)
    }
}

fn renewal(map: &Map<String, Value>) -> Option<Renewal> {
    Some(Renewal {
        client_id: text(map, "clientId").ok()?,
        client_secret: Secret::new(text(map, "clientSecret").ok()?),
        registration_expires_at: moment::parse_registration_end(&text(map, "registrationExpiresAt").ok()?)?,
        refresh_token: Secret::new(text(map, "refreshToken").ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = r#"{"startUrl": "https://d-1234567890.awsapps.com/start", "region": "us-east-1", "accessToken": "aoa", "expiresAt": "2026-11-23T10:00:00Z", "clientId": "c", "clientSecret": "s", "registrationExpiresAt": "2027-02-21T09:00:00Z", "refreshToken": "aor"}"#;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn is_written_as_it_was_read() {
        assert_eq!(Token::parse(FILE).unwrap().to_text(), FILE);
    }

    #[test]
    fn members_of_other_tools_stay() {
        let file = FILE.replace('}', r#", "provider": {"name": "x"}}"#);
        assert_eq!(Token::parse(&file).unwrap().to_text(), file);
    }

    #[test]
    fn what_other_tools_write_is_read() {
        let token = Token::parse(
            "{\n \"accessToken\":\"a\",\"expiresAt\":\"2026-11-23T10:00:00UTC\",\"refreshToken\":null,\"region\":null}",
        );
        assert_eq!(token.unwrap().renewal, None);
        let half = FILE.replace("2027-02-21T09:00:00Z", "never");
        assert_eq!(Token::parse(&half).unwrap().renewal, None, "unusable for renewal, good as a token");
    }

    #[test]
    fn shows_no_secret() {
        let file = FILE.replace('}', r#", "idToken": "hidden"}"#).replace("\"aor\"", "\"hidden\"");
        let shown = format!("{:?}", Token::parse(&file).unwrap());
        assert!(shown.contains("idToken") && !shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn times_decide() {
        let token = Token::parse(FILE).unwrap();
        assert!(
            token.is_valid_at(at("2026-11-23T09:59:59Z")) && !token.is_valid_at(at("2026-11-23T10:00:00Z"))
        );
        assert!(!token.is_due_for_refresh_at(at("2026-11-23T09:45:00Z")));
        assert!(token.is_due_for_refresh_at(at("2026-11-23T09:45:01Z")));
        assert!(token.renewal_at(at("2027-02-21T08:59:59Z")).is_some());
        assert!(token.renewal_at(at("2027-02-21T09:00:00Z")).is_none());
    }

    #[test]
    fn torn_and_foreign_files_are_faults() {
        for end in 0..FILE.len() {
            assert!(Token::parse(&FILE[..end]).is_err());
        }
        for file in [
            "[]",
            "{}",
            "null",
            r#"{"accessToken":"a","expiresAt":1}"#,
            r#"{"accessToken":"","expiresAt":"2026-11-23T10:00:00Z"}"#,
        ] {
            assert!(Token::parse(file).is_err(), "{file}");
        }
        assert_eq!(
            Token::parse(&format!("{FILE}\"}}")),
            Err(CacheError::NotJson),
            "the torn write of botocore#3213"
        );
    }

    proptest! {
        #[test]
        fn survives_any_text(text in any::<String>()) {
            let _ = Token::parse(&text);
        }
    }
}
