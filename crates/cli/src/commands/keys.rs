//! Credentials of the identity in use, and what goes with them into the environment of a program or a shell.

use aws_formats::credentials_out::Credentials;
use outside::Outside;
use signin::session::Session;

use crate::report::Failure;
use crate::report::hints::{self, quoted};
use crate::report::news::News;
use crate::report::words::{Style, note, warn, with_causes};
use crate::request::config::Config;
use crate::request::handover::{Handover, ProfileEndpoints, hand_over};
use crate::request::identity::{self, InUse, KeysRequest, Origin};
use crate::request::role::RoleRequest;
use crate::request::session::profile_of;

/// Credentials with the changes of an environment that belong to them.
#[derive(Debug)]
pub(crate) struct Export {
    /// The credentials.
    pub(crate) credentials: Credentials,
    /// The addresses that belong to them.
    pub(crate) handover: Handover,
    /// The value of [`identity::MARKER`]; `None` for keys that are not ours.
    pub(crate) mark: Option<String>,
    /// The region of the profile.
    pub(crate) region: Option<String>,
}

/// The credentials of the identity in use.
pub(crate) fn credentials(
    outside: &Outside,
    style: Style,
    identity: &InUse,
    command: &str,
) -> Result<Credentials, Failure> {
    match identity {
        InUse::Role(role) => {
            role.meant.tell(outside, style);
            of_role(outside, style, role, &role.open(outside))
        }
        InUse::LoginSession(login) => Ok(login.credentials.clone().into()),
        InUse::Keys(request) => {
            tell(outside, style, request, command);
            Ok(request.keys.credentials.clone())
        }
    }
}

/// The same with all that an environment needs for them. `origin` is the command that hands them over.
pub(crate) fn export(
    outside: &Outside,
    style: Style,
    identity: &InUse,
    origin: Origin,
) -> Result<Export, Failure> {
    let env = &outside.env;
    let settings = Config::read(outside)?.settings;
    // `exec` removes AWS_PROFILE, a shell keeps it.
    let (command, later) = match origin {
        Origin::Exec => ("aldis exec", "default"),
        Origin::Creds => ("aldis creds", profile_of(None, env).unwrap_or("default")),
    };
    let of_later = ProfileEndpoints::from_profile(&settings, later);
    let export = match identity {
        InUse::Role(role) => {
            role.meant.tell(outside, style);
            let (meant, session) = (&role.meant, role.open(outside));
            let credentials = of_role(outside, style, role, &session)?;
            let own = ProfileEndpoints::from_profile(&settings, &meant.profile);
            let told = session.told_sts().unwrap_or_else(|error| {
                let why = with_causes(&error);
                warn(
                    outside,
                    style,
                    format!("requests to STS may go to Amazon, for its address is not known: {why}"),
                );
                None
            });
            let is_profile = !meant.selector.starts_with(" --sso-session");
            Export {
                handover: hand_over(env, &own.with_sts(told), &of_later),
                mark: identity::marker(origin, &credentials, is_profile.then_some(&meant.profile)),
                region: meant.profile_region.clone(),
                credentials,
            }
        }
        InUse::LoginSession(login) => {
            let credentials = Credentials::from(login.credentials.clone());
            let own = ProfileEndpoints::from_profile(&settings, &login.profile);
            Export {
                handover: hand_over(env, &own, &of_later),
                mark: identity::marker(origin, &credentials, Some(&login.profile)),
                region: login.profile_region.clone(),
                credentials,
            }
        }
        InUse::Keys(request) => {
            tell(outside, style, request, command);
            let handover = match &request.endpoints {
                Some(own) => hand_over(env, own, &of_later),
                None => {
                    let own = ProfileEndpoints::from_environment(env);
                    hand_over(env, &own, &own)
                }
            };
            let mark = request.keys.origin.and_then(|_| env.get(identity::MARKER));
            Export {
                credentials: request.keys.credentials.clone(),
                handover,
                mark: mark.map(str::to_owned),
                region: request.region.clone(),
            }
        }
    };
    if !export.handover.exposed_to.is_empty() {
        let names = export.handover.exposed_to.join(", ");
        warn(
            outside,
            style,
            format!(
                "the profile {} has addresses of its own, and these credentials go there unless you set: {names}",
                quoted(later)
            ),
        );
    }
    Ok(export)
}

/// Says which keys count, and what is dangerous in the configuration.
pub(crate) fn tell(outside: &Outside, style: Style, request: &KeysRequest, command: &str) {
    let (remark, warnings) = request.remarks(command);
    for warning in warnings {
        warn(outside, style, warning);
    }
    if let Some(remark) = remark {
        note(outside, style, remark);
    }
}

fn of_role(
    outside: &Outside,
    style: Style,
    role: &RoleRequest,
    session: &Session,
) -> Result<Credentials, Failure> {
    session
        .role_credentials(&role.account_id, &role.role_name, &mut News::new(outside, style))
        .map(Credentials::from)
        .map_err(|error| hints::portal(error, &role.meant))
}
