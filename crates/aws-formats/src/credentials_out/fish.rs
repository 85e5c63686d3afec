//! Lines for fish.

pub(super) fn set(name: &str, value: &str) -> String {
    if super::is_plain(value) {
        return format!("set -gx {name} \"{value}\"");
    }
    format!("set -gx {name} '{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

pub(super) fn unset(name: &str) -> String {
    format!("set -e {name}")
}
