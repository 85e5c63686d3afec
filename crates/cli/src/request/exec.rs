//! What `exec` needs.

use std::ffi::OsString;

use aws_formats::credentials_out::{self, Credentials};
use outside::programs::Changes;
use outside::{Env, Outside};

use super::handover::Handover;
use super::identity::{self, InUse};
use crate::args::exec::ExecArgs;
use crate::report::{Failure, Kind};

/// A command to run, completely.
#[derive(Debug)]
pub(crate) struct ExecRequest {
    /// As whom.
    pub(crate) identity: InUse,
    /// What.
    pub(crate) program: OsString,
    /// With which arguments.
    pub(crate) arguments: Vec<OsString>,
}

/// Completes it.
pub(crate) fn complete(args: ExecArgs, outside: &Outside) -> Result<ExecRequest, Failure> {
    let identity = identity::complete(&args.session, &args.role, outside, "aldis exec")?;
    let mut words = args.command.into_iter();
    let program = words.next().ok_or_else(|| Failure::new(Kind::Words, "no command is given"))?;
    Ok(ExecRequest { identity, program, arguments: words.collect() })
}

/// Variables that would lead the command to other credentials, or mix with these.
const CONFLICTING: [&str; 11] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_CREDENTIAL_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];
const CONFLICTING_PREFIX: &str = "AWS_CONTAINER_CREDENTIALS_";
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The changes of our environment that make the command's. `mark` is the value of [`identity::MARKER`].
pub(crate) fn changes(
    env: &Env,
    credentials: &Credentials,
    region: Option<&str>,
    handover: Handover,
    mark: Option<String>,
) -> Changes {
    let other_account = |name: &str, value: &str| {
        // SDKs build addresses of it.
        name == "AWS_ACCOUNT_ID" && credentials.account_id.as_deref().is_some_and(|own| own != value)
    };
    let mut without: Vec<String> = env
        .iter()
        .filter(|(name, value)| {
            CONFLICTING.contains(name) || name.starts_with(CONFLICTING_PREFIX) || other_account(name, value)
        })
        .map(|(name, _)| name.to_owned())
        .collect();
    without.extend(handover.unset);
    let mut with: Vec<(String, String)> = credentials_out::variables(credentials)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    with.extend(handover.set);
    with.extend(mark.map(|mark| (identity::MARKER.to_owned(), mark)));
    if let Some(region) = region.filter(|_| REGIONS.iter().all(|name| env.get(name).is_none())) {
        with.extend(REGIONS.map(|name| (name.to_owned(), region.to_owned())));
    }
    Changes { without, with }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: "ASIA".into(),
            secret_access_key: "secret".into(),
            session_token: Some("token".into()),
            expiration: Some("2026-11-23T10:00:00Z".parse().unwrap()),
            account_id: Some("111122223333".into()),
        }
    }

    #[test]
    fn what_leads_to_other_credentials_goes() {
        let env = Env::pretended(&[
            ("AWS_ACCOUNT_ID", "444455556666"),
            ("AWS_CONFIG_FILE", "/c"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"),
            ("AWS_PROFILE", ""),
            ("AWS_ROLE_ARN", "arn"),
            ("AWS_SECRET_ACCESS_KEY", "old"),
            ("PATH", "/bin"),
        ]);
        let changes = changes(&env, &credentials(), None, Handover::default(), None);
        assert_eq!(
            changes.without,
            [
                "AWS_ACCOUNT_ID",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_PROFILE",
                "AWS_ROLE_ARN"
            ]
        );
        let names: Vec<_> = changes.with.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, credentials_out::NAMES);
        assert!(!format!("{changes:?}").contains("secret\""), "values are not shown");
        let same = Env::pretended(&[("AWS_ACCOUNT_ID", "111122223333")]);
        assert!(self::changes(&same, &credentials(), None, Handover::default(), None).without.is_empty());
    }

    #[test]
    fn the_profiles_region_counts_where_none_is_set() {
        let region = |env: &[(&str, &str)], of_profile| {
            let changes =
                changes(&Env::pretended(env), &credentials(), of_profile, Handover::default(), None);
            let set = changes.with.into_iter().skip(4).map(|(name, value)| format!("{name}={value}"));
            set.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(region(&[], Some("r")), "AWS_REGION=r AWS_DEFAULT_REGION=r");
        assert_eq!(region(&[("AWS_REGION", "")], Some("r")), "AWS_REGION=r AWS_DEFAULT_REGION=r");
        assert_eq!(region(&[("AWS_REGION", "x")], Some("r")), "");
        assert_eq!(region(&[("AWS_DEFAULT_REGION", "x")], Some("r")), "");
        assert_eq!(region(&[], None), "");
    }
}
