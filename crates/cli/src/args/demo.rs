use clap::Args;

use super::GlobalArgs;

/// See the main job happen, without an AWS account
///
/// Starts a center in memory, signs in to it with a temporary home, lists accounts and roles, fetches role credentials and
/// asks who they belong to. Leaves nothing behind.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  aldis demo
      Shows the command with which you approve from a second terminal, and waits
  aldis demo --approve
      The center approves by itself")]
pub(crate) struct DemoArgs {
    /// Let the center approve the sign-in
    #[arg(long)]
    pub(crate) approve: bool,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
