//! JSON for `credential_process`: two blanks a level, `Expiration` with `Z` because some SDKs take nothing else.

use serde_json::{Map, Value};

use crate::sso_cache::{RoleCredentials, moment};

pub(super) fn write(credentials: &RoleCredentials) -> String {
    let mut map = Map::new();
    map.insert("Version".to_owned(), Value::from(1));
    let mut put = |key: &str, value: &str| map.insert(key.to_owned(), Value::from(value));
    put("AccessKeyId", &credentials.access_key_id);
    put("SecretAccessKey", credentials.secret_access_key.expose());
    put("SessionToken", credentials.session_token.expose());
    put("Expiration", &moment::format(credentials.expiration));
    if let Some(account_id) = &credentials.account_id {
        put("AccountId", account_id);
    }
    format!("{:#}\n", Value::Object(map))
}
