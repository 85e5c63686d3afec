use clap::{Args, ValueEnum};

use super::GlobalArgs;

/// See the main job happen, without an AWS account
///
/// Starts a center in memory, signs in to it with a temporary home, lists accounts and roles, fetches role credentials and
/// asks who they belong to. Leaves nothing behind.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  aldis demo
      Opens the center's page in your browser, says which name and password to type there, and waits
  aldis demo --flow device --no-browser
      Shows a link and a code for any browser
  aldis demo --approve
      A robot walks the pages in your place")]
pub(crate) struct DemoArgs {
    /// How to sign in
    #[arg(long, value_name = "FLOW", default_value = "browser")]
    pub(crate) flow: DemoFlow,
    /// Let a robot walk the center's pages in your place, over HTTP
    #[arg(long)]
    pub(crate) approve: bool,
    /// Do not open a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// How the demonstration signs in: its center is on this computer, so nothing has to be found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoFlow {
    /// In a browser on this computer, with PKCE
    #[default]
    Browser,
    /// With a code that is approved in any browser
    Device,
}
