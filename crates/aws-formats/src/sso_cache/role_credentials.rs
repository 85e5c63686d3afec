//! Role credentials, as they lie in `~/.aws/cli/cache`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use wire::Secret;

use super::{CacheError, moment, object, optional_text, text, to_line};

/// Role credentials are renewed when less than this is left of them: SDKs ask a credential process again below it.
const SPARE: SignedDuration = SignedDuration::from_mins(15);

/// Short-term credentials of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleCredentials {
    /// The id of the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret,
    /// The token that goes along.
    pub session_token: Secret,
    /// When they end.
    pub expiration: Timestamp,
    /// The account that they open.
    pub account_id: Option<String>,
}

impl RoleCredentials {
    /// Reads a file of the AWS CLI.
    ///
    /// # Errors
    /// When there are no usable credentials in it.
    pub fn parse(file: &str) -> Result<Self, CacheError> {
        let map = object(file)?;
        // Credentials of assumed roles lie in the same folder.
        if text(&map, "ProviderType")? != "sso" {
            return Err(CacheError::Member("ProviderType"));
        }
        let inner =
            map.get("Credentials").and_then(Value::as_object).ok_or(CacheError::Member("Credentials"))?;
        let expiration = text(inner, "Expiration")?;
        Ok(Self {
            access_key_id: text(inner, "AccessKeyId")?,
            secret_access_key: Secret::new(text(inner, "SecretAccessKey")?),
            session_token: Secret::new(text(inner, "SessionToken")?),
            expiration: moment::parse(&expiration).ok_or(CacheError::Time("Expiration"))?,
            account_id: optional_text(inner, "AccountId"),
        })
    }

    /// Whether a file holds credentials that came from a sign-in, usable or not. Others lie in the same folder.
    ///
    /// # Errors
    /// When nobody can tell.
    pub fn is_of_sso(file: &str) -> Result<bool, CacheError> {
        Ok(optional_text(&object(file)?, "ProviderType").as_deref() == Some("sso"))
    }

    /// The text of the file, as the AWS CLI writes it.
    pub fn to_text(&self) -> String {
        let mut inner = Map::new();
        let mut put = |key: &str, value: &str| inner.insert(key.to_owned(), Value::from(value));
        put("AccessKeyId", &self.access_key_id);
        put("SecretAccessKey", self.secret_access_key.expose());
        put("SessionToken", self.session_token.expose());
        put("Expiration", &moment::format(self.expiration));
        if let Some(account_id) = &self.account_id {
            put("AccountId", account_id);
        }
        let mut map = Map::new();
        map.insert("ProviderType".to_owned(), Value::from("sso"));
        map.insert("Credentials".to_owned(), Value::Object(inner));
        to_line(&map)
    }

    /// Whether more than 15 minutes are left of them.
    pub fn is_fresh_at(&self, now: Timestamp) -> bool {
        self.expiration.duration_since(now) > SPARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"ProviderType": "sso", "Credentials": {"AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2026-11-23T10:00:00Z", "AccountId": "111122223333"}}"#;

    #[test]
    fn are_written_as_they_were_read() {
        let credentials = RoleCredentials::parse(FILE).unwrap();
        assert_eq!(credentials.to_text(), FILE);
        assert!(credentials.is_fresh_at("2026-11-23T09:44:59Z".parse().unwrap()));
        assert!(!credentials.is_fresh_at("2026-11-23T09:45:00Z".parse().unwrap()));
    }

    #[test]
    fn torn_and_foreign_files_are_faults() {
        let other = FILE.replace("\"sso\"", "\"assume-role\"");
        for file in ["", "{}", "{\"Credentials\":{}}", &FILE[..FILE.len() - 1], &other] {
            assert!(RoleCredentials::parse(file).is_err(), "{file}");
        }
        assert_eq!(RoleCredentials::is_of_sso(FILE), Ok(true));
        assert_eq!(RoleCredentials::is_of_sso(r#"{"ProviderType": "sso"}"#), Ok(true), "usable or not");
        assert_eq!(RoleCredentials::is_of_sso(&other), Ok(false));
        assert_eq!(RoleCredentials::is_of_sso("{}"), Ok(false));
        assert!(RoleCredentials::is_of_sso("").is_err());
    }
}
