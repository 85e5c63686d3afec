//! The kind of a profile: which of its keys its credentials come from. It decides by the keys alone; it reads no other file and no
//! environment variable.

use crate::config::settings::{Section, Value};

/// The source of a profile's credentials.
///
/// The AWS CLI asks its providers in the order of these variants and takes the first one that finds its key (botocore's
/// `create_credential_resolver`); a key without a value counts, as it does there. Taking another one, such as the SSO role of a
/// profile with `role_arn`, would give credentials of another account than `aws` does for the same profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileKind<'a> {
    /// `role_arn`: AssumeRole with the credentials of another profile or place.
    AssumeRole {
        /// `role_arn`.
        role_arn: &'a Value,
        /// The credentials that assume it; `None` if the profile names none, which every AWS tool refuses.
        source: Option<RoleSource<'a>>,
    },
    /// `web_identity_token_file`: AssumeRoleWithWebIdentity.
    WebIdentity {
        /// `web_identity_token_file`.
        token_file: &'a Value,
    },
    /// `sso_account_id` and `sso_role_name`: GetRoleCredentials of IAM Identity Center.
    SsoRole,
    /// `aws_access_key_id` in the credentials file.
    SharedKeys(&'a Value),
    /// `login_session`, which `aws login` writes.
    ConsoleLogin(&'a Value),
    /// `credential_process`.
    CredentialProcess(&'a Value),
    /// `aws_access_key_id` in the config file.
    ConfigKeys(&'a Value),
    /// An SSO session without account and role: a sign-in, and no credentials.
    SsoToken,
    /// None of these keys.
    NoCredentials,
}

/// The credentials that assume a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleSource<'a> {
    /// `source_profile`.
    Profile(&'a Value),
    /// `credential_source`: `Environment`, `Ec2InstanceMetadata` or `EcsContainer`.
    Place(&'a Value),
}

impl<'a> ProfileKind<'a> {
    /// Finds the kind of a profile.
    pub fn of(profile: &'a Section) -> Self {
        use crate::config::settings::File::{Config, Credentials};
        let value = |key| profile.value(key);
        let filled = |key| value(key).filter(|value| !value.text.is_empty());
        let keys_in = |file| value("aws_access_key_id").filter(|value| value.file == file);
        // The assume-role provider leaves each profile that has this key, even an empty one, to the web identity provider. That one
        // needs a value.
        if value("web_identity_token_file").is_none()
            && let Some(role_arn) = value("role_arn")
        {
            let of_profile = value("source_profile").map(RoleSource::Profile);
            let source = of_profile.or_else(|| value("credential_source").map(RoleSource::Place));
            return Self::AssumeRole { role_arn, source };
        }
        if let Some(token_file) = filled("web_identity_token_file") {
            return Self::WebIdentity { token_file };
        }
        if value("sso_account_id").or_else(|| value("sso_role_name")).is_some() {
            return Self::SsoRole;
        }
        if let Some(access_key) = keys_in(Credentials) {
            return Self::SharedKeys(access_key);
        }
        if let Some(login_session) = value("login_session") {
            return Self::ConsoleLogin(login_session);
        }
        if let Some(command) = value("credential_process") {
            return Self::CredentialProcess(command);
        }
        if let Some(access_key) = keys_in(Config) {
            return Self::ConfigKeys(access_key);
        }
        let has_session =
            ["sso_session", "sso_start_url", "sso_region"].into_iter().find_map(filled).is_some();
        if has_session { Self::SsoToken } else { Self::NoCredentials }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::config::settings::File;

    /// The name of a kind, with the file of its keys if there are any.
    fn named(kind: ProfileKind<'_>) -> &'static str {
        match kind {
            ProfileKind::AssumeRole { source: Some(RoleSource::Profile(_)), .. } => "role of profile",
            ProfileKind::AssumeRole { source: Some(RoleSource::Place(_)), .. } => "role of place",
            ProfileKind::AssumeRole { source: None, .. } => "role of nothing",
            ProfileKind::WebIdentity { .. } => "web identity",
            ProfileKind::SsoRole => "sso role",
            ProfileKind::SharedKeys(key) if key.file == File::Credentials => "shared keys",
            ProfileKind::ConfigKeys(key) if key.file == File::Config => "config keys",
            ProfileKind::SharedKeys(_) | ProfileKind::ConfigKeys(_) => "keys of the wrong file",
            ProfileKind::ConsoleLogin(_) => "console login",
            ProfileKind::CredentialProcess(_) => "process",
            ProfileKind::SsoToken => "sso token",
            ProfileKind::NoCredentials => "nothing",
        }
    }

    fn kind(config: &str, credentials: &str) -> &'static str {
        let settings =
            Settings::parse(format!("[profile p]\n{config}"), format!("[p]\n{credentials}")).unwrap();
        named(ProfileKind::of(settings.profile("p").unwrap()))
    }

    const ROLE: &str = "role_arn = arn:aws:iam::444455556666:role/r\n";
    const SOURCE: &str = "source_profile = base\n";
    const PLACE: &str = "credential_source = Environment\n";
    const WEB: &str = "web_identity_token_file = /t\n";
    const SSO: &str = "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = R\n";
    const KEYS: &str = "aws_access_key_id = A\naws_secret_access_key = S\n";
    const LOGIN: &str = "login_session = arn:aws:iam::111122223333:user/u\n";
    const PROCESS: &str = "credential_process = /bin/p\n";

    #[test]
    fn profile_kind_is_the_provider_that_the_aws_cli_asks_first() {
        // In the AWS CLI's order, each with the keys that mean it; the keys of the credentials file stand there.
        let ranked: [(&str, &str, &str); 7] = [
            ("role of profile", "role_arn = a\nsource_profile = base\n", ""),
            ("web identity", WEB, ""),
            ("sso role", SSO, ""),
            ("shared keys", "", KEYS),
            ("console login", LOGIN, ""),
            ("process", PROCESS, ""),
            ("config keys", KEYS, ""),
        ];
        for (first, (name, config, credentials)) in ranked.iter().enumerate() {
            assert_eq!(kind(config, credentials), *name);
            for (other, more, shared) in &ranked[first + 1..] {
                if *name == "role of profile" && *other == "web identity" {
                    continue;
                }
                let both = format!("{more}{config}");
                assert_eq!(kind(&both, &format!("{shared}{credentials}")), *name, "{name} beside {other}");
            }
        }
    }

    #[test]
    fn profile_kind_of_each_combination_of_keys_is_that_of_the_aws_cli() {
        let table = [
            (format!("{ROLE}{SOURCE}{SSO}"), "", "role of profile"),
            (format!("{ROLE}{PLACE}{SSO}"), "", "role of place"),
            (format!("{ROLE}{SSO}"), "", "role of nothing"),
            (format!("role_arn =\n{SSO}"), "", "role of nothing"),
            (format!("{ROLE}{SOURCE}{WEB}{SSO}"), "", "web identity"),
            (format!("{ROLE}{WEB}{SSO}"), "", "web identity"),
            // An empty file name keeps the role from being assumed and names no token.
            (format!("{ROLE}{SOURCE}web_identity_token_file =\n{SSO}"), "", "sso role"),
            // The credentials file may hold any key.
            (SSO.to_owned(), ROLE, "role of nothing"),
            (SSO.to_owned(), KEYS, "sso role"),
            (SSO.to_owned(), LOGIN, "sso role"),
            // Half of what an SSO role needs is an error of SSO and no other source.
            (format!("sso_account_id = 111122223333\n{KEYS}"), "", "sso role"),
            (format!("sso_role_name =\n{PROCESS}"), "", "sso role"),
            // A session alone gives no credentials, so the next source does.
            (format!("sso_session = corp\n{PROCESS}"), "", "process"),
            ("sso_session = corp\n".to_owned(), KEYS, "shared keys"),
            ("sso_session = corp\n".to_owned(), "", "sso token"),
            ("sso_start_url = https://x\nsso_region = r\n".to_owned(), "", "sso token"),
            (format!("{SOURCE}region = r\n"), "", "nothing"),
            ("aws_secret_access_key = S\n".to_owned(), "", "nothing"),
            (String::new(), "", "nothing"),
        ];
        for (config, credentials, expected) in table {
            assert_eq!(kind(&config, credentials), expected, "{config}{credentials}");
        }
    }
}
