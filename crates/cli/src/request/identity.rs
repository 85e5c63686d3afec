//! The identity in use: the keys of the environment, or a role of a profile. `whoami`, `creds`, `exec`, `configure list`,
//! `configure export-credentials` and `sts get-caller-identity` all ask [`decide`], so that they never name different ones.
//!
//! The rule is the AWS CLI's, and that of every SDK but JavaScript's: keys in the environment count unless an option names a
//! profile, a session, an account or a role. They count even if `AWS_PROFILE` is set. Behind them comes the web identity that the
//! environment names, which Aldis does not assume, and so refuses.

use std::sync::Arc;

use aws_formats::credentials_out::Credentials;
use aws_formats::sso_cache::moment;
use center_client::calls::Calls;
use center_client::endpoint::{Endpoint, EndpointError, Service, computed};
use jiff::Timestamp;
use outside::http::Http;
use outside::{Env, Outside};

use super::config::Config;
use super::handover::{self, ProfileEndpoints};
use super::login_session::LoginSession;
use super::profile::NamedProfile;
use super::role::{self, CredentialsRequest, RoleRequest};
use super::session::{self, Meant, Network};
use crate::args::{RoleArgs, SessionArgs};
use crate::report::hints::quoted;
use crate::report::words::Style;
use crate::report::{Failure, Kind, when};

/// The variable by which `exec` and `creds` say that the keys beside it are theirs: `COMMAND,KEY ID,END,PROFILE`. It counts only
/// for the key with that id, so that keys which replace them later are not taken for ours.
pub(crate) const MARKER: &str = "ALDIS_KEYS";
const KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
/// In botocore's order.
const TOKENS: [&str; 2] = ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"];
const END: &str = "AWS_CREDENTIAL_EXPIRATION";
/// A role that is assumed with a token, as Kubernetes and CI systems set it up (AssumeRoleWithWebIdentity).
const WEB_IDENTITY: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// The command that put keys into an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `aldis exec`.
    Exec,
    /// `aldis creds` in a shell format.
    Creds,
}

impl Origin {
    const ALL: [Self; 2] = [Self::Exec, Self::Creds];

    fn name(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Creds => "creds",
        }
    }
}

/// Keys of the environment, not over yet as far as anybody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvKeys {
    /// The keys.
    pub(crate) credentials: Credentials,
    /// The command of ours that set them; `None` if another program or the user did.
    pub(crate) origin: Option<Origin>,
}

/// A decision of [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The keys of the environment.
    Keys(EnvKeys),
    /// A role: of the profile, session, account or role that is named, or of the default profile.
    Role,
}

/// Keys in the environment that count and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeysError {
    /// The secret key is missing.
    Partial,
    /// `AWS_CREDENTIAL_EXPIRATION` is no time.
    UnreadableEnd(String),
    /// The keys are over.
    Ended {
        /// Since when.
        at: Timestamp,
        /// The command of ours that set them.
        origin: Option<Origin>,
        /// The profile for which it did.
        profile: Option<String>,
    },
    /// Renewed credentials are asked for, and only those of a role can be renewed.
    NotRenewable,
    /// The environment names a web identity, which every AWS tool takes before the SSO settings of a profile.
    WebIdentity,
}

/// The part of a command line that decides between keys and role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `--profile`, `--sso-session`, `--account-id` or `--role-name` is given.
    pub(crate) is_named: bool,
    /// The credentials must be new, or valid for longer than they are now.
    pub(crate) must_renew: bool,
}

/// Decides which identity a command acts as at the time `now`.
///
/// # Errors
/// If the keys of the environment count and cannot be used: never is another identity taken instead.
pub(crate) fn decide(asked: Asked, env: &Env, now: Timestamp) -> Result<Identity, KeysError> {
    if asked.is_named {
        return Ok(Identity::Role);
    }
    let Some(access_key_id) = env.get(KEY) else {
        return env.get(WEB_IDENTITY).map_or(Ok(Identity::Role), |_| Err(KeysError::WebIdentity));
    };
    let secret = env.get(SECRET).ok_or(KeysError::Partial)?;
    let marked = Marked::read(env).filter(|marked| marked.access_key_id == access_key_id);
    let expiration = match (&marked, env.get(END)) {
        (Some(marked), _) => Some(marked.expiration),
        (None, Some(text)) => {
            Some(moment::parse(text).ok_or_else(|| KeysError::UnreadableEnd(text.to_owned()))?)
        }
        (None, None) => None,
    };
    let origin = marked.as_ref().map(|marked| marked.origin);
    if let Some(at) = expiration.filter(|end| *end <= now) {
        let profile = marked.and_then(|marked| marked.profile);
        return Err(KeysError::Ended { at, origin, profile });
    }
    if asked.must_renew {
        return Err(KeysError::NotRenewable);
    }
    let tokens = if marked.is_some() { &TOKENS[1..] } else { &TOKENS[..] };
    let credentials = Credentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: secret.into(),
        session_token: tokens.iter().find_map(|name| env.get(name)).map(Into::into),
        expiration,
        account_id: None,
    };
    Ok(Identity::Keys(EnvKeys { credentials, origin }))
}

/// The value of [`MARKER`] for credentials that go into an environment; `None` for credentials without an end.
pub(crate) fn marker(origin: Origin, credentials: &Credentials, profile: Option<&str>) -> Option<String> {
    let end = moment::format(credentials.expiration?);
    // A name with other characters would need quotes, which env files do not know.
    let is_plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.@+/:".contains(c));
    let profile = profile.filter(is_plain).unwrap_or_default();
    Some(format!("{},{},{end},{profile}", origin.name(), credentials.access_key_id))
}

/// A value that [`marker`] wrote.
struct Marked {
    origin: Origin,
    access_key_id: String,
    expiration: Timestamp,
    profile: Option<String>,
}

impl Marked {
    fn read(env: &Env) -> Option<Self> {
        let mut parts = env.get(MARKER)?.splitn(4, ',');
        let (origin, access_key_id, end) = (parts.next()?, parts.next()?.to_owned(), parts.next()?);
        let origin = Origin::ALL.into_iter().find(|known| known.name() == origin)?;
        let profile = parts.next().filter(|name| !name.is_empty()).map(str::to_owned);
        Some(Self { origin, access_key_id, expiration: moment::parse(end)?, profile })
    }
}

/// The identity in use with all that is needed to act as it.
#[derive(Debug)]
pub(crate) enum InUse {
    /// Keys of the environment.
    Keys(Box<KeysRequest>),
    /// A role of a profile or session.
    Role(Box<RoleRequest>),
    /// The console sign-in of `aws login`.
    LoginSession(Box<LoginSession>),
}

impl InUse {
    /// The same with the id of the account if its name was given; see [`RoleRequest::with_account_id`].
    pub(crate) fn with_account_id(self, outside: &Outside, style: Style) -> Result<Self, Failure> {
        match self {
            Self::Role(role) => Ok(Self::Role(Box::new(role.with_account_id(outside, style)?))),
            other => Ok(other),
        }
    }
}

/// Keys of the environment, and what goes with them.
#[derive(Debug)]
pub(crate) struct KeysRequest {
    /// The keys.
    pub(crate) keys: EnvKeys,
    /// The variable and the profile in it that does not count for the keys.
    ignored_profile: Option<(&'static str, String)>,
    /// The region that the environment or the profile in use names.
    pub(crate) region: Option<String>,
    /// The addresses that the profile in use names for the keys; `None` if `exec` or `creds` set keys and addresses together.
    pub(crate) endpoints: Option<ProfileEndpoints>,
    network: Network,
}

impl KeysRequest {
    /// The STS that knows these keys, as seen from `region`.
    ///
    /// # Errors
    /// If an address or the region cannot be used.
    pub(crate) fn sts(&self, region: &str) -> Result<Endpoint, EndpointError> {
        match self.network.overrides.of(Service::Sts)? {
            Some(endpoint) => Ok(endpoint),
            None => computed(Service::Sts, region, self.network.flavour),
        }
    }

    /// Makes calls over the proxy and with the certificates that are configured.
    pub(crate) fn calls(&self, outside: &Outside) -> Calls {
        let http = Arc::new(Http::new(self.network.http.clone()));
        Calls::new(http, outside.clock.clone(), outside.dice.clone())
    }

    /// The warnings of the configuration, and which profile does not count.
    pub(crate) fn remarks(&self, command: &str) -> (Option<String>, &[String]) {
        let note = self.ignored_profile.as_ref().map(|(variable, profile)| {
            let quoted = quoted(profile);
            format!(
                "The keys in the environment ({KEY}) count, not {variable}={profile}; for the profile: {command} --profile {quoted}"
            )
        });
        (note, &self.network.warnings)
    }
}

/// Completes the identity in use for `command`, which hints name.
pub(crate) fn complete(
    session: &SessionArgs,
    role: &RoleArgs,
    outside: &Outside,
    command: &str,
) -> Result<InUse, Failure> {
    match decide(asked(session, role), &outside.env, outside.clock.now()) {
        Ok(Identity::Role) => Ok(match role::complete(session, role, outside)? {
            CredentialsRequest::Role(request) => InUse::Role(request),
            CredentialsRequest::LoginSession(login) => InUse::LoginSession(login),
        }),
        Ok(Identity::Keys(keys)) => complete_keys(keys, outside).map(Box::new).map(InUse::Keys),
        Err(error) => Err(explain(error, command, outside.clock.now())),
    }
}

/// Says whose accounts and roles are listed if no option names a session and the environment holds keys: those of a sign-in, not
/// those of the keys.
pub(crate) fn remark_on_listing(session: &SessionArgs, env: &Env, meant: &Meant) -> Option<String> {
    let is_named = session.profile.is_some() || session.sso_session.is_some();
    env.get(KEY).filter(|_| !is_named)?;
    let target = meant.target.name();
    Some(format!(
        "This lists what the sign-in to {target} opens; the keys in the environment ({KEY}) have no list"
    ))
}

/// Reads the part of the options that decides.
pub(crate) fn asked(session: &SessionArgs, role: &RoleArgs) -> Asked {
    let named = [&session.profile, &session.sso_session, &role.account_id, &role.role_name];
    Asked { is_named: named.iter().any(|option| option.is_some()), must_renew: false }
}

fn complete_keys(keys: EnvKeys, outside: &Outside) -> Result<KeysRequest, Failure> {
    let env = &outside.env;
    let config = Config::read(outside)?;
    // A name that is no text does not count either.
    let named = NamedProfile::find(None, env).ok().flatten();
    let profile = named.map_or("default", |named| named.name);
    let ignored_profile = named.map(|named| (named.origin, named.name.to_owned()));
    let section = config.settings.profile(profile);
    let of_profile = section.and_then(|section| section.get("region")).filter(|region| !region.is_empty());
    let region = region_of(env).or(of_profile).map(str::to_owned);
    // Keys and addresses that were set together belong together: a profile has no say in them.
    let (endpoints, network) = match keys.origin {
        Some(_) => (None, session::network_of_environment(env, section)),
        None => {
            let endpoints = ProfileEndpoints::from_profile(&config.settings, profile);
            (Some(endpoints), session::network(&handover::without_ours(env), section, &config.settings))
        }
    };
    Ok(KeysRequest { keys, ignored_profile, region, endpoints, network })
}

/// The region that the environment names.
pub(crate) fn region_of(env: &Env) -> Option<&str> {
    env.get("AWS_REGION").or_else(|| env.get("AWS_DEFAULT_REGION"))
}

/// Says what is wrong with the keys, and what to type instead.
pub(crate) fn explain(error: KeysError, command: &str, now: Timestamp) -> Failure {
    let drop = format!("unset {KEY} {SECRET} {} {} {END}", TOKENS[0], TOKENS[1]);
    let failure = match error {
        KeysError::Partial => {
            let message = format!("the environment has {KEY} but no {SECRET}");
            Failure::new(Kind::Other, message).hint(format!("do without these keys: {drop}"))
        }
        KeysError::UnreadableEnd(text) => {
            let text = wire::words::printable(&text, 64);
            let message = format!("{END} is no time with a zone: {text:?}");
            Failure::new(Kind::Other, message).hint(format!("do without it: unset {END}"))
        }
        KeysError::Ended { at, origin, profile } => {
            let at = when::local(at, now);
            let message = match origin {
                Some(_) => format!("these keys ({KEY} in the environment) ended at {at}"),
                None => format!("these keys ({KEY} in the environment) ended at {at}, as {END} says"),
            };
            let profile = profile.map_or_else(|| "NAME".to_owned(), |profile| quoted(&profile));
            let next = match origin {
                Some(Origin::Exec) => {
                    format!("run aldis exec again: aldis exec --profile {profile} -- COMMAND")
                }
                Some(Origin::Creds) => {
                    format!("get new ones: eval \"$(aldis creds --profile {profile} --format env)\"")
                }
                None => format!("do without them: {drop}"),
            };
            Failure::new(Kind::Other, message).hint(next)
        }
        KeysError::NotRenewable => {
            let message = format!(
                "the keys in the environment ({KEY}, {SECRET}) count here, and only the credentials of a profile can be renewed"
            );
            Failure::new(Kind::Words, message).hint(format!("do without these keys: {drop}"))
        }
        KeysError::WebIdentity => {
            let message = format!(
                "{WEB_IDENTITY} in the environment names a role that the AWS CLI assumes before it looks at SSO settings, and Aldis \
                 cannot assume it"
            );
            Failure::new(Kind::Configuration, message).hint(format!("do without it: unset {WEB_IDENTITY}"))
        }
    };
    failure.hint(format!("or ask for a profile: {command} --profile NAME"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-12-01T03:00:00Z";
    const PAST: &str = "2026-12-01T02:59:59Z";
    const FUTURE: &str = "2026-12-01T04:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    /// Every combination of an option, `AWS_PROFILE`, keys, `AWS_CREDENTIAL_EXPIRATION` and our marker.
    #[test]
    fn keys_in_the_environment_count_unless_an_option_names_a_profile() {
        let keys = [(KEY, "ASIA1"), (SECRET, "s"), ("AWS_SESSION_TOKEN", "t")];
        let ends = [None, Some(PAST), Some(FUTURE), Some("soon")];
        let markers = [
            None,
            Some(format!("exec,ASIA1,{PAST},prod")),
            Some(format!("creds,ASIA1,{FUTURE},")),
            Some(format!("exec,ASIA2,{PAST},prod")),
            Some("exec,ASIA1".to_owned()),
        ];
        for (is_named, has_profile, count) in [false, true]
            .into_iter()
            .flat_map(|named| [false, true].map(|profile| (named, profile)))
            .flat_map(|(named, profile)| (0..=3).map(move |count| (named, profile, count)))
        {
            for end in ends {
                for marker in &markers {
                    let mut variables = keys[..count].to_vec();
                    variables.extend(has_profile.then_some(("AWS_PROFILE", "prod")));
                    variables.extend(end.map(|end| (END, end)));
                    variables.extend(marker.as_ref().map(|marker| (MARKER, marker.as_str())));
                    let env = Env::pretended(&variables);
                    let decided = decide(Asked { is_named, must_renew: false }, &env, now());
                    let case = format!("named: {is_named}, {variables:?}");
                    if is_named || count == 0 {
                        assert_eq!(decided, Ok(Identity::Role), "{case}");
                        continue;
                    }
                    if count == 1 {
                        assert_eq!(decided, Err(KeysError::Partial), "{case}");
                        continue;
                    }
                    let is_marked = marker.as_ref().filter(|marker| marker.contains("ASIA1,2"));
                    let origin = is_marked
                        .map(|marker| if marker.starts_with("exec") { Origin::Exec } else { Origin::Creds });
                    let at = match (is_marked, end) {
                        (Some(marker), _) if marker.contains(PAST) => Some(PAST),
                        (Some(_), _) => Some(FUTURE),
                        (None, Some("soon")) => {
                            assert_eq!(decided, Err(KeysError::UnreadableEnd("soon".into())), "{case}");
                            continue;
                        }
                        (None, end) => end,
                    };
                    let at: Option<Timestamp> = at.map(|at| at.parse().unwrap());
                    match at.filter(|at| *at <= now()) {
                        Some(at) => {
                            let profile = origin.map(|_| "prod".to_owned());
                            assert_eq!(decided, Err(KeysError::Ended { at, origin, profile }), "{case}");
                        }
                        None => {
                            let Ok(Identity::Keys(found)) = decided else { panic!("{case}") };
                            assert_eq!((found.origin, found.credentials.expiration), (origin, at), "{case}");
                            assert_eq!(found.credentials.session_token.is_some(), count == 3, "{case}");
                        }
                    }
                    let renewed = decide(Asked { is_named, must_renew: true }, &env, now());
                    assert!(renewed.is_err(), "keys are never renewed: {case}");
                }
            }
        }
    }

    #[test]
    fn empty_variables_are_no_keys() {
        let env = Env::pretended(&[(KEY, ""), (SECRET, "s")]);
        assert_eq!(decide(Asked::default(), &env, now()), Ok(Identity::Role));
        let env = env.with(WEB_IDENTITY, "/var/run/token");
        assert_eq!(decide(Asked::default(), &env, now()), Err(KeysError::WebIdentity));
        assert_eq!(decide(Asked { is_named: true, must_renew: false }, &env, now()), Ok(Identity::Role));
        let env = Env::pretended(&[(SECRET, "s")]);
        assert_eq!(decide(Asked::default(), &env, now()), Ok(Identity::Role), "as botocore reads it");
    }

    #[test]
    fn a_marker_is_read_as_it_was_written() {
        let credentials = Credentials {
            access_key_id: "ASIA1".into(),
            secret_access_key: "s".into(),
            session_token: None,
            expiration: Some(FUTURE.parse().unwrap()),
            account_id: None,
        };
        for (profile, read) in [(Some("prod"), Some("prod")), (None, None), (Some("a,b c"), None)] {
            for origin in Origin::ALL {
                let text = marker(origin, &credentials, profile).unwrap();
                let marked = Marked::read(&Env::pretended(&[(MARKER, &text)])).unwrap();
                assert_eq!((marked.origin, marked.profile.as_deref()), (origin, read));
                assert_eq!(
                    (marked.access_key_id.as_str(), marked.expiration),
                    ("ASIA1", FUTURE.parse().unwrap())
                );
            }
        }
        assert_eq!(marker(Origin::Exec, &Credentials { expiration: None, ..credentials }, None), None);
    }

    #[test]
    fn what_is_wrong_with_keys_names_the_variables_and_the_way_out() {
        let ended = |origin, profile: Option<&str>| KeysError::Ended {
            at: PAST.parse().unwrap(),
            origin,
            profile: profile.map(str::to_owned),
        };
        let table = [
            (KeysError::Partial, "AWS_SECRET_ACCESS_KEY", "unset AWS_ACCESS_KEY_ID"),
            (KeysError::UnreadableEnd("soon".into()), "\"soon\"", "unset AWS_CREDENTIAL_EXPIRATION"),
            (
                ended(Some(Origin::Exec), Some("prod")),
                "ended at",
                "run aldis exec again: aldis exec --profile prod -- ",
            ),
            (ended(Some(Origin::Creds), None), "ended at", "aldis creds --profile NAME --format env"),
            (ended(None, None), "as AWS_CREDENTIAL_EXPIRATION says", "unset AWS_ACCESS_KEY_ID"),
            (KeysError::NotRenewable, "can be renewed", "unset AWS_ACCESS_KEY_ID"),
        ];
        for (error, message, hint) in table {
            let failure = explain(error, "aldis whoami", now());
            assert!(failure.error.to_string().contains(message), "{}", failure.error);
            assert!(failure.hints[0].contains(hint), "{:?}", failure.hints);
            assert_eq!(failure.hints[1], "or ask for a profile: aldis whoami --profile NAME");
        }
    }
}
