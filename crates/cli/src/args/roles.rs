use clap::Args;

use super::{EndpointArgs, GlobalArgs, SessionArgs, account_id};

/// List the roles that you may use in an account
///
/// One role a line: the account's id and the role's name. Without an account the roles of all accounts are listed.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis roles 111122223333
  aldis roles --sso-session corp --output json")]
pub(crate) struct RolesArgs {
    /// Accounts, by their ids of twelve digits
    #[arg(value_name = "ACCOUNT", value_parser = account_id)]
    pub(crate) accounts: Vec<String>,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
