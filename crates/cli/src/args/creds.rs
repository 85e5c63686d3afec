use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::{GlobalArgs, RoleArgs, SessionArgs};

/// Print short-term credentials of a role
///
/// Lines for a shell come with the endpoint addresses that belong to the credentials, and remove those of an earlier aldis creds.
/// Without options, keys that are in the environment already count.
///
/// Cached credentials are printed while they have more than a quarter of an hour left. Fit for credential_process in
/// ~/.aws/config. Of a profile with login_session (`aws login`) the cached credentials are printed while they are valid; a
/// profile that assumes a role, holds keys or starts a program is refused.
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

impl CredsArgs {
    /// The words that programs type, such as `--profile dev --format env`. SDKs start a `credential_process` often, and a
    /// quarter of what a cached credential costs beyond an empty program would be its parser. Nothing for all other words,
    /// good or bad: those are the parser's.
    pub(crate) fn of_programs(words: &[OsString]) -> Option<Self> {
        let mut args = Self::default();
        let mut format = None;
        let (pairs, []) = words.as_chunks() else { return None };
        for [option, value] in pairs {
            let value = value.to_str().filter(|value| !value.starts_with('-'))?;
            let is_first = match option.to_str()? {
                "--profile" => args.session.profile.replace(value.to_owned()).is_none(),
                "--format" => format.replace(CredsFormat::from_str(value, false).ok()?).is_none(),
                _ => false,
            };
            if !is_first {
                return None;
            }
        }
        args.format = format.unwrap_or_default();
        Some(args)
    }
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

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches as _};

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn parsed(line: &str) -> Option<CredsArgs> {
        let command = CredsArgs::augment_args(Command::new("creds").no_binary_name(true));
        CredsArgs::from_arg_matches(&command.try_get_matches_from(words(line)).ok()?).ok()
    }

    #[test]
    fn what_programs_type_means_what_the_parser_makes_of_it() {
        for line in [
            "",
            "--profile dev",
            "--profile dev=1",
            "--format env",
            "--profile dev --format process",
            "--format windows-cmd --profile dev",
        ] {
            let (own, parsed) = (CredsArgs::of_programs(&words(line)), parsed(line));
            assert!(own.is_some(), "{line}");
            assert_eq!(format!("{own:?}"), format!("{parsed:?}"), "{line}");
        }
    }

    #[test]
    fn all_other_words_are_the_parsers() {
        for line in [
            "--profile",
            "dev",
            "--profile --format",
            "--profile -x",
            "--profile a --profile b",
            "--format env --format env",
            "--format ENV",
            "--profile=dev",
            "--profile dev --help",
            "--sso-session corp",
            "--profile dev --output json",
            "-- --profile",
        ] {
            assert!(CredsArgs::of_programs(&words(line)).is_none(), "{line}");
        }
    }
}
