use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::{ColorWhen, EndpointArgs, GlobalArgs, OutputFormat};

/// Say who you are to AWS, as the AWS CLI says it
///
/// The AWS CLI's spelling of whoami, with its output and its exit codes. Without --output the format is that of
/// AWS_DEFAULT_OUTPUT, else that of `output` in the profile, else JSON. A region must be named by --region, a variable or the
/// profile. There is no pager, and a table has no colours.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aldis sts get-caller-identity --profile dev
  aldis sts get-caller-identity --output text")]
pub(crate) struct CallerIdentityArgs {
    /// The profile that asks, instead of keys in the environment [env: AWS_PROFILE]
    #[arg(long, value_name = "NAME", help_heading = "Session")]
    pub(crate) profile: Option<String>,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    /// The region whose STS is asked [env: AWS_REGION]
    #[arg(long, value_name = "REGION", help_heading = "Session")]
    pub(crate) region: Option<String>,
    /// The form of the answer [env: AWS_DEFAULT_OUTPUT]
    #[arg(long, value_name = "FORMAT", help_heading = "Global")]
    pub(crate) output: Option<AwsOutput>,
    /// Not supported: a filter of the answer in JMESPath
    #[arg(long, value_name = "JMESPATH", hide = true)]
    pub(crate) query: Option<String>,
    /// Has no effect, as there is no pager
    #[arg(long, hide = true)]
    pub(crate) no_cli_pager: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Global", value_parser = color)]
    pub(crate) color: ColorWhen,
}

impl CallerIdentityArgs {
    /// Errors are words, whatever the format of the answer.
    pub(crate) fn global(&self) -> GlobalArgs {
        GlobalArgs { output: OutputFormat::Text, color: self.color }
    }
}

/// The output formats of the AWS CLI.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum AwsOutput {
    /// Indented by four blanks.
    #[default]
    Json,
    /// Values separated by tabs.
    Text,
    /// Lines of characters around the values.
    Table,
    /// A YAML document.
    Yaml,
    /// A YAML list with one entry for each answer of the service.
    YamlStream,
}

impl AwsOutput {
    /// The format of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::from_str(name, false).ok()
    }
}

impl ValueEnum for AwsOutput {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Json, Self::Text, Self::Table, Self::Yaml, Self::YamlStream]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Table => "table",
            Self::Yaml => "yaml",
            Self::YamlStream => "yaml-stream",
        }))
    }
}

/// The values of the AWS CLI and ours.
pub(crate) fn color(text: &str) -> Result<ColorWhen, String> {
    match text {
        "auto" => Ok(ColorWhen::Auto),
        "on" | "always" => Ok(ColorWhen::Always),
        "off" | "never" => Ok(ColorWhen::Never),
        _ => Err("it is auto, on or off".to_owned()),
    }
}

/// `--output` of the AWS CLI's spelling of a command whose output the AWS CLI does not format: every format is accepted and has no
/// effect.
pub(crate) fn ignored_output(text: &str) -> Result<OutputFormat, String> {
    match AwsOutput::from_name(text) {
        Some(_) => Ok(OutputFormat::Text),
        None => Err("it is json, text, table, yaml or yaml-stream".to_owned()),
    }
}
