use std::ffi::OsString;

use clap::Args;

use super::{GlobalArgs, RoleArgs, SessionArgs};

/// Run a command with the credentials of a role
///
/// The command finds them in its environment (AWS_ACCESS_KEY_ID and its like), with the profile's region where none is
/// set, and the endpoint addresses of the profile that belong to the credentials (AWS_ENDPOINT_URL_STS and its like, but none
/// that you set); variables that would lead it to other credentials are taken away. Without options, keys that are in the
/// environment already count. The command takes the place of aldis, so signals and
/// the exit code are its own. 126: it could not be started; 127: there is no such command.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis exec --profile dev -- aws s3 ls
  aldis exec --profile dev -- sh -c 'terraform plan | less'")]
pub(crate) struct ExecArgs {
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) role: RoleArgs,
    /// The command with its arguments, behind --
    #[arg(last = true, required = true, value_name = "COMMAND", help_heading = "Arguments")]
    pub(crate) command: Vec<OsString>,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
