use clap::Args;

use super::{EndpointArgs, GlobalArgs, SessionArgs};

/// Write a profile for every account and role
///
/// Shows what is new, asks, and adds it to ~/.aws/config. Nothing that stands there is changed: a role that has a profile
/// keeps it, under whatever name. A new name consists of letters, digits and _ - @ + . % : and begins with a letter or digit;
/// other scripts are transliterated. An account whose roles the center refuses to list does not keep the others from their
/// profiles; the exit code is 254 then. What an interrupted run has listed is used by the next one for an hour.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis profiles add --all --dry-run
  aldis profiles add --all --sso-session corp --region eu-west-1 \\
      --template '{role_name}@{account_name}'
  aldis profiles add --all --yes --output json")]
pub(crate) struct AddArgs {
    /// Every account and role of the session
    #[arg(long, required = true)]
    pub(crate) all: bool,
    /// How profiles are named, of {account_name}, {account_id}, {role_name} and {session}
    #[arg(long, value_name = "TEXT", default_value = "{account_name}-{role_name}")]
    pub(crate) template: String,
    /// The region of the new profiles; '' for none [default: the region of the Identity Center]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Print what would be added, and write nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Write without asking
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
