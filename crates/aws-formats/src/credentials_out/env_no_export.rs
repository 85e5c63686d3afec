//! Lines for env files.

pub(super) fn set(name: &str, value: &str) -> String {
    format!("{name}={}", super::posix_quoted(value))
}

/// Env files have no other way to remove a variable, and SDKs read an empty one as missing.
pub(super) fn unset(name: &str) -> String {
    format!("{name}=")
}
