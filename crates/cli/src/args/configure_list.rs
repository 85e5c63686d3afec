use clap::Args;

use super::{EndpointArgs, GlobalArgs};

/// Show the profile, keys and region in use, and where each comes from
///
/// The table of the AWS CLI. Keys are masked but for their last four characters; those of a profile with SSO are fetched,
/// so it also shows whether you are signed in.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis configure list
  aldis configure list --profile dev --output json")]
pub(crate) struct ListArgs {
    /// The profile that is looked at [env: AWS_PROFILE]
    #[arg(long, value_name = "NAME", help_heading = "Section")]
    pub(crate) profile: Option<String>,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
