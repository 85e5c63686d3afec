//! Lines for PowerShell.

pub(super) fn set(name: &str, value: &str) -> String {
    if super::is_plain(value) {
        return format!("$Env:{name}=\"{value}\"");
    }
    format!("$Env:{name}='{}'", value.replace('\'', "''"))
}

pub(super) fn unset(name: &str) -> String {
    format!("$Env:{name}=$null")
}
