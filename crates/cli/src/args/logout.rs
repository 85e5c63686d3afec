use clap::Args;

use super::{EndpointArgs, GlobalArgs};

/// Sign out and remove what came of the sign-in
///
/// Ends the sign-in at its center, then removes the token and the credentials of the roles that profiles name. Without
/// --profile and --sso-session every sign-in on this machine is ended, those of other AWS tools included, as the AWS CLI
/// does. Where a center cannot be asked, the files go all the same.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis logout
  aldis logout --sso-session corp")]
pub(crate) struct LogoutArgs {
    // Not SessionArgs: AWS_PROFILE does not narrow this command.
    /// Only the session of this profile
    #[arg(long, value_name = "NAME", conflicts_with = "sso_session", help_heading = "Session")]
    pub(crate) profile: Option<String>,
    /// Only this sso-session
    #[arg(long, value_name = "NAME", help_heading = "Session")]
    pub(crate) sso_session: Option<String>,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
