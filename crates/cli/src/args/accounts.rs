use clap::Args;

use super::{EndpointArgs, GlobalArgs, SessionArgs};

/// List the accounts that you may use
///
/// One account a line: its id, name and e-mail address.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis accounts
  aldis accounts --sso-session corp --output json")]
pub(crate) struct AccountsArgs {
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
