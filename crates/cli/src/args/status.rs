use clap::Args;

use super::GlobalArgs;

/// Show your sign-ins and until when they last
///
/// Every session of ~/.aws/config and every other token in ~/.aws/sso/cache: whether it is valid, what renews it by itself
/// until when, and what is a hard stop. Reads files only and asks no center.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis status
  aldis status --output json")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
