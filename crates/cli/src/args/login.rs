use std::net::IpAddr;

use clap::{Args, ValueEnum};

use super::{GlobalArgs, SessionArgs};

/// Sign in, in the way that works where this terminal is
///
/// Looks where it runs (SSH, a container, WSL, an editor, a desktop), offers the way to sign in that will work there and says
/// why, waits until you have signed in, and keeps the token where the AWS CLI and every AWS SDK look for it. There are three
/// ways, and the first to finish wins: a browser that comes back to this computer by itself; the address on which any browser
/// ended, pasted here; and, when you press c, a code that you approve in any browser. Without a terminal there is one way: the
/// browser, where one can be opened here, else the code.
/// Without --profile and --sso-session the session of AWS_PROFILE is meant, else that of the default profile, else the only
/// one there is.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis login
      Chooses by where it runs
  aldis login --explain
      Says what it would choose and why, and does nothing
  aldis login --use-device-code
      Shows a code that you approve in any browser, on any device
  aldis login --sso-session corp --no-browser --redirect-port 8250
      Shows the link only; over SSH, forward that port: ssh -L 8250:127.0.0.1:8250 …
  aldis login --if-needed && terraform apply
  aldis login --no-wait --flow device && … && aldis login --resume
      Shows the code and ends; a later command finishes it
  aldis login --output json
      For editors and agents: JSON lines, and the address on which the browser ended as a line of standard input

In ~/.aws/config, sso_use_device_code = true and sso_redirect_port = 8250 in [sso-session NAME] say the same; in a
[profile NAME] they have no effect, and of the first one only true counts.")]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) how: FlowArgs,
    /// Do nothing where the sign-in is still good for more than 15 minutes, or can be renewed without you
    #[arg(long, help_heading = "Flow")]
    pub(crate) if_needed: bool,
    /// Show the code or the link and end; finish with --resume. Starts no browser, and prefers a code
    #[arg(long, conflicts_with = "resume", help_heading = "Flow")]
    pub(crate) no_wait: bool,
    /// Finish the sign-in that an earlier command showed and did not finish; begin none
    #[arg(
        long,
        conflicts_with_all = ["flow", "use_device_code", "redirect_port", "callback_listen", "no_browser", "now", "explain"],
        help_heading = "Flow"
    )]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

// In which ways to sign in; no doc comment, as it would replace the help of the command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Flow")]
pub(crate) struct FlowArgs {
    /// How to sign in [default: auto, or a code where sso_use_device_code = true]
    #[arg(long, value_name = "FLOW")]
    pub(crate) flow: Option<FlowChoice>,
    /// Sign in with a device code: the same as --flow device
    #[arg(long, conflicts_with = "flow")]
    pub(crate) use_device_code: bool,
    /// Say what was seen of this place, what it weighs and what follows, and do nothing
    #[arg(long)]
    pub(crate) explain: bool,
    /// Do not open a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// The port of 127.0.0.1 to which the browser comes back [default: a free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) redirect_port: Option<u16>,
    /// Begin at once, also where three sign-ins that nobody answered started a cool-down
    #[arg(long)]
    pub(crate) now: bool,
    /// Wait for the browser on this address of this computer instead of 127.0.0.1, for a container's published port
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) callback_listen: Option<IpAddr>,
}

/// How to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlowChoice {
    /// In the way that works where this terminal is, also where sso_use_device_code = true
    Auto,
    /// In a browser that reaches this computer, with PKCE
    Browser,
    /// In any browser, with PKCE: the address on which it ended is pasted here
    Paste,
    /// With a code that is approved in any browser
    Device,
}
