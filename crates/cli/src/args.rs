//! As typed: one file a command. A struct's doc comment is its command's help; nothing is looked up here.

use aws_formats::config::account_id::{
    is_account_id, is_role_name, is_rounded_number, likely_account_id, likely_role_name,
};
use clap::{Args, ValueEnum};

pub(crate) mod accounts;
pub(crate) mod center;
pub(crate) mod configure;
pub(crate) mod configure_list;
pub(crate) mod configure_sso;
pub(crate) mod creds;
pub(crate) mod demo;
pub(crate) mod exec;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod profiles;
pub(crate) mod roles;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod sts;
pub(crate) mod whoami;

// No doc comment on the structs that others take in: it would replace the help of the command.

// What every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global")]
pub(crate) struct GlobalArgs {
    /// How results are written
    #[arg(long, value_name = "FORMAT", default_value = "text", global = true)]
    pub(crate) output: OutputFormat,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: ColorWhen,
}

// Which session is meant.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Session")]
pub(crate) struct SessionArgs {
    /// The profile whose session is meant [env: AWS_PROFILE]
    #[arg(long, value_name = "NAME", conflicts_with = "sso_session")]
    pub(crate) profile: Option<String>,
    /// The sso-session that is meant
    #[arg(long, value_name = "NAME")]
    pub(crate) sso_session: Option<String>,
}

// Whether an address that changed is meant.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Session")]
pub(crate) struct EndpointArgs {
    /// Send the token to another address than the one where it was given, after a warning
    #[arg(long)]
    pub(crate) endpoint_changed: bool,
}

// Which role is meant.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Session")]
pub(crate) struct RoleArgs {
    /// The account, by its id or its name, instead of the profile's
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    pub(crate) account_id: Option<String>,
    /// The role, instead of the profile's
    #[arg(long, value_name = "NAME", value_parser = role_name)]
    pub(crate) role_name: Option<String>,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
}

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Reads an account: an id of twelve digits, or a name.
pub(crate) fn account(text: &str) -> Result<String, String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_account_id(text) || !is_number && likely_account_id(text).is_none() && !is_rounded_number(text) {
        return Ok(text.to_owned());
    }
    Err(match likely_account_id(text) {
        Some(likely) => format!("an account id has twelve digits; did you mean {likely}?"),
        None => "an account id has twelve digits".to_owned(),
    })
}

/// Reads the name of a role, which is that of a permission set.
pub(crate) fn role_name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("the name of a role is missing".to_owned());
    }
    if is_role_name(text) {
        return Ok(text.to_owned());
    }
    Err(match likely_role_name(text) {
        Some(likely) => format!("it takes a name, not an ARN or a path; did you mean {likely}?"),
        None => "it takes a name, not an ARN or a path".to_owned(),
    })
}
