//! Lines for env files.

use crate::sso_cache::RoleCredentials;

pub(super) fn write(credentials: &RoleCredentials) -> String {
    super::lines(credentials, |name, value| format!("{name}={value}"))
}
