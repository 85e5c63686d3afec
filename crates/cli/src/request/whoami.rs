//! What `whoami` needs.

use outside::Outside;

use super::role::{self, RoleRequest};
use crate::args::whoami::WhoamiArgs;
use crate::report::Failure;

/// A question to STS, completely.
#[derive(Debug)]
pub(crate) struct WhoamiRequest {
    /// The role that asks.
    pub(crate) role: RoleRequest,
    /// The region whose STS is asked; nothing for the center's own. (The AWS CLI would refuse without one.)
    pub(crate) region: Option<String>,
}

/// Completes it.
pub(crate) fn complete(args: WhoamiArgs, outside: &Outside) -> Result<WhoamiRequest, Failure> {
    let role = role::complete(&args.session, &args.role, outside)?;
    let from_env = || {
        let env = &outside.env;
        env.get("AWS_REGION").or_else(|| env.get("AWS_DEFAULT_REGION")).map(str::to_owned)
    };
    let region = args.region.or_else(from_env).or_else(|| role.meant.profile_region.clone());
    Ok(WhoamiRequest { role, region })
}
