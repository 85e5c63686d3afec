//! Credentials in the forms that other programs read.

use aws_formats::credentials_out::{Credentials, Format};

use super::{Failure, Kind};
use crate::args::creds::CredsFormat;
use crate::request::handover::Handover;

/// Writes credentials.
///
/// Most forms are read by a shell as commands. No key of AWS holds a character that means something to one, so
/// whoever sends such a character means no good, and nothing is written.
pub(crate) fn write(credentials: &Credentials, format: CredsFormat) -> Result<String, Failure> {
    let is_for_a_shell = format != CredsFormat::Process;
    let Credentials { access_key_id, secret_access_key, session_token, .. } = credentials;
    let token = session_token.as_ref().map_or("", |token| token.expose());
    let values = [access_key_id.as_str(), secret_access_key.expose(), token];
    let is_harmless = !is_for_a_shell || values.iter().all(|value| value.chars().all(is_harmless));
    self::format(format).write(credentials).filter(|_| is_harmless).ok_or_else(|| {
        let message =
            "these credentials hold characters that a shell could take for commands, so they are not written";
        Failure::new(Kind::Other, message).hint("write them as JSON: aldis creds --format process")
    })
}

/// Writes the lines of a shell that set and remove the variables beside the credentials.
pub(crate) fn write_handover(handover: &Handover, format: CredsFormat) -> Result<String, Failure> {
    let format = self::format(format);
    let mut lines = String::new();
    for (name, value) in &handover.set {
        let line = format.set(name, value).ok_or_else(|| {
            let message = format!(
                "the value of {name} cannot be written safely in the format {}: {}",
                format.name(),
                wire::words::printable(value, 300)
            );
            Failure::new(Kind::Configuration, message)
                .hint("start the program itself, without a shell: aldis exec --profile NAME -- COMMAND")
        })?;
        lines.push_str(&line);
    }
    lines.extend(handover.unset.iter().filter_map(|name| format.unset(name)));
    Ok(lines)
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
        let credentials = |token: &str| Credentials {
            access_key_id: "ASIA1".into(),
            secret_access_key: "ab/cd+ef".into(),
            session_token: Some(token.into()),
            expiration: Some("2026-11-23T10:00:00Z".parse().unwrap()),
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
