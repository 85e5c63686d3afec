use clap::Args;

use super::GlobalArgs;

/// Run a center: an Identity-Center-compatible server to try, to test against, or to host
///
/// Listens on loopback and prints one line when it is ready. Without --seed it serves a built-in organisation with the
/// person `demo`. The credentials that it hands out open nothing at Amazon.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  aldis serve
      A center at http://127.0.0.1:8765 that keeps its data in your state folder
  aldis serve --memory --listen 127.0.0.1:0 --auto-approve demo --output json
      For tests: a free port, nothing kept, every sign-in approved, addresses as JSON")]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8765")]
    pub(crate) listen: String,
    /// The address by which people and clients reach the center [default: the listening one]
    ///
    /// Required when listening on all addresses. With https a proxy in front ends TLS.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Believe this proxy about where a request comes from; may be repeated
    ///
    /// An address or a network, such as 10.0.0.0/8. Only from there `X-Forwarded-For`, `Forwarded` and
    /// `X-Forwarded-Host` are read.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) trusted_proxy: Vec<String>,
    /// Keep the data in this SQLite file [default: aldis/center.db in your state folder]
    #[arg(long, value_name = "FILE", conflicts_with = "memory")]
    pub(crate) data: Option<std::path::PathBuf>,
    /// Keep the data in memory only
    #[arg(long)]
    pub(crate) memory: bool,
    /// People, accounts, permission sets and assignments (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<std::path::PathBuf>,
    /// Approve every sign-in at once, in the name of this person
    #[arg(long, value_name = "PERSON")]
    pub(crate) auto_approve: Option<String>,
    /// How long a device code lives, 2 to 10
    #[arg(long, value_name = "MINUTES", default_value_t = 10, value_parser = clap::value_parser!(i64).range(2..=10))]
    pub(crate) device_code_minutes: i64,
    /// How long an authorization code lives, 1 to 10
    #[arg(long, value_name = "MINUTES", default_value_t = 5, value_parser = clap::value_parser!(i64).range(1..=10))]
    pub(crate) authorization_code_minutes: i64,
    /// Let --auto-approve and the built-in organisation serve other machines, too
    #[arg(long)]
    pub(crate) insecure_test_center: bool,
    /// Let `aldis center clock` move the time; needs --memory and loopback
    #[arg(long)]
    pub(crate) test_clock: bool,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
