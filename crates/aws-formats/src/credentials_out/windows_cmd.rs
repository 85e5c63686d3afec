//! Lines for the Windows command prompt.

use crate::sso_cache::RoleCredentials;

pub(super) fn write(credentials: &RoleCredentials) -> String {
    super::lines(credentials, |name, value| format!("set {name}={value}"))
}
