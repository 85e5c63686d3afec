//! `aldis configure list`: which profile, keys and region are in use, and where they come from.

use aws_formats::config::SsoSettings;
use aws_formats::config::settings::{File, Section};
use aws_formats::config::sso::SsoError;
use outside::{Env, Outside};

use crate::args::configure_list::ListArgs;
use crate::args::{RoleArgs, SessionArgs};
use crate::report::configure_list::{Row, header, masked, object};
use crate::report::news::News;
use crate::report::words::{Style, print};
use crate::report::{Exit, Failure, Kind, hints};
use crate::request;
use crate::request::config::Config;
use crate::request::identity::{self, Asked, Identity};
use crate::request::session::profile_of;

const KEYS: [&str; 2] = ["access_key", "secret_key"];

/// Runs it.
pub(crate) fn run(outside: &Outside, args: &ListArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let config = Config::read(outside)?;
    let env = &outside.env;
    let named = profile_of(args.profile.as_deref(), env);
    let section = config.settings.profile(named.unwrap_or("default"));
    if let Some(name) = named
        && section.is_none()
    {
        let message = format!("The config profile ({name}) could not be found");
        return Err(Failure::new(Kind::NoSuchProfile, message)
            .hint("see which there are: aldis configure list-profiles"));
    }
    let mut rows = vec![profile(args, named)];
    if !style.json {
        // As with the AWS CLI these stand there even when the keys cannot be had.
        print(outside, &format!("{}{}", header(), rows[0].line()))?;
    }
    rows.extend(keys(outside, args, &config, section)?);
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

/// In the AWS CLI's order: the environment unless a profile is typed, SSO, the credentials file, the config file.
fn keys(
    outside: &Outside,
    args: &ListArgs,
    config: &Config,
    section: Option<&Section>,
) -> Result<[Row; 2], Failure> {
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
        Err(error) => {
            return Err(identity::explain(error, "aldis configure list", outside.clock.now()));
        }
    }
    let name = profile_of(args.profile.as_deref(), env).unwrap_or("default");
    let sso = section.map(|section| SsoSettings::of_section(&config.settings, name, section));
    if sso.is_some_and(|sso| !matches!(sso, Err(SsoError::NotSso { .. }))) {
        let session = SessionArgs { profile: args.profile.clone(), sso_session: None };
        let role = RoleArgs { endpoint: args.endpoint, ..RoleArgs::default() };
        let request = request::role::complete(&session, &role, outside)?;
        let style = Style::new(&args.global, outside);
        request.meant.tell(outside, style);
        let credentials = request
            .open(outside)
            .role_credentials(&request.account_id, &request.role_name, &mut News::new(outside, style))
            .map_err(|error| hints::portal(error, &request.meant))?;
        return Ok(rows(&credentials.access_key_id, credentials.secret_access_key.expose(), "sso"));
    }
    let value = |key| section.and_then(|section| section.value(key)).filter(|value| !value.text.is_empty());
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(access), Some(secret)) => {
            let kind = match access.file {
                File::Credentials => "shared-credentials-file",
                File::Config => "config-file",
            };
            Ok(rows(&access.text, &secret.text, kind))
        }
        _ => Ok(KEYS.map(Row::unset)),
    }
}
