//! What `whoami` needs.

use outside::Outside;

use super::identity::{self, InUse};
use crate::args::whoami::WhoamiArgs;
use crate::report::Failure;

/// A question to STS, completely.
#[derive(Debug)]
pub(crate) struct WhoamiRequest {
    /// The identity that asks.
    pub(crate) identity: InUse,
    /// The region whose STS is asked; nothing for the center's own. (The AWS CLI would refuse without one.)
    pub(crate) region: Option<String>,
}

/// Completes it.
pub(crate) fn complete(args: WhoamiArgs, outside: &Outside) -> Result<WhoamiRequest, Failure> {
    let identity = identity::complete(&args.session, &args.role, outside, "aldis whoami")?;
    let region = args.region.or_else(|| region(&identity, outside));
    Ok(WhoamiRequest { identity, region })
}

/// The region that environment or profile name.
pub(crate) fn region(identity: &InUse, outside: &Outside) -> Option<String> {
    let of_profile = match identity {
        InUse::Keys(request) => &request.region,
        InUse::Role(role) => &role.meant.profile_region,
        InUse::LoginSession(login) => &login.profile_region,
    };
    identity::region_of(&outside.env).or(of_profile.as_deref()).map(str::to_owned)
}
