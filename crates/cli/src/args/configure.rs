use clap::Args;

use super::GlobalArgs;

/// List the profiles
///
/// One name a line: those of ~/.aws/config in its order, then those that only stand in ~/.aws/credentials.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis configure list-profiles
  aldis configure list-profiles --output json")]
pub(crate) struct ListProfilesArgs {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// Print one value of the configuration
///
/// VARIABLE is a key of the profile in use. With dots it may name another profile (default.region, profile.dev.region) or
/// end in a key below a key (s3.addressing_style). Prints nothing and ends with 1 where the value is not set.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis configure get region --profile dev
  aldis configure get sso_start_url --sso-session corp")]
pub(crate) struct GetArgs {
    /// The name of the value
    #[arg(value_name = "VARIABLE")]
    pub(crate) variable: String,
    /// The profile that is looked at [env: AWS_PROFILE]
    #[arg(long, value_name = "NAME", help_heading = "Section")]
    pub(crate) profile: Option<String>,
    /// The sso-session that is looked at, instead of a profile
    #[arg(long, value_name = "NAME", conflicts_with_all = ["profile", "services"], help_heading = "Section")]
    pub(crate) sso_session: Option<String>,
    /// The services section that is looked at, instead of a profile
    #[arg(long, value_name = "NAME", conflicts_with = "profile", help_heading = "Section")]
    pub(crate) services: Option<String>,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
