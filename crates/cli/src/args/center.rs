use clap::{Args, Subcommand};

use super::GlobalArgs;

/// Administer a center on this machine
///
/// Goes over the private socket of the center, so it works for the user who runs the center, and for root.
#[derive(Debug, Clone, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = false,
    after_help = "\
Examples:
  aldis center device approve BCDF-GHJK --person demo
      Let in the terminal that shows this code
  aldis center authorize 'http://127.0.0.1:8765/authorize?…' --person demo
      Let in the terminal that opened this address in a browser
  aldis center hash-password
      Make the password_hash of a person in a seed
  aldis center audit --follow --output json
      Every event as it happens, one JSON object a line"
)]
pub(crate) struct CenterArgs {
    #[command(subcommand)]
    pub(crate) command: CenterCommand,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// What can be administered.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum CenterCommand {
    /// Decide on a device that waits to be signed in
    Device(DeviceArgs),
    /// Let in a terminal that waits for the answer of a browser
    Authorize(AuthorizeArgs),
    /// Make the password_hash of a person in a seed
    HashPassword,
    /// Show the audit log
    Audit(AuditArgs),
    /// Move the clock of a center that was started with --test-clock
    Clock(ClockArgs),
}

/// Decide on a device that waits to be signed in
#[derive(Debug, Clone, Args)]
#[command(subcommand_required = true, arg_required_else_help = false)]
pub(crate) struct DeviceArgs {
    #[command(subcommand)]
    pub(crate) decision: DeviceDecision,
}

/// The two decisions.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum DeviceDecision {
    /// Let it in
    Approve(DecideArgs),
    /// Refuse it
    Deny(DecideArgs),
}

/// One decision.
#[derive(Debug, Clone, Args)]
pub(crate) struct DecideArgs {
    /// The code that the terminal shows; case, dashes and blanks do not matter
    #[arg(value_name = "USER-CODE")]
    pub(crate) user_code: String,
    /// On whose behalf
    #[arg(long, value_name = "NAME")]
    pub(crate) person: String,
    /// Which center [default: the only one that is running]
    #[arg(long, value_name = "URL")]
    pub(crate) center: Option<String>,
}

/// Let in a terminal that waits for the answer of a browser
///
/// Prints the address to which the browser would be sent, with the code for the terminal in it. Whoever has it can hand it to
/// the terminal, so it belongs in the browser on the terminal's machine and nowhere else.
#[derive(Debug, Clone, Args)]
pub(crate) struct AuthorizeArgs {
    /// The address that was opened in the browser, in quotes
    #[arg(value_name = "AUTHORIZE-URL")]
    pub(crate) url: String,
    /// On whose behalf
    #[arg(long, value_name = "NAME")]
    pub(crate) person: String,
    /// Which center [default: the only one that is running]
    #[arg(long, value_name = "URL")]
    pub(crate) center: Option<String>,
}

/// Show the audit log
#[derive(Debug, Clone, Args)]
pub(crate) struct AuditArgs {
    /// Stay, and show what comes
    #[arg(long)]
    pub(crate) follow: bool,
    /// Which center [default: the only one that is running]
    #[arg(long, value_name = "URL")]
    pub(crate) center: Option<String>,
}

/// Move a test clock
#[derive(Debug, Clone, Args)]
pub(crate) struct ClockArgs {
    /// How far, forward: a number with s, m, h or d, such as +10m
    #[arg(value_name = "STEP", allow_hyphen_values = true)]
    pub(crate) step: String,
    /// Which center [default: the only one that is running]
    #[arg(long, value_name = "URL")]
    pub(crate) center: Option<String>,
}
