//! What `whoami` needs.

use outside::Outside;

use super::role::{self, CredentialsRequest};
use crate::args::whoami::WhoamiArgs;
use crate::report::Failure;

/// A question to STS, completely.
#[derive(Debug)]
pub(crate) struct WhoamiRequest {
    /// The credentials that ask.
    pub(crate) source: CredentialsRequest,
    /// The region whose STS is asked; `None` for the center's own. (The AWS CLI would refuse without one.)
    pub(crate) region: Option<String>,
}

/// Completes it.
pub(crate) fn complete(args: WhoamiArgs, outside: &Outside) -> Result<WhoamiRequest, Failure> {
    let source = role::complete(&args.session, &args.role, outside)?;
    let from_env = || {
        let env = &outside.env;
        env.get("AWS_REGION").or_else(|| env.get("AWS_DEFAULT_REGION")).map(str::to_owned)
    };
    let of_profile = match &source {
        CredentialsRequest::Role(role) => &role.meant.profile_region,
        CredentialsRequest::LoginSession(login) => &login.profile_region,
    };
    let region = args.region.or_else(from_env).or_else(|| of_profile.clone());
    Ok(WhoamiRequest { source, region })
}
