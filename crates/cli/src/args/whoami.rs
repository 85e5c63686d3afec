use clap::Args;

use super::{GlobalArgs, RoleArgs, SessionArgs};

/// Say who you are to AWS
///
/// Asks STS (GetCallerIdentity) with the credentials in use, and so proves that they work: those of the profile's role. Keys in the
/// environment (AWS_ACCESS_KEY_ID) count before it, also before AWS_PROFILE, unless an option names a profile, session, account or
/// role.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis whoami --profile dev
  aldis whoami --sso-session corp --account-id 111122223333 --role-name Developer")]
pub(crate) struct WhoamiArgs {
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) role: RoleArgs,
    /// The region whose STS is asked [env: AWS_REGION]
    #[arg(long, value_name = "REGION", help_heading = "Session")]
    pub(crate) region: Option<String>,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
