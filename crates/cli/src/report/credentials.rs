//! Credentials in the forms that other programs read.

use aws_formats::credentials_out::Format;
use aws_formats::sso_cache::RoleCredentials;

use super::{Failure, Kind};
use crate::args::creds::CredsFormat;

/// Writes credentials.
///
/// Most forms are read by a shell as commands. No key of AWS holds a character that means something to one, so
/// whoever sends such a character means no good, and nothing is written.
pub(crate) fn write(credentials: &RoleCredentials, format: CredsFormat) -> Result<String, Failure> {
    let is_for_a_shell = format != CredsFormat::Process;
    let RoleCredentials { access_key_id, secret_access_key, session_token, .. } = credentials;
    let values = [access_key_id.as_str(), secret_access_key.expose(), session_token.expose()];
    if is_for_a_shell && !values.iter().all(|value| value.chars().all(is_harmless)) {
        let message =
            "these credentials hold characters that a shell could take for commands, so they are not written";
        return Err(
            Failure::new(Kind::Other, message).hint("write them as JSON: aldis creds --format process")
        );
    }
    Ok(self::format(format).write(credentials))
}

fn is_harmless(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=-_.~:@,".contains(c)
}

fn format(format: CredsFormat) -> Format {
    match format {
        CredsFormat::Process => Format::Process,
        CredsFormat::Env => Format::Env,
        CredsFormat::EnvNoExport => Format::EnvNoExport,
        CredsFormat::Powershell => Format::Powershell,
        CredsFormat::WindowsCmd => Format::WindowsCmd,
        CredsFormat::Fish => Format::Fish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_shell_would_run_is_written_for_a_shell() {
        let credentials = |token: &str| RoleCredentials {
            access_key_id: "ASIA1".into(),
            secret_access_key: "ab/cd+ef".into(),
            session_token: token.into(),
            expiration: "2026-11-23T10:00:00Z".parse().unwrap(),
            account_id: Some("111122223333".into()),
        };
        assert!(write(&credentials("IQoJb3JpZ2luX2Vj//8="), CredsFormat::Env).is_ok());
        for token in ["a;reboot", "$(reboot)", "`reboot`", "a b", "a\nreboot", "a&b", "a|b", "a\"b", "a%b%"] {
            assert!(write(&credentials(token), CredsFormat::Env).is_err(), "{token}");
            assert!(write(&credentials(token), CredsFormat::WindowsCmd).is_err(), "{token}");
            assert!(write(&credentials(token), CredsFormat::Process).is_ok(), "{token}");
        }
    }
}
