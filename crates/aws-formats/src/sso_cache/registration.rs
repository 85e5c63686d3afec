//! A registration, as it lies in `~/.aws/sso/cache` beside the tokens.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use wire::Secret;
use wire::oidc::GRANT_AUTHORIZATION_CODE;

use super::{CacheError, moment, object, optional_texts, text, to_line};

/// A registration is used while more than this is left of it, as the AWS CLI does.
const SPARE: SignedDuration = SignedDuration::from_mins(15);

/// How a client comes to its first token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// A browser brings an authorization code (RFC 6749 section 4.1, with PKCE).
    AuthorizationCode,
    /// A person approves a code (RFC 8628).
    DeviceCode,
}

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// When both end.
    pub expires_at: Timestamp,
    /// The scopes that were asked for.
    pub scopes: Option<Vec<String>>,
    /// The grants that were asked for; none is the device grant.
    pub grant_types: Option<Vec<String>>,
}

impl Registration {
    /// Reads a file that any tool may have written.
    ///
    /// # Errors
    /// When there is no usable registration in it.
    pub fn parse(file: &str) -> Result<Self, CacheError> {
        let map = object(file)?;
        let expires_at = text(&map, "expiresAt")?;
        Ok(Self {
            client_id: text(&map, "clientId")?,
            client_secret: Secret::new(text(&map, "clientSecret")?),
            expires_at: moment::parse_registration_end(&expires_at).ok_or(CacheError::Time("expiresAt"))?,
            scopes: optional_texts(&map, "scopes"),
            grant_types: optional_texts(&map, "grantTypes"),
        })
    }

    /// The text of the file, as the AWS CLI writes it.
    pub fn to_text(&self) -> String {
        let mut map = Map::new();
        map.insert("clientId".to_owned(), Value::from(self.client_id.as_str()));
        map.insert("clientSecret".to_owned(), Value::from(self.client_secret.expose()));
        map.insert("expiresAt".to_owned(), Value::from(moment::format(self.expires_at)));
        for (key, list) in [("scopes", &self.scopes), ("grantTypes", &self.grant_types)] {
            if let Some(list) = list {
                map.insert(key.to_owned(), Value::from(list.clone()));
            }
        }
        to_line(&map)
    }

    /// Whether more than 15 minutes are left of it.
    pub fn is_usable_at(&self, now: Timestamp) -> bool {
        self.expires_at.duration_since(now) > SPARE
    }

    /// Whether it was made for a grant: the AWS CLI keeps both kinds under one name and tells them apart so.
    pub fn is_for(&self, grant: Grant) -> bool {
        let is_for_code = self.grant_types.iter().flatten().any(|known| known == GRANT_AUTHORIZATION_CODE);
        is_for_code == (grant == Grant::AuthorizationCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_read_and_told_apart() {
        let device = r#"{"clientId": "c", "clientSecret": "s", "expiresAt": "2027-02-21T09:00:00Z", "scopes": ["sso:account:access"]}"#;
        let code = r#"{"clientId": "c", "clientSecret": "s", "expiresAt": "2027-02-21T09:00:00Z", "scopes": ["sso:account:access"], "grantTypes": ["authorization_code", "refresh_token"]}"#;
        for (file, grant, other) in [
            (device, Grant::DeviceCode, Grant::AuthorizationCode),
            (code, Grant::AuthorizationCode, Grant::DeviceCode),
        ] {
            let registration = Registration::parse(file).unwrap();
            assert!(registration.is_for(grant) && !registration.is_for(other));
        }
        for file in [device, code] {
            assert_eq!(Registration::parse(file).unwrap().to_text(), file);
        }
        let registration = Registration::parse(device).unwrap();
        assert!(registration.is_usable_at("2027-02-21T08:44:59Z".parse().unwrap()));
        assert!(!registration.is_usable_at("2027-02-21T08:45:00Z".parse().unwrap()));
    }
}
