//! `~/.aws/login/cache`: the credentials of `aws login`, which signs in to the AWS console. They are read and never refreshed: that
//! needs a key that the AWS CLI made for this sign-in, and two programs that refresh would end each other's.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wire::Secret;

use crate::sso_cache::{CacheError, RoleCredentials, moment, object, optional_text, text};

/// The name of the file that holds the credentials of a `login_session`: SHA-256 in hex.
pub fn file_name(login_session: &str) -> String {
    let digest = Sha256::digest(login_session.trim().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + ".json"
}

/// Reads a file that the AWS CLI or an SDK wrote.
///
/// # Errors
/// If there are no credentials in it.
pub fn parse(file: &str) -> Result<RoleCredentials, CacheError> {
    let map = object(file)?;
    let inner = map.get("accessToken").and_then(Value::as_object).ok_or(CacheError::Member("accessToken"))?;
    let expires_at = text(inner, "expiresAt")?;
    Ok(RoleCredentials {
        access_key_id: text(inner, "accessKeyId")?,
        secret_access_key: Secret::new(text(inner, "secretAccessKey")?),
        session_token: Secret::new(text(inner, "sessionToken")?),
        expiration: moment::parse(&expires_at).ok_or(CacheError::Time("expiresAt"))?,
        account_id: optional_text(inner, "accountId"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"accessToken": {"accessKeyId": "ASIA", "secretAccessKey": "s", "sessionToken": "t", "accountId": "111122223333", "expiresAt": "2026-11-23T10:00:00Z"}, "tokenType": "aws_sigv4", "clientId": "arn:aws:signin:::devtools/same-device", "refreshToken": "r", "idToken": "i", "dpopKey": "-----BEGIN EC PRIVATE KEY-----"}"#;

    #[test]
    fn the_file_of_a_session_is_named_as_the_aws_cli_names_it() {
        // printf %s ARN | sha256sum
        let arn = "arn:aws:iam::111122223333:user/demo";
        assert_eq!(file_name(arn), "c44cd61351767b8047d91ae5215e9a1068adc25cc3d9da00fbef3e8d3bd738a0.json");
    }

    #[test]
    fn credentials_are_read_and_torn_files_are_faults() {
        let credentials = parse(FILE).unwrap();
        assert_eq!(credentials.access_key_id, "ASIA");
        assert_eq!(credentials.account_id.as_deref(), Some("111122223333"));
        assert_eq!(credentials.expiration, "2026-11-23T10:00:00Z".parse().unwrap());
        for end in 0..FILE.len() {
            assert!(parse(&FILE[..end]).is_err());
        }
        assert_eq!(parse("{}"), Err(CacheError::Member("accessToken")));
        assert_eq!(parse(r#"{"accessToken": "sso"}"#), Err(CacheError::Member("accessToken")));
    }
}
