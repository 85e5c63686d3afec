//! Which role is meant.

use aws_formats::config::ProfileKind;
use aws_formats::config::account_id::{
    is_account_id, is_role_name, is_rounded_number, likely_account_id, likely_role_name,
};
use aws_formats::config::settings::{Section, Value};
use outside::Outside;
use signin::session::Session;

use super::account;
use super::config::Config;
use super::login_session::LoginSession;
use super::profile::{self, NamedProfile, Purpose, edit, path_of, visible};
use super::session::{self, Meant};
use crate::args::{RoleArgs, SessionArgs};
use crate::report::news::News;
use crate::report::words::Style;
use crate::report::{Failure, Kind, hints};

/// A role of a session.
#[derive(Debug)]
pub(crate) struct RoleRequest {
    /// The session.
    pub(crate) meant: Meant,
    /// The account. Before [`Self::with_account_id`] it may be a name.
    pub(crate) account_id: String,
    /// The role.
    pub(crate) role_name: String,
    /// Warnings about the profile, for people.
    pub(crate) warnings: Vec<String>,
    /// Whether an address that changed is meant.
    endpoint_changed: bool,
}

impl RoleRequest {
    /// The same role with the account's id, if its name was given. Only then the portal is asked for the accounts.
    pub(crate) fn with_account_id(mut self, outside: &Outside, style: Style) -> Result<Self, Failure> {
        if is_account_id(&self.account_id) {
            return Ok(self);
        }
        self.meant.tell_now(outside, style);
        let mut news = News::new(outside, style);
        let accounts = self.open(outside).with_portal(&mut news, |portal| portal.accounts());
        let accounts = accounts.map_err(|error| hints::portal(error, &self.meant))?;
        self.account_id = account::find(&self.account_id, &accounts, "--account-id")?.account_id.clone();
        Ok(self)
    }

    /// The session of the role. Nothing is read or asked yet.
    pub(crate) fn open(&self, outside: &Outside) -> Session {
        self.meant.open(outside).allowing_changed_endpoint(self.endpoint_changed)
    }
}

/// The source of the credentials that a command gives or uses.
#[derive(Debug)]
pub(crate) enum CredentialsRequest {
    /// A role of an SSO session.
    Role(Box<RoleRequest>),
    /// The console sign-in of `aws login`.
    LoginSession(Box<LoginSession>),
}

/// Finds the source of the credentials: the options first, then the profile, whose kind decides as it does in the AWS CLI.
pub(crate) fn complete(
    session: &SessionArgs,
    role: &RoleArgs,
    outside: &Outside,
) -> Result<CredentialsRequest, Failure> {
    let config = Config::read(outside)?;
    let named = NamedProfile::find(session.profile.as_deref(), &outside.env)?;
    let name = named.map_or("default", |named| named.name);
    // With --sso-session no profile gives a role, and with both of these options none is asked for one.
    let is_by_options =
        session.sso_session.is_some() || role.account_id.is_some() && role.role_name.is_some();
    let section = config.settings.profile(name).filter(|_| !is_by_options);
    match section.map(ProfileKind::of) {
        Some(ProfileKind::ConsoleLogin(arn)) if role.account_id.is_none() && role.role_name.is_none() => {
            let login = LoginSession::read(name, arn, &config, outside)?;
            return Ok(CredentialsRequest::LoginSession(Box::new(login)));
        }
        None | Some(ProfileKind::SsoRole | ProfileKind::SsoToken | ProfileKind::NoCredentials) => {}
        Some(kind) => return Err(profile::other_kind(name, kind, Purpose::Credentials, &config)),
    }
    let meant = session::complete_in(session, &outside.env, &config)?;
    let of_profile = |key| section.and_then(|section| section.value(key));
    if role.account_id.is_none()
        && let Some(account_id) = of_profile("sso_account_id")
    {
        check_account_id(account_id, &meant, &config)?;
    }
    if role.role_name.is_none()
        && let Some(role_name) = of_profile("sso_role_name")
    {
        check_role_name(role_name, &meant, &config)?;
    }
    let account_id = role.account_id.clone().or_else(|| meant.sso.account_id.clone());
    let role_name = role.role_name.clone().or_else(|| meant.sso.role_name.clone());
    match (account_id, role_name) {
        (Some(account_id), Some(role_name)) => {
            let endpoint_changed = role.endpoint.endpoint_changed;
            let mut warnings = Vec::new();
            if let Some(section) = section {
                warnings.extend(profile::keys_beside_sso([(name, section)].into_iter(), &config));
                warnings.extend(profile::second_default(name, &config));
            }
            let request = RoleRequest { meant, account_id, role_name, warnings, endpoint_changed };
            Ok(CredentialsRequest::Role(Box::new(request)))
        }
        (None, _) => {
            let failure = Failure::new(
                Kind::Configuration,
                "no account is named: neither --account-id nor sso_account_id in a profile",
            );
            Err(failure.hint(format!(
                "see your accounts, then add --account-id ID --role-name NAME: aldis accounts{}",
                meant.selector
            )))
        }
        (Some(account_id), None) => {
            let failure = Failure::new(
                Kind::Configuration,
                "no role is named: neither --role-name nor sso_role_name in a profile",
            );
            Err(failure.hint(format!(
                "see your roles there, then add --role-name NAME: aldis roles {account_id}{}",
                meant.selector
            )))
        }
    }
}

/// The role of a profile that is known to have one.
pub(crate) fn of_profile(name: &str, outside: &Outside) -> Result<RoleRequest, Failure> {
    let session = SessionArgs { profile: Some(name.to_owned()), sso_session: None };
    match complete(&session, &RoleArgs::default(), outside)? {
        CredentialsRequest::Role(request) => Ok(*request),
        CredentialsRequest::LoginSession(_) => Err(Failure::new(
            Kind::Configuration,
            format!("the profile \"{}\" has no SSO role", visible(name)),
        )),
    }
}

/// Refuses an `sso_account_id` that no center knows. It would be sent as it is, and the center says no more than "no access".
fn check_account_id(value: &Value, meant: &Meant, config: &Config) -> Result<(), Failure> {
    if is_account_id(&value.text) {
        return Ok(());
    }
    let why = match likely_account_id(&value.text) {
        _ if value.text.is_empty() => "is empty",
        None if is_rounded_number(&value.text) => "is a number that a spreadsheet has rounded",
        _ => "is no account id, which has twelve digits",
    };
    let likely = likely_account_id(&value.text);
    Err(bad_value("sso_account_id", value, why, likely.as_deref(), config)
        .hint(format!("see your accounts: aldis accounts{}", meant.selector)))
}

/// Refuses an `sso_role_name` that is empty, or that is an ARN or a path and no name.
fn check_role_name(value: &Value, meant: &Meant, config: &Config) -> Result<(), Failure> {
    let why = match value.text.as_str() {
        "" => "is empty",
        name if is_role_name(name) => return Ok(()),
        _ => "is not the name of a permission set",
    };
    let likely = likely_role_name(&value.text);
    let account = meant.sso.account_id.as_deref().filter(|id| is_account_id(id)).unwrap_or("ACCOUNT");
    Err(bad_value("sso_role_name", value, why, likely, config)
        .hint(format!("see your roles there: aldis roles {account}{}", meant.selector)))
}

fn bad_value(key: &str, value: &Value, why: &str, likely: Option<&str>, config: &Config) -> Failure {
    let path = path_of(value, config);
    let shown = match value.text.is_empty() {
        true => String::new(),
        false => format!(" \"{}\"", wire::words::printable(&visible(&value.text), 80)),
    };
    let message = format!("{key}{shown} {why} ({}, line {})", path.display(), value.line);
    let edit = edit(path, value.line);
    Failure::new(Kind::Configuration, message).hint(match likely {
        Some(likely) => format!("write {key} = {likely} there, if that is meant: {edit}"),
        None => format!("correct it: {edit}"),
    })
}

/// The access keys that stand beside SSO under the names of the profiles of a session.
pub(crate) fn keys_beside_session(meant: &Meant, config: &Config) -> Option<String> {
    let settings = &config.settings;
    let is_of_session = |(name, section): &(&str, &Section)| {
        // The key is looked at first: most of what may be thousands of profiles have none.
        section.value("aws_access_key_id").is_some()
            && aws_formats::config::SsoSettings::of_section(settings, name, section).is_ok_and(|sso| {
                sso.session == meant.sso.session
                    && (sso.session.is_some() || sso.start_url == meant.sso.start_url)
            })
    };
    profile::keys_beside_sso(settings.profiles().filter(is_of_session), config)
}
