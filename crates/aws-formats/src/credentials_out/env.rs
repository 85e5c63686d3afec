//! Lines for POSIX shells, exported.

pub(super) fn set(name: &str, value: &str) -> String {
    format!("export {name}={}", super::posix_quoted(value))
}

pub(super) fn unset(name: &str) -> String {
    format!("unset {name}")
}
