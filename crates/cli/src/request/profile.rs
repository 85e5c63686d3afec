//! The profile that a command uses: its name with the option or variable that gave it, and the words for a profile that does not
//! exist or that has no SSO role.

use std::path::Path;

use aws_formats::config::settings::{File, Section, Value};
use aws_formats::config::{ProfileKind, RoleSource, Settings, SsoSettings};
use outside::Env;

use super::config::{Config, editor};
use crate::report::hints::quoted;
use crate::report::nearest::{nearest, without_marks};
use crate::report::{Failure, Kind};

const OPTION: &str = "--profile";

/// The name of a profile, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NamedProfile<'a> {
    /// The name as it is given.
    pub(crate) name: &'a str,
    /// The option or the variable that gives it.
    pub(crate) origin: &'static str,
}

impl<'a> NamedProfile<'a> {
    /// The profile of `--profile`, `AWS_PROFILE` or `AWS_DEFAULT_PROFILE`; `None` if none of them names one.
    ///
    /// # Errors
    /// If the variable that counts is no text: the default profile in its place would be another identity.
    pub(crate) fn find(option: Option<&'a str>, env: &'a Env) -> Result<Option<Self>, Failure> {
        if let Some(name) = option {
            return Ok(Some(Self { name, origin: OPTION }));
        }
        for origin in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            if let Some(bytes) = env.raw_path(origin) {
                let shown = visible(&bytes.to_string_lossy());
                let message =
                    format!("The config profile ({shown}) could not be found; {origin} is not UTF-8 text");
                return Err(
                    Failure::new(Kind::NoSuchProfile, message).hint(format!("do without it: unset {origin}"))
                );
            }
            if let Some(name) = env.get(origin) {
                return Ok(Some(Self { name, origin }));
            }
        }
        Ok(None)
    }

    /// The words that give another name in the same way.
    fn renamed(self, name: &str) -> String {
        match self.origin {
            OPTION => format!("{OPTION} {}", quoted(name)),
            variable => format!("export {variable}={}", quoted(name)),
        }
    }
}

/// The failure for a profile that does not exist.
pub(crate) fn no_such_profile(named: NamedProfile<'_>, config: &Config) -> Failure {
    let known = config.settings.profile_names();
    let mut message = format!("The config profile ({}) could not be found", visible(named.name));
    if named.origin != OPTION {
        message.push_str(&format!("; the name comes from {}", named.origin));
    }
    if let Some(missing) = missing_file(config) {
        message.push_str(&format!("; {missing}"));
    }
    let mut failure = Failure::new(Kind::NoSuchProfile, message);
    failure.hints =
        hints_of_names(named.name, &known, "aldis configure list-profiles", |name| named.renamed(name));
    if named.origin != OPTION {
        failure = failure.hint(format!("or do without it: unset {}", named.origin));
    }
    of_missing_file(failure, config)
}

/// The failure for an sso-session that does not exist: the one of `--sso-session`, or the one that a profile names on a line of the
/// config file.
pub(crate) fn no_such_session(name: &str, line: Option<usize>, config: &Config) -> Failure {
    let known = config.settings.sso_session_names();
    let mut message = format!("The specified sso-session does not exist: \"{}\"", visible(name));
    if let Some(line) = line {
        message.push_str(&format!(" ({}, line {line})", config.path.display()));
    }
    if let Some(missing) = missing_file(config) {
        message.push_str(&format!("; {missing}"));
    }
    let mut failure = Failure::new(Kind::Configuration, message);
    let see = format!("cat {}", quoted(&config.path.to_string_lossy()));
    failure.hints = hints_of_names(name, &known, &see, |name| match line {
        Some(_) => format!("sso_session = {name}"),
        None => format!("--sso-session {}", quoted(name)),
    });
    match line {
        Some(line) => failure.hint(format!("edit the file: {}", edit(&config.path, line))),
        None => of_missing_file(failure, config),
    }
}

/// Says that the config file is missing, and which variable names it.
pub(crate) fn missing_file(config: &Config) -> Option<String> {
    if config.is_there {
        return None;
    }
    let by = if config.is_named_by_variable { ", which AWS_CONFIG_FILE names" } else { "" };
    Some(format!("there is no file {}{by}", config.path.display()))
}

/// Adds what helps if the config file is missing.
pub(crate) fn of_missing_file(failure: Failure, config: &Config) -> Failure {
    match (config.is_there, config.is_named_by_variable) {
        (true, _) => failure,
        (false, true) => failure.hint("use ~/.aws/config instead: unset AWS_CONFIG_FILE"),
        (false, false) => failure.hint("set up a profile: aldis configure sso"),
    }
}

/// Hints for a name that does not exist: the nearest of those that do, or some of them with the command that shows all.
pub(crate) fn hints_of_names(
    name: &str,
    known: &[&str],
    see: &str,
    renamed: impl Fn(&str) -> String,
) -> Vec<String> {
    const SHOWN: usize = 8;
    let bare = without_marks(name);
    let mut hints = Vec::new();
    let likely = nearest(&bare, known);
    if bare != name && likely.first() != Some(&bare.as_str()) && !bare.is_empty() {
        hints.push(format!("without the marks around it: {}", renamed(&bare)));
    }
    if likely.is_empty() && !known.is_empty() {
        let more = if known.len() > SHOWN { ", …" } else { "" };
        let names: Vec<String> = known.iter().take(SHOWN).map(|name| visible(name)).collect();
        hints.push(format!("there are {}{more}; see all: {see}", names.join(", ")));
    }
    hints.extend(likely.into_iter().map(|name| format!("did you mean: {}", renamed(name))));
    hints
}

/// A name in which characters that a terminal does not show stand as escapes; in quotes if a blank begins or ends it.
pub(crate) fn visible(name: &str) -> String {
    let is_seen = |c: char| c == ' ' || !(c.is_whitespace() || wire::words::is_unprintable(c));
    let shown: String = name
        .chars()
        .map(|c| match c {
            '\r' => "\\r".to_owned(),
            '\n' => "\\n".to_owned(),
            '\t' => "\\t".to_owned(),
            c if is_seen(c) => c.to_string(),
            c => c.escape_unicode().to_string(),
        })
        .collect();
    if shown.trim() == shown { shown } else { format!("\"{shown}\"") }
}

/// The command that opens a file at a line.
pub(crate) fn edit(path: &Path, line: usize) -> String {
    format!("{} +{line} {}", editor(), quoted(&path.to_string_lossy()))
}

/// The path of the file that a value stands in.
pub(crate) fn path_of<'a>(value: &Value, config: &'a Config) -> &'a Path {
    match value.file {
        File::Config => &config.path,
        File::Credentials => &config.credentials,
    }
}

fn place_of(value: &Value, config: &Config) -> String {
    format!("{}, line {}", path_of(value, config).display(), value.line)
}

/// The purpose for which a command needs a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A session to sign in to.
    SignIn,
    /// Credentials.
    Credentials,
}

/// The failure for a profile whose credentials come from somewhere else than an SSO role. Giving the credentials of its `sso_*` keys
/// all the same would be another identity than the AWS CLI has for that profile.
pub(crate) fn other_kind(name: &str, kind: ProfileKind<'_>, purpose: Purpose, config: &Config) -> Failure {
    let settings = &config.settings;
    let shown = visible(name);
    let mut message = format!("the profile \"{shown}\" {}", described(kind, config));
    let with_aws_cli =
        format!("use it with the AWS CLI: aws sts get-caller-identity --profile {}", quoted(name));
    let mut hints = Vec::new();
    match kind {
        ProfileKind::AssumeRole { .. } => {
            if purpose == Purpose::Credentials {
                message.push_str("; aldis cannot assume roles yet");
            }
            if let Some(base) = sso_base(settings, name) {
                hints.push(format!(
                    "sign in to the profile that it builds on: aldis login --profile {}",
                    quoted(base)
                ));
            }
            hints.push(with_aws_cli);
        }
        ProfileKind::ConsoleLogin(_) => hints.push(format!("sign in: aws login --profile {}", quoted(name))),
        ProfileKind::CredentialProcess(command) => {
            if let Some(other) = profile_of_own_command(&command.text).filter(|other| *other != name) {
                hints.push(format!("name the profile that it asks for: --profile {}", quoted(other)));
            }
            hints.push(with_aws_cli);
        }
        ProfileKind::WebIdentity { .. } => hints.push(with_aws_cli),
        ProfileKind::SharedKeys(_) | ProfileKind::ConfigKeys(_) => {
            hints.push(with_aws_cli);
            hints.push("for a role of SSO make a profile of its own: aldis configure sso".to_owned());
        }
        ProfileKind::SsoRole | ProfileKind::SsoToken | ProfileKind::NoCredentials => {
            let path = quoted(&config.path.to_string_lossy());
            hints.push(format!("set it up: aldis configure sso --profile {}", quoted(name)));
            hints.push(format!("edit the file: {} {path}", editor()));
        }
    }
    let section = settings.profile(name);
    let own = |key: &str| section.and_then(|section| section.get(key)).filter(|value| !value.is_empty());
    if let (Purpose::Credentials, Some(account), Some(role)) =
        (purpose, own("sso_account_id"), own("sso_role_name"))
        && section.is_some_and(|section| SsoSettings::of_section(settings, name, section).is_ok())
    {
        message.push_str(
            ", and its sso_account_id and sso_role_name are another identity, which the AWS CLI does not use",
        );
        let (account, role) = (quoted(account), quoted(role));
        hints.push(format!("if that one is meant, name it: add --account-id {account} --role-name {role}"));
    }
    let mut failure = Failure::new(Kind::Configuration, message);
    failure.hints = hints;
    failure
}

fn described(kind: ProfileKind<'_>, config: &Config) -> String {
    let place = |value: &Value| place_of(value, config);
    match kind {
        ProfileKind::AssumeRole { role_arn, source: Some(RoleSource::Profile(source)) } => format!(
            "assumes a role (role_arn: {}) with the credentials of the profile \"{}\"",
            place(role_arn),
            visible(&source.text)
        ),
        ProfileKind::AssumeRole { role_arn, source: Some(RoleSource::Place(source)) } => format!(
            "assumes a role (role_arn: {}) with the credentials of {}",
            place(role_arn),
            visible(&source.text)
        ),
        ProfileKind::AssumeRole { role_arn, source: None } => format!(
            "assumes a role (role_arn: {}), and neither source_profile nor credential_source says with which credentials",
            place(role_arn)
        ),
        ProfileKind::WebIdentity { token_file } => {
            format!(
                "assumes a role with a web identity token (web_identity_token_file: {})",
                place(token_file)
            )
        }
        ProfileKind::SharedKeys(key) | ProfileKind::ConfigKeys(key) => {
            format!("holds access keys (aws_access_key_id: {}), which need no sign-in", place(key))
        }
        ProfileKind::ConsoleLogin(arn) => {
            format!("has the console sign-in of aws login (login_session: {}), and no SSO", place(arn))
        }
        ProfileKind::CredentialProcess(command) => {
            format!("has its credentials from a program (credential_process: {})", place(command))
        }
        ProfileKind::SsoRole => {
            "has an account or a role of SSO, and no session for it (sso_session, or sso_start_url and sso_region)".to_owned()
        }
        ProfileKind::SsoToken | ProfileKind::NoCredentials => {
            "has no SSO settings (sso_session, or sso_start_url and sso_region)".to_owned()
        }
    }
}

/// The profile with an SSO role at the end of a chain of `source_profile`.
fn sso_base<'a>(settings: &'a Settings, profile: &str) -> Option<&'a str> {
    let mut seen = vec![profile];
    let mut section = settings.profile(profile)?;
    loop {
        let ProfileKind::AssumeRole { source: Some(RoleSource::Profile(source)), .. } =
            ProfileKind::of(section)
        else {
            return None;
        };
        let name = source.text.as_str();
        if seen.contains(&name) {
            return None;
        }
        section = settings.profile(name)?;
        if ProfileKind::of(section) == ProfileKind::SsoRole {
            return Some(name);
        }
        seen.push(name);
    }
}

/// The profile of a `credential_process` that is `aldis creds --profile NAME`.
fn profile_of_own_command(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    let is_quote = |c: char| c == '"' || c == '\'';
    let program = words.next()?.trim_matches(is_quote).rsplit('/').next()?;
    let mut words = words.skip_while(|word| *word != OPTION);
    words.next().filter(|_| program == "aldis")?;
    words.next().map(|name| name.trim_matches(is_quote))
}

/// Words on a profile whose own `sso_*` keys are signed in to although its credentials come from a role that it assumes: `aws sso
/// login --profile` looks at those keys only.
pub(crate) fn note_of_assumed_role(name: &str, section: &Section) -> Option<String> {
    matches!(ProfileKind::of(section), ProfileKind::AssumeRole { .. } | ProfileKind::WebIdentity { .. }).then(|| {
        format!(
            "The profile \"{}\" assumes a role; this is about the session of its sso_* keys, as with aws sso login",
            visible(name)
        )
    })
}

/// A warning about access keys that stand under the names of profiles with an SSO role. The AWS CLI and boto3 prefer SSO; the SDKs
/// for JavaScript and Go prefer the keys, which are often left over from the time before SSO.
pub(crate) fn keys_beside_sso<'a>(
    profiles: impl Iterator<Item = (&'a str, &'a Section)>,
    config: &Config,
) -> Option<String> {
    const SHOWN: usize = 3;
    let found: Vec<String> = profiles
        .filter(|(_, section)| ProfileKind::of(section) == ProfileKind::SsoRole)
        .filter_map(|(name, section)| {
            Some(format!("\"{}\" ({})", visible(name), lines_of_keys(section, config)?))
        })
        .collect();
    if found.is_empty() {
        return None;
    }
    let more = if found.len() > SHOWN { format!(" and {} more", found.len() - SHOWN) } else { String::new() };
    let (keys, profiles) = if found.len() == 1 { ("keys", "profile") } else { ("keys", "profiles") };
    let shown = found[..found.len().min(SHOWN)].join(", ");
    Some(format!(
        "the SDKs for JavaScript and Go use the access {keys} of the {profiles} {shown}{more} and not this sign-in"
    ))
}

/// A warning for the profile `default` if the config file has both `[default]` and `[profile default]`.
pub(crate) fn second_default(name: &str, config: &Config) -> Option<String> {
    let left_out = config.settings.left_out_default().filter(|_| name == "default")?;
    let read = config.settings.profile(name)?.line();
    Some(format!(
        "{} has two sections for the profile default: as the AWS CLI does, aldis reads the one on line {read} and not the one on line \
         {left_out}; some SDKs read the other",
        config.path.display()
    ))
}

fn lines_of_keys(section: &Section, config: &Config) -> Option<String> {
    let access = section.value("aws_access_key_id")?;
    let secret = section.value("aws_secret_access_key").filter(|secret| secret.file == access.file);
    let path = path_of(access, config).display();
    Some(match secret {
        Some(secret) => {
            format!("{path}, lines {} and {}", access.line.min(secret.line), access.line.max(secret.line))
        }
        None => format!("{path}, line {}", access.line),
    })
}

#[cfg(test)]
mod tests;
