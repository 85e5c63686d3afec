//! Credentials in the forms that other tools take: one file a form.

mod env;
mod env_no_export;
mod fish;
mod powershell;
mod process;
mod windows_cmd;

use jiff::Timestamp;
use wire::Secret;

use crate::sso_cache::{RoleCredentials, moment};

/// Access keys to write: those of a role, or any others, which may lack a session token and an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The id of the key.
    pub access_key_id: String,
    /// The secret key.
    pub secret_access_key: Secret,
    /// The session token; `None` for the long-term keys of a user.
    pub session_token: Option<Secret>,
    /// The moment after which no service accepts the keys, if it is known.
    pub expiration: Option<Timestamp>,
    /// The account of the keys, if it is known.
    pub account_id: Option<String>,
}

impl From<RoleCredentials> for Credentials {
    fn from(role: RoleCredentials) -> Self {
        Self {
            access_key_id: role.access_key_id,
            secret_access_key: role.secret_access_key,
            session_token: Some(role.session_token),
            expiration: Some(role.expiration),
            account_id: role.account_id,
        }
    }
}

/// A form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// JSON for `credential_process`.
    #[default]
    Process,
    /// `export NAME=VALUE`, for POSIX shells.
    Env,
    /// `NAME=VALUE`, for env files.
    EnvNoExport,
    /// `$Env:NAME="VALUE"`.
    Powershell,
    /// `set NAME=VALUE`.
    WindowsCmd,
    /// `set -gx NAME "VALUE"`.
    Fish,
}

impl Format {
    /// Every form, in the order of the AWS CLI.
    pub const ALL: [Self; 6] =
        [Self::Process, Self::Env, Self::EnvNoExport, Self::Powershell, Self::WindowsCmd, Self::Fish];

    /// Its name, as the AWS CLI calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Env => "env",
            Self::EnvNoExport => "env-no-export",
            Self::Powershell => "powershell",
            Self::WindowsCmd => "windows-cmd",
            Self::Fish => "fish",
        }
    }

    /// The form of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Credentials in this form, with a line feed at the end; `None` if a value has no safe spelling in it.
    pub fn write(self, credentials: &Credentials) -> Option<String> {
        if self == Self::Process {
            return Some(process::write(credentials));
        }
        let lines = variables(credentials).into_iter().map(|(name, value)| self.set(name, &value));
        lines.collect()
    }

    /// The line that sets a variable; `None` if the format has no lines or no safe spelling for the value. A value of letters,
    /// digits and the punctuation of base64 and of plain addresses is written as the AWS CLI writes it; any other one is quoted.
    pub fn set(self, name: &str, value: &str) -> Option<String> {
        // Line breaks end a command in every shell, and PowerShell takes some quotation marks outside ASCII for its own.
        if !value.chars().all(|c| matches!(c, ' '..='~')) {
            return None;
        }
        let line = match self {
            Self::Process => return None,
            Self::Env => env::set(name, value),
            Self::EnvNoExport => env_no_export::set(name, value),
            Self::Powershell => powershell::set(name, value),
            Self::WindowsCmd => windows_cmd::set(name, value)?,
            Self::Fish => fish::set(name, value),
        };
        Some(line + "\n")
    }

    /// The line that removes a variable; `None` if the format has no lines.
    pub fn unset(self, name: &str) -> Option<String> {
        let line = match self {
            Self::Process => return None,
            Self::Env => env::unset(name),
            Self::EnvNoExport => env_no_export::unset(name),
            Self::Powershell => powershell::unset(name),
            Self::WindowsCmd => windows_cmd::unset(name),
            Self::Fish => fish::unset(name),
        };
        Some(line + "\n")
    }
}

/// The variables, in the order of the AWS CLI.
pub const NAMES: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];

/// The variables that `credentials` have values for, in the same order. Two of the values are secret.
pub fn variables(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let Credentials { access_key_id, secret_access_key, session_token, expiration, .. } = credentials;
    let values = [
        Some(access_key_id.clone()),
        Some(secret_access_key.expose().to_owned()),
        session_token.as_ref().map(|token| token.expose().to_owned()),
        expiration.map(moment::format),
    ];
    NAMES.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Whether no shell of [`Format::ALL`] gives a character of `value` a meaning of its own.
fn is_plain(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || "+/=-_.:@,".contains(c))
}

/// A value in single quotes, as POSIX shells and env files read it; a plain one without.
fn posix_quoted(value: &str) -> String {
    if is_plain(value) { value.to_owned() } else { format!("'{}'", value.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "secret/key".into(),
            session_token: Some("token==".into()),
            expiration: Some("2026-11-23T10:00:00Z".parse().unwrap()),
            account_id: Some("111122223333".into()),
        }
    }

    #[test]
    fn each_form() {
        let cases = [
            (Format::Env, "export AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nexport AWS_SECRET_ACCESS_KEY=secret/key\n"),
            (Format::EnvNoExport, "AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=secret/key\n"),
            (
                Format::Powershell,
                "$Env:AWS_ACCESS_KEY_ID=\"ASIAEXAMPLE\"\n$Env:AWS_SECRET_ACCESS_KEY=\"secret/key\"\n",
            ),
            (Format::WindowsCmd, "set AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nset AWS_SECRET_ACCESS_KEY=secret/key\n"),
            (
                Format::Fish,
                "set -gx AWS_ACCESS_KEY_ID \"ASIAEXAMPLE\"\nset -gx AWS_SECRET_ACCESS_KEY \"secret/key\"\n",
            ),
        ];
        for (format, beginning) in cases {
            let text = format.write(&credentials()).unwrap();
            assert!(text.starts_with(beginning), "{text}");
            assert_eq!(text.lines().count(), 4);
            assert!(text.contains("2026-11-23T10:00:00Z"));
        }
    }

    #[test]
    fn the_process_form_is_what_every_sdk_takes() {
        let text = Format::Process.write(&credentials()).unwrap();
        assert_eq!(
            text,
            "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"ASIAEXAMPLE\",\n  \"SecretAccessKey\": \"secret/key\",\n  \
             \"SessionToken\": \"token==\",\n  \"Expiration\": \"2026-11-23T10:00:00Z\",\n  \
             \"AccountId\": \"111122223333\"\n}\n"
        );
    }

    #[test]
    fn keys_without_a_session_have_no_line_for_one() {
        let keys = Credentials { session_token: None, expiration: None, account_id: None, ..credentials() };
        assert_eq!(
            Format::EnvNoExport.write(&keys).unwrap(),
            "AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=secret/key\n"
        );
        let text = Format::Process.write(&keys).unwrap();
        assert!(!text.contains("SessionToken") && !text.contains("Expiration"), "{text}");
    }

    #[test]
    fn a_value_is_quoted_for_the_shell_that_reads_it() {
        let nasty = "http://h/a'b$c`d\\e;f&g";
        let cases = [
            (Format::Env, "export N='http://h/a'\\''b$c`d\\e;f&g'\n"),
            (Format::EnvNoExport, "N='http://h/a'\\''b$c`d\\e;f&g'\n"),
            (Format::Powershell, "$Env:N='http://h/a''b$c`d\\e;f&g'\n"),
            (Format::WindowsCmd, "set \"N=http://h/a'b$c`d\\e;f&g\"\n"),
            (Format::Fish, "set -gx N 'http://h/a\\'b$c`d\\\\e;f&g'\n"),
        ];
        for (format, line) in cases {
            assert_eq!(format.set("N", nasty).unwrap(), line, "{format:?}");
            for value in ["a\nb", "a\rb", "a\u{2019}b", "a\u{7f}"] {
                assert_eq!(format.set("N", value), None, "{format:?} {value:?}");
            }
        }
        for value in ["a%PATH%b", "a\"b"] {
            assert_eq!(Format::WindowsCmd.set("N", value), None, "{value}");
        }
        assert_eq!(Format::Env.set("N", "~/x").unwrap(), "export N='~/x'\n", "a shell would expand it");
        assert_eq!(Format::Process.set("N", "v"), None);
    }

    #[test]
    fn a_variable_is_removed_by_the_line_of_its_shell() {
        let lines = Format::ALL.map(|format| format.unset("N").unwrap_or_default());
        assert_eq!(lines, ["", "unset N\n", "N=\n", "$Env:N=$null\n", "set N=\n", "set -e N\n"]);
    }

    #[test]
    fn names_go_there_and_back() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("yaml"), None);
    }
}
