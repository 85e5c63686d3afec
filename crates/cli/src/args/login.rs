use clap::{Args, ValueEnum};

use super::{GlobalArgs, SessionArgs};

/// Sign in, in a browser on this computer or with a code in any browser
///
/// Opens a page in the browser, waits until you have signed in there, and keeps the token where the AWS CLI and every AWS SDK
/// look for it. The browser comes back to a port of this computer; where it runs on another one, use --use-device-code.
/// Without --profile and --sso-session the session of AWS_PROFILE is meant, else that of the default profile, else the only
/// one there is.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis login
      Opens the page in a browser here
  aldis login --use-device-code
      Shows a code that you approve in any browser, on any device
  aldis login --sso-session corp --no-browser --redirect-port 8250
      Shows the link only; over SSH, forward that port: ssh -L 8250:127.0.0.1:8250 …
  aldis login --if-needed && terraform apply

In ~/.aws/config, sso_use_device_code = true and sso_redirect_port = 8250 of the sso-session (or profile) say the same.")]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    /// How to sign in [default: browser; device for a profile without sso-session]
    #[arg(long, value_name = "FLOW", help_heading = "Flow")]
    pub(crate) flow: Option<FlowChoice>,
    /// Sign in with a device code: the same as --flow device
    #[arg(long, help_heading = "Flow", conflicts_with = "flow")]
    pub(crate) use_device_code: bool,
    /// Do not open a browser
    #[arg(long, help_heading = "Flow")]
    pub(crate) no_browser: bool,
    /// The port of 127.0.0.1 to which the browser comes back [default: a free one]
    #[arg(long, value_name = "PORT", help_heading = "Flow", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) redirect_port: Option<u16>,
    /// Do nothing where the sign-in is still good for more than 15 minutes, or can be renewed without you
    #[arg(long, help_heading = "Flow")]
    pub(crate) if_needed: bool,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// How to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlowChoice {
    /// In a browser on this computer, with PKCE
    Browser,
    /// With a code that is approved in any browser
    Device,
}
