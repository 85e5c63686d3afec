//! Lines for POSIX shells. Values need no quotes: keys and tokens are base64 and its URL form.

use crate::sso_cache::RoleCredentials;

pub(super) fn write(credentials: &RoleCredentials) -> String {
    super::lines(credentials, |name, value| format!("export {name}={value}"))
}
