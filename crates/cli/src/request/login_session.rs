//! The console sign-in of `aws login`: its cached credentials, which are used while they are valid and never refreshed here.

use std::path::PathBuf;

use aws_formats::config::ProfileKind;
use aws_formats::config::settings::Value;
use aws_formats::login_cache;
use aws_formats::sso_cache::RoleCredentials;
use center_client::endpoint::{self, Service};
use center_client::sts;
use outside::{Outside, files};
use wire::sigv4::Keys;
use wire::sts::CallerIdentity;

use super::config::Config;
use super::profile::visible;
use super::session::{self, Meant};
use crate::report::hints::{self, quoted};
use crate::report::{Failure, Kind, when};

/// The credentials of a profile with `login_session`.
#[derive(Debug)]
pub(crate) struct LoginSession {
    /// The credentials, which are valid now.
    pub(crate) credentials: RoleCredentials,
    /// The profile.
    pub(crate) profile: String,
    /// The region of the profile.
    pub(crate) profile_region: Option<String>,
    /// The addresses and connection settings of the profile; it names no session.
    meant: Box<Meant>,
}

impl LoginSession {
    /// Reads the credentials of the profile `name` that the AWS CLI or an SDK keeps.
    ///
    /// # Errors
    /// If there are none, or none that are valid.
    pub(crate) fn read(name: &str, arn: &Value, config: &Config, outside: &Outside) -> Result<Self, Failure> {
        let path = config.login_cache(&outside.env).join(login_cache::file_name(&arn.text));
        let of = format!("the profile \"{}\" uses the console sign-in of aws login", visible(name));
        let refuse = |kind, why: String| {
            Failure::new(kind, format!("{of}, and {why}"))
                .hint(format!("sign in: aws login --profile {}", quoted(name)))
        };
        let text = files::read_text(&path).map_err(|source| {
            let hint = format!("see who may read it: ls -l {}", quoted(&path.to_string_lossy()));
            Failure::new(Kind::Other, Unreadable { path: path.clone(), source }).hint(hint)
        })?;
        let Some(text) = text else {
            return Err(refuse(
                Kind::NotSignedIn,
                format!("nobody is signed in there ({} is missing)", path.display()),
            ));
        };
        let credentials = login_cache::parse(&text).map_err(|error| {
            refuse(Kind::NotSignedIn, format!("its file {} is of no use: {error}", path.display()))
        })?;
        let now = outside.clock.now();
        if credentials.expiration <= now {
            let ended = when::local(credentials.expiration, now);
            let why = format!("its credentials ended at {ended}; aldis does not renew them");
            let renew = format!(
                "if the sign-in is not over, the AWS CLI renews them: aws sts get-caller-identity --profile {}",
                quoted(name)
            );
            return Err(refuse(Kind::NotSignedIn, why).hint(renew));
        }
        let section = config.settings.profile(name);
        let region = section.and_then(|section| section.get("region")).filter(|region| !region.is_empty());
        let meant = session::without_session(name, &outside.env, config);
        Ok(Self { credentials, profile: name.to_owned(), profile_region: region.map(str::to_owned), meant })
    }

    /// Asks STS whose credentials these are.
    ///
    /// # Errors
    /// If no region is known, or STS gives no answer.
    pub(crate) fn identity(
        &self,
        region: Option<&str>,
        outside: &Outside,
    ) -> Result<CallerIdentity, Failure> {
        let region = region.ok_or_else(|| {
            Failure::new(Kind::Configuration, "no region is named, so there is no STS to ask")
                .hint("name one: add --region us-east-1")
        })?;
        let meant = &self.meant;
        let center = &meant.target.center;
        let endpoint = match center.overrides.of(Service::Sts) {
            Ok(Some(endpoint)) => Ok(endpoint),
            Ok(None) => endpoint::computed(Service::Sts, region, center.flavour),
            Err(error) => Err(error),
        };
        let endpoint = endpoint.map_err(|error| hints::endpoint(error, meant))?;
        let keys = Keys {
            access_key_id: &self.credentials.access_key_id,
            secret_access_key: &self.credentials.secret_access_key,
            session_token: Some(&self.credentials.session_token),
        };
        sts::caller_identity(&meant.calls(outside), &endpoint, &keys, region)
            .map_err(|error| hints::call(error, meant))
    }
}

/// A line on each profile that `aws login` signs in, at most three: how its cached credentials stand.
pub(crate) fn standings(config: &Config, outside: &Outside) -> Vec<String> {
    const SHOWN: usize = 3;
    let of = |(name, section)| match ProfileKind::of(section) {
        ProfileKind::ConsoleLogin(arn) => Some((name, arn)),
        _ => None,
    };
    let profiles = config.settings.profiles().filter_map(of).take(SHOWN);
    let now = outside.clock.now();
    profiles
        .map(|(name, arn)| match LoginSession::read(name, arn, config, outside) {
            Ok(login) => format!(
                "The profile \"{}\" uses the console sign-in of aws login, with credentials until {}",
                visible(name),
                when::local(login.credentials.expiration, now)
            ),
            Err(failure) => failure.error.to_string().replacen("the profile", "The profile", 1),
        })
        .collect()
}

#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read")]
struct Unreadable {
    path: PathBuf,
    source: std::io::Error,
}
