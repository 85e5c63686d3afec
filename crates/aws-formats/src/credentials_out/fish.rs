//! Lines for fish.

use crate::sso_cache::RoleCredentials;

pub(super) fn write(credentials: &RoleCredentials) -> String {
    super::lines(credentials, |name, value| format!("set -gx {name} \"{value}\""))
}
