//! `aldis whoami`: asks STS whose credentials these are.

use center_client::sts;
use outside::Outside;
use wire::sigv4::Keys;
use wire::sts::CallerIdentity;

use super::keys;
use crate::args::whoami::WhoamiArgs;
use crate::report::news::News;
use crate::report::words::{Style, print, warn};
use crate::report::{Exit, Failure, hints, listing};
use crate::request;
use crate::request::identity::{InUse, KeysRequest};

/// The region for which a request is signed if nobody names one: the one whose STS knows the keys of every region that is open by
/// default.
const DEFAULT_REGION: &str = "us-east-1";

/// Runs it.
pub(crate) fn run(outside: &Outside, args: WhoamiArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let request = request::whoami::complete(args, outside)?;
    let identity = request.identity.with_account_id(outside, style)?;
    let identity = ask(outside, style, &identity, request.region.as_deref(), "aldis whoami")?;
    print(outside, &listing::identity(&identity, style))
}

/// Asks STS. `command` is what hints name.
pub(crate) fn ask(
    outside: &Outside,
    style: Style,
    identity: &InUse,
    region: Option<&str>,
    command: &str,
) -> Result<CallerIdentity, Failure> {
    match identity {
        InUse::Role(role) => {
            role.meant.tell(outside, style);
            for text in &role.warnings {
                warn(outside, style, text);
            }
            let names = (role.account_id.as_str(), role.role_name.as_str());
            role.open(outside)
                .identity_of_role(names, region, &mut News::new(outside, style))
                .map_err(|error| hints::portal(error, &role.meant))
        }
        InUse::LoginSession(login) => login.identity(region, outside),
        InUse::Keys(request) => {
            keys::tell(outside, style, request, command);
            of_keys(outside, request, region.unwrap_or(DEFAULT_REGION), command)
        }
    }
}

fn of_keys(
    outside: &Outside,
    request: &KeysRequest,
    region: &str,
    command: &str,
) -> Result<CallerIdentity, Failure> {
    let found = &request.keys.credentials;
    let keys = Keys {
        access_key_id: &found.access_key_id,
        secret_access_key: &found.secret_access_key,
        session_token: found.session_token.as_ref(),
    };
    let endpoint = request.sts(region).map_err(hints::keys_endpoint)?;
    sts::caller_identity(&request.calls(outside), &endpoint, &keys, region)
        .map_err(|error| hints::keys_call(error, command))
}
