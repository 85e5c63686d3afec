use clap::Args;

use super::{EndpointArgs, GlobalArgs, SessionArgs, account};

/// List the roles that you may use in an account
///
/// One role a line: the account's id, the role's name and, if the accounts were listed for it, the account's name. Without an
/// account the roles of all accounts are listed. An account whose roles the center refuses to list does not hide the others; the
/// exit code is 254 then.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis roles 111122223333
  aldis roles development
  aldis roles --sso-session corp --output json")]
pub(crate) struct RolesArgs {
    /// Accounts, by their ids or names
    #[arg(value_name = "ACCOUNT", value_parser = account)]
    pub(crate) accounts: Vec<String>,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
