use clap::{Args, ValueEnum};

use super::{GlobalArgs, RoleArgs, SessionArgs};

/// Print short-term credentials of a role
///
/// Cached credentials are printed while they have more than a quarter of an hour left. Fit for credential_process in
/// ~/.aws/config.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  eval \"$(aldis creds --profile dev --format env)\"
  aldis creds --sso-session corp --account-id 111122223333 --role-name Developer")]
pub(crate) struct CredsArgs {
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) role: RoleArgs,
    /// How the credentials are written
    #[arg(long, value_name = "FORMAT", default_value = "process", help_heading = "Output")]
    pub(crate) format: CredsFormat,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// How credentials are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CredsFormat {
    /// A JSON object, as credential_process must write it
    #[default]
    Process,
    /// Lines for a POSIX shell, exported
    Env,
    /// Lines for a POSIX shell or an env file, not exported
    EnvNoExport,
    /// Lines for PowerShell
    Powershell,
    /// Lines for cmd.exe
    WindowsCmd,
    /// Lines for fish
    Fish,
}
