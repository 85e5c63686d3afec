use clap::Args;

use super::{GlobalArgs, SessionArgs};

/// Sign in with a code that you approve in any browser
///
/// Shows a page and a code, waits until you have approved it, and keeps the token where the AWS CLI and every AWS SDK
/// look for it. Without --profile and --sso-session the session of AWS_PROFILE is meant, else that of the default
/// profile, else the only one there is.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis login
  aldis login --sso-session corp --no-browser
  aldis login --if-needed && terraform apply")]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    /// Sign in with a device code (so far the only way, so this changes nothing)
    #[arg(long, help_heading = "Flow")]
    pub(crate) use_device_code: bool,
    /// Do not open a browser
    #[arg(long, help_heading = "Flow")]
    pub(crate) no_browser: bool,
    /// Do nothing where the sign-in is still good for more than 15 minutes, or can be renewed without you
    #[arg(long, help_heading = "Flow")]
    pub(crate) if_needed: bool,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
