//! JSON for `credential_process`: two blanks a level, `Expiration` with `Z` because some SDKs take nothing else.

use serde_json::{Map, Value};

use super::Credentials;
use crate::sso_cache::moment;

pub(super) fn write(credentials: &Credentials) -> String {
    let mut map = Map::new();
    map.insert("Version".to_owned(), Value::from(1));
    let mut put = |key: &str, value: &str| map.insert(key.to_owned(), Value::from(value));
    put("AccessKeyId", &credentials.access_key_id);
    put("SecretAccessKey", credentials.secret_access_key.expose());
    if let Some(token) = &credentials.session_token {
        put("SessionToken", token.expose());
    }
    if let Some(expiration) = credentials.expiration {
        put("Expiration", &moment::format(expiration));
    }
    if let Some(account_id) = &credentials.account_id {
        put("AccountId", account_id);
    }
    format!("{:#}\n", Value::Object(map))
}
