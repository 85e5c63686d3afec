//! Credentials in the forms that other tools take: one file a form.

mod env;
mod env_no_export;
mod fish;
mod powershell;
mod process;
mod windows_cmd;

use crate::sso_cache::{RoleCredentials, moment};

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

    /// Credentials in this form, with a line feed at the end.
    pub fn write(self, credentials: &RoleCredentials) -> String {
        match self {
            Self::Process => process::write(credentials),
            Self::Env => env::write(credentials),
            Self::EnvNoExport => env_no_export::write(credentials),
            Self::Powershell => powershell::write(credentials),
            Self::WindowsCmd => windows_cmd::write(credentials),
            Self::Fish => fish::write(credentials),
        }
    }
}

/// The variables, in the order of the AWS CLI.
pub const NAMES: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];

/// The variables with their values, two of which are secret.
pub fn variables(credentials: &RoleCredentials) -> [(&'static str, String); 4] {
    let values = [
        credentials.access_key_id.clone(),
        credentials.secret_access_key.expose().to_owned(),
        credentials.session_token.expose().to_owned(),
        moment::format(credentials.expiration),
    ];
    let mut values = values.into_iter();
    NAMES.map(|name| (name, values.next().unwrap_or_default()))
}

fn lines(credentials: &RoleCredentials, line: impl Fn(&str, &str) -> String) -> String {
    variables(credentials).iter().map(|(name, value)| line(name, value) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> RoleCredentials {
        RoleCredentials {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "secret/key".into(),
            session_token: "token==".into(),
            expiration: "2026-11-23T10:00:00Z".parse().unwrap(),
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
            let text = format.write(&credentials());
            assert!(text.starts_with(beginning), "{text}");
            assert_eq!(text.lines().count(), 4);
            assert!(text.contains("2026-11-23T10:00:00Z"));
        }
    }

    #[test]
    fn the_process_form_is_what_every_sdk_takes() {
        let text = Format::Process.write(&credentials());
        assert_eq!(
            text,
            "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"ASIAEXAMPLE\",\n  \"SecretAccessKey\": \"secret/key\",\n  \
             \"SessionToken\": \"token==\",\n  \"Expiration\": \"2026-11-23T10:00:00Z\",\n  \
             \"AccountId\": \"111122223333\"\n}\n"
        );
    }

    #[test]
    fn names_go_there_and_back() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("yaml"), None);
    }
}
