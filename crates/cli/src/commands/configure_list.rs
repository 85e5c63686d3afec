//! `aldis configure list`: which profile, keys and region are in use, and where they come from.

use aws_formats::config::ProfileKind;
use aws_formats::config::settings::{File, Section};
use outside::{Env, Outside};

use crate::args::configure_list::ListArgs;
use crate::args::{RoleArgs, SessionArgs};
use crate::report::configure_list::{Row, header, masked, object};
use crate::report::news::News;
use crate::report::words::{Style, print, warn};
use crate::report::{Exit, Failure, hints};
use crate::request;
use crate::request::config::Config;
use crate::request::identity::{self, Asked, Identity, KeysError};
use crate::request::profile::{NamedProfile, no_such_profile};
use crate::request::role::CredentialsRequest;

const KEYS: [&str; 2] = ["access_key", "secret_key"];

/// Runs it.
pub(crate) fn run(outside: &Outside, args: &ListArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let config = Config::read(outside)?;
    let env = &outside.env;
    let named = NamedProfile::find(args.profile.as_deref(), env)?;
    let section = config.settings.profile(named.map_or("default", |named| named.name));
    if let Some(named) = named
        && section.is_none()
    {
        return Err(no_such_profile(named, &config));
    }
    let mut rows = vec![profile(args, named.map(|named| named.name))];
    if !style.json {
        // As with the AWS CLI these stand there even when the keys cannot be had.
        print(outside, &format!("{}{}", header(), rows[0].line()))?;
    }
    rows.extend(keys(outside, args, section)?);
    rows.push(region(env, section));
    if style.json {
        return print(outside, &object(&rows));
    }
    print(outside, &rows[1..].iter().map(Row::line).collect::<String>())
}

fn profile(args: &ListArgs, named: Option<&str>) -> Row {
    match (named, &args.profile) {
        (Some(name), Some(_)) => Row::new("profile", name, "manual", "--profile"),
        (Some(name), None) => Row::new("profile", name, "env", "['AWS_PROFILE', 'AWS_DEFAULT_PROFILE']"),
        (None, _) => Row::unset("profile"),
    }
}

fn region(env: &Env, section: Option<&Section>) -> Row {
    let filled = |name: &str| env.get(name).filter(|value| !value.is_empty());
    if let Some(region) = filled("AWS_REGION").or_else(|| filled("AWS_DEFAULT_REGION")) {
        return Row::new("region", region, "env", "['AWS_REGION', 'AWS_DEFAULT_REGION']");
    }
    match section.and_then(|section| section.get("region")).filter(|region| !region.is_empty()) {
        Some(region) => {
            let location = env.get("AWS_CONFIG_FILE").unwrap_or("~/.aws/config");
            Row::new("region", region, "config-file", location)
        }
        None => Row::unset("region"),
    }
}

/// In the AWS CLI's order: the environment unless a profile is typed, then what the kind of the profile says. Credentials that only
/// the AWS CLI can fetch are named by their type, and not fetched.
fn keys(outside: &Outside, args: &ListArgs, section: Option<&Section>) -> Result<[Row; 2], Failure> {
    let env = &outside.env;
    let rows = |access: &str, secret: &str, kind: &'static str| {
        let [first, second] = KEYS;
        [Row::new(first, &masked(access), kind, ""), Row::new(second, &masked(secret), kind, "")]
    };
    let asked = Asked { is_named: args.profile.is_some(), must_renew: false };
    match identity::decide(asked, env, outside.clock.now()) {
        Ok(Identity::Keys(keys)) => {
            let keys = keys.credentials;
            return Ok(rows(&keys.access_key_id, keys.secret_access_key.expose(), "env"));
        }
        Ok(Identity::Role) => {}
        Err(KeysError::WebIdentity) => {
            return Ok(KEYS.map(|name| Row::not_fetched(name, "assume-role-with-web-identity")));
        }
        Err(error) => {
            return Err(identity::explain(error, "aldis configure list", outside.clock.now()));
        }
    }
    let style = Style::new(&args.global, outside);
    let kind = section.map_or(ProfileKind::NoCredentials, ProfileKind::of);
    match kind {
        ProfileKind::SsoRole | ProfileKind::ConsoleLogin(_) => {
            let session = SessionArgs { profile: args.profile.clone(), sso_session: None };
            let role = RoleArgs { endpoint: args.endpoint, ..RoleArgs::default() };
            match request::role::complete(&session, &role, outside)? {
                CredentialsRequest::Role(request) => {
                    request.meant.tell(outside, style);
                    for text in &request.warnings {
                        warn(outside, style, text);
                    }
                    let mut news = News::new(outside, style);
                    let credentials = request
                        .open(outside)
                        .role_credentials(&request.account_id, &request.role_name, &mut news)
                        .map_err(|error| hints::portal(error, &request.meant))?;
                    Ok(rows(&credentials.access_key_id, credentials.secret_access_key.expose(), "sso"))
                }
                CredentialsRequest::LoginSession(login) => {
                    let credentials = &login.credentials;
                    Ok(rows(&credentials.access_key_id, credentials.secret_access_key.expose(), "login"))
                }
            }
        }
        ProfileKind::AssumeRole { .. } => Ok(KEYS.map(|name| Row::not_fetched(name, "assume-role"))),
        ProfileKind::WebIdentity { .. } => {
            Ok(KEYS.map(|name| Row::not_fetched(name, "assume-role-with-web-identity")))
        }
        ProfileKind::CredentialProcess(_) => Ok(KEYS.map(|name| Row::not_fetched(name, "custom-process"))),
        ProfileKind::SharedKeys(access) | ProfileKind::ConfigKeys(access) => {
            let secret = section.and_then(|section| section.get("aws_secret_access_key"));
            let kind = match access.file {
                File::Credentials => "shared-credentials-file",
                File::Config => "config-file",
            };
            match secret.filter(|secret| !secret.is_empty() && !access.text.is_empty()) {
                Some(secret) => Ok(rows(&access.text, secret, kind)),
                None => Ok(KEYS.map(Row::unset)),
            }
        }
        ProfileKind::SsoToken | ProfileKind::NoCredentials => Ok(KEYS.map(Row::unset)),
    }
}
