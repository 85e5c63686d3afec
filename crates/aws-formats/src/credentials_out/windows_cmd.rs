//! Lines for the Windows command prompt.

/// `None` if the value holds a percent sign or a double quote, which no quoting protects there.
pub(super) fn set(name: &str, value: &str) -> Option<String> {
    if super::is_plain(value) {
        return Some(format!("set {name}={value}"));
    }
    (!value.contains(['%', '"'])).then(|| format!("set \"{name}={value}\""))
}

pub(super) fn unset(name: &str) -> String {
    format!("set {name}=")
}
