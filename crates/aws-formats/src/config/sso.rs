//! What a profile or an sso-session means for signing in.

use crate::config::settings::{File, Section, Settings, Value};
use wire::words::shown_address;

/// Everything that a sign-in needs to know, as far as the files say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoSettings {
    /// The name of the sso-session; none for a legacy profile, which holds the settings itself.
    pub session: Option<String>,
    /// The start URL exactly as written, which names the token file of a legacy profile.
    pub start_url: String,
    /// The region of the Identity Center. An Aldis center says it itself.
    pub sso_region: Option<String>,
    /// The scopes to register with; none when nothing is configured, which is part of the registration's file name.
    pub registration_scopes: Option<Vec<String>>,
    /// The account of the profile.
    pub account_id: Option<String>,
    /// The role of the profile.
    pub role_name: Option<String>,
    /// The profile's own region, for the services that it uses.
    pub region: Option<String>,
    /// `sso_redirect_port` of the sso-session as written: the port to which a browser comes back.
    pub redirect_port: Option<Value>,
    /// `sso_use_device_code` of the sso-session as written: whether to sign in with a code. Like the port it has no effect in a profile
    /// (aws/aws-cli pull request 10635).
    pub use_device_code: Option<Value>,
}

/// Why there is nothing to sign in with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SsoError {
    /// No such profile.
    #[error("The config profile ({0}) could not be found")]
    NoProfile(String),
    /// No such sso-session.
    #[error("The specified sso-session does not exist: \"{name}\"{}", place(.line))]
    NoSession {
        /// Its name.
        name: String,
        /// The line of the profile that names it, where one does.
        line: Option<usize>,
    },
    /// The profile says nothing of SSO.
    #[error("the profile \"{profile}\" has no SSO settings (sso_session, or sso_start_url and sso_region)")]
    NotSso {
        /// Its name.
        profile: String,
    },
    /// A value is missing.
    #[error("Missing the following required SSO configuration values: {key} (in {section}{})", place(.line))]
    Missing {
        /// Which value.
        key: &'static str,
        /// In which section, such as `[profile dev]`.
        section: String,
        /// The line of that section.
        line: Option<usize>,
    },
    /// Profile and session disagree.
    #[error("The value for {key} is inconsistent between profile ({}) and sso-session ({}).{}", shown_address(.in_profile), shown_address(.in_session), place(.line))]
    Inconsistent {
        /// Which value.
        key: &'static str,
        /// What the profile says.
        in_profile: String,
        /// What the session says.
        in_session: String,
        /// Where the profile says it.
        line: Option<usize>,
    },
}

#[allow(clippy::ref_option, reason = "the error's display hands over what it has")]
fn place(line: &Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" (line {line})"))
}

impl SsoSettings {
    /// What a profile means.
    ///
    /// # Errors
    /// When it does not exist, says nothing of SSO, or not enough.
    pub fn of_profile(settings: &Settings, name: &str) -> Result<Self, SsoError> {
        let profile = settings.profile(name).ok_or_else(|| SsoError::NoProfile(name.to_owned()))?;
        Self::of_section(settings, name, profile)
    }

    /// What the profile `name` means, whose section is at hand already.
    ///
    /// # Errors
    /// When it says nothing of SSO, or not enough.
    pub fn of_section(settings: &Settings, name: &str, profile: &Section) -> Result<Self, SsoError> {
        let mut found = match profile.value("sso_session").filter(|value| !value.text.is_empty()) {
            Some(value) => {
                let line = Some(value.line).filter(|_| value.file == File::Config);
                let found = Self::of_named_session(settings, &value.text, line, Some(profile))?;
                for (key, in_session) in [
                    ("sso_start_url", Some(found.start_url.clone())),
                    ("sso_region", found.sso_region.clone()),
                ] {
                    agree(profile, key, in_session)?;
                }
                found
            }
            None => Self::legacy(profile, name)?,
        };
        found.account_id = filled(profile, "sso_account_id");
        found.role_name = filled(profile, "sso_role_name");
        found.region = filled(profile, "region");
        Ok(found)
    }

    /// What an sso-session means by itself.
    ///
    /// # Errors
    /// When it does not exist or has no start URL.
    pub fn of_session(settings: &Settings, name: &str) -> Result<Self, SsoError> {
        Self::of_named_session(settings, name, None, None)
    }

    /// A profile may complete what its session leaves out, as with the AWS CLI.
    fn of_named_session(
        settings: &Settings,
        name: &str,
        line: Option<usize>,
        profile: Option<&Section>,
    ) -> Result<Self, SsoError> {
        let session =
            settings.sso_session(name).ok_or_else(|| SsoError::NoSession { name: name.to_owned(), line })?;
        let either = |key| filled(session, key).or_else(|| filled(profile?, key));
        let start_url = either("sso_start_url").ok_or_else(|| SsoError::Missing {
            key: "sso_start_url",
            section: format!("[sso-session {name}]"),
            line: Some(session.line()),
        })?;
        Ok(Self {
            session: Some(name.to_owned()),
            start_url,
            sso_region: either("sso_region"),
            registration_scopes: scopes(session),
            account_id: None,
            role_name: None,
            region: None,
            redirect_port: value(session, "sso_redirect_port"),
            use_device_code: value(session, "sso_use_device_code"),
        })
    }

    fn legacy(profile: &Section, name: &str) -> Result<Self, SsoError> {
        let missing = |key| SsoError::Missing {
            key,
            section: if name == "default" { "[default]".to_owned() } else { format!("[profile {name}]") },
            line: Some(profile.line()).filter(|line| *line > 0),
        };
        let is_sso = filled(profile, "sso_start_url").is_some() || filled(profile, "sso_region").is_some();
        if !is_sso {
            return Err(SsoError::NotSso { profile: name.to_owned() });
        }
        Ok(Self {
            session: None,
            start_url: filled(profile, "sso_start_url").ok_or_else(|| missing("sso_start_url"))?,
            sso_region: filled(profile, "sso_region"),
            registration_scopes: None,
            account_id: None,
            role_name: None,
            region: None,
            redirect_port: None,
            use_device_code: None,
        })
    }
}

fn filled(section: &Section, key: &str) -> Option<String> {
    section.get(key).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn value(section: &Section, key: &str) -> Option<Value> {
    section.value(key).filter(|value| !value.text.is_empty()).cloned()
}

fn agree(profile: &Section, key: &'static str, in_session: Option<String>) -> Result<(), SsoError> {
    let (Some(value), Some(in_session)) = (profile.value(key), in_session) else { return Ok(()) };
    if value.text == in_session {
        return Ok(());
    }
    Err(SsoError::Inconsistent {
        key,
        in_profile: value.text.clone(),
        in_session,
        line: Some(value.line).filter(|_| value.file == File::Config),
    })
}

fn scopes(session: &Section) -> Option<Vec<String>> {
    let text = session.get("sso_registration_scopes")?;
    let scopes: Vec<String> =
        text.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    (!scopes.is_empty()).then_some(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
[profile dev]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = ReadOnly
region = eu-west-1

[sso-session corp]
sso_start_url = https://d-1234567890.awsapps.com/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access, openid

[profile old]
sso_start_url = https://d-1234567890.awsapps.com/start#/
sso_region = us-east-1

[profile keys]
aws_access_key_id = A
";

    fn of(text: &str, profile: &str) -> Result<SsoSettings, SsoError> {
        SsoSettings::of_profile(&Settings::parse(text, "").unwrap(), profile)
    }

    #[test]
    fn a_profile_with_a_session() {
        let sso = of(CONFIG, "dev").unwrap();
        assert_eq!(sso.session.as_deref(), Some("corp"));
        assert_eq!(sso.account_id.as_deref(), Some("111122223333"));
        assert_eq!(sso.registration_scopes.unwrap(), ["sso:account:access", "openid"]);
        assert_eq!(
            (sso.sso_region.as_deref(), sso.region.as_deref()),
            (Some("us-east-1"), Some("eu-west-1"))
        );
    }

    #[test]
    fn a_legacy_profile_keeps_its_start_url_as_written() {
        let sso = of(CONFIG, "old").unwrap();
        assert_eq!((sso.session, sso.start_url.as_str()), (None, "https://d-1234567890.awsapps.com/start#/"));
    }

    #[test]
    fn a_profile_completes_its_session() {
        let sso = of(
            "[profile p]\nsso_session = s\nsso_start_url = https://x\nsso_region = r\n[sso-session s]\nsso_start_url =\n",
            "p",
        );
        let sso = sso.unwrap();
        assert_eq!((sso.start_url.as_str(), sso.sso_region.as_deref()), ("https://x", Some("r")));
    }

    #[test]
    fn keys_of_the_flow_count_in_the_session_only() {
        let text = "[profile p]\nsso_session = s\nsso_redirect_port = 1\nsso_use_device_code = true\n\
                    [sso-session s]\nsso_start_url = https://x\nsso_redirect_port = 8250\n\
                    [profile q]\nsso_session = t\n[sso-session t]\nsso_start_url = https://x\nsso_use_device_code = TRUE\n\
                    [profile old]\nsso_start_url = https://x\nsso_redirect_port = 3\nsso_use_device_code = true\n";
        let read = |value: &Option<Value>| value.as_ref().map(|value| (value.text.clone(), value.line));
        let flow = |profile| {
            let sso = of(text, profile).unwrap();
            (read(&sso.redirect_port), read(&sso.use_device_code))
        };
        assert_eq!(flow("p"), (Some(("8250".to_owned(), 7)), None));
        assert_eq!(flow("q"), (None, Some(("TRUE".to_owned(), 12))));
        assert_eq!(flow("old"), (None, None));
    }

    #[test]
    fn faults_say_where() {
        let cases = [
            (CONFIG.to_owned(), "zz", "The config profile (zz) could not be found"),
            (CONFIG.to_owned(), "keys", "the profile \"keys\" has no SSO settings"),
            (
                CONFIG.replace("sso_session = corp", "sso_session = x"),
                "dev",
                "does not exist: \"x\" (line 2)",
            ),
            (
                CONFIG.replace("sso_start_url = https://d-1234567890.awsapps.com/start\n", ""),
                "dev",
                "sso_start_url (in [sso-session corp] (line 7))",
            ),
            (
                CONFIG.replace("region = eu-west-1", "sso_region = us-west-2"),
                "dev",
                "The value for sso_region is inconsistent between profile (us-west-2) and sso-session (us-east-1). (line 5)",
            ),
        ];
        for (text, profile, words) in cases {
            let error = of(&text, profile).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
