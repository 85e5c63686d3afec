use clap::Args;

use super::login::FlowArgs;
use super::{ColorWhen, GlobalArgs, OutputFormat, account, role_name};

// --output is an answer here, so only the colour is left of what every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global")]
pub(crate) struct ColorArgs {
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
}

impl ColorArgs {
    pub(crate) fn global(&self) -> GlobalArgs {
        GlobalArgs { output: OutputFormat::Text, color: self.color }
    }
}

// What is to be known of a session.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Answers")]
pub(crate) struct SessionAnswers {
    /// The name of the sso-session, a new one or one of the config file; '' writes the old form without one
    #[arg(long, value_name = "NAME")]
    pub(crate) sso_session: Option<String>,
    /// Where your organisation signs in
    #[arg(long, value_name = "URL")]
    pub(crate) sso_start_url: Option<String>,
    /// The region of the Identity Center; not needed where the start URL leads to it
    #[arg(long, value_name = "REGION")]
    pub(crate) sso_region: Option<String>,
    /// The scopes to register with, separated by commas [default: sso:account:access]
    #[arg(long, value_name = "SCOPES")]
    pub(crate) sso_registration_scopes: Option<String>,
}

/// Set up a profile: sign in, choose an account and a role, name it
///
/// Asks what the AWS CLI asks, in its order, and writes what it writes; each answer can be given as an option instead, and is
/// not asked for then. Without a terminal nothing is asked: a missing answer is an error that names its option, unless there is
/// only one account or role, or the answer may be left out (scopes, region, output format, name of the profile). Nothing is
/// written to the config file before all is known; every line that need not change stays as it is.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis configure sso
      Asks for everything
  aldis configure sso --sso-session corp \\
      --sso-start-url https://d-1234567890.awsapps.com/start \\
      --sso-region us-east-1 --account-id 111122223333 \\
      --role-name ReadOnly --region eu-west-1 --profile dev
      Asks for nothing but the sign-in")]
pub(crate) struct ConfigureSsoArgs {
    #[command(flatten)]
    pub(crate) session: SessionAnswers,
    /// The account, by its id or its name
    #[arg(long, value_name = "ACCOUNT", value_parser = account, help_heading = "Answers")]
    pub(crate) account_id: Option<String>,
    /// The role
    #[arg(long, value_name = "NAME", value_parser = role_name, help_heading = "Answers")]
    pub(crate) role_name: Option<String>,
    /// The region that the profile's commands use; '' for none [default: the region of the Identity Center]
    #[arg(long, value_name = "REGION", help_heading = "Answers")]
    pub(crate) region: Option<String>,
    /// The output format of the AWS CLI with this profile, such as json or table; '' for none
    #[arg(long, value_name = "FORMAT", help_heading = "Answers")]
    pub(crate) output: Option<String>,
    /// The name of the profile, a new one or one of the config file [env: AWS_PROFILE]
    #[arg(long, value_name = "NAME", help_heading = "Answers")]
    pub(crate) profile: Option<String>,
    #[command(flatten)]
    pub(crate) how: FlowArgs,
    #[command(flatten)]
    pub(crate) color: ColorArgs,
}

/// Set up an sso-session, which profiles share
///
/// Asks what the AWS CLI asks and writes what it writes; each answer can be given as an option instead. Does not sign in.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis configure sso-session
  aldis configure sso-session --sso-session corp \\
      --sso-start-url https://d-1234567890.awsapps.com/start --sso-region us-east-1")]
pub(crate) struct ConfigureSessionArgs {
    #[command(flatten)]
    pub(crate) session: SessionAnswers,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}
