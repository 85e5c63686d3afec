//! The table of commands: which words stand for which command. `run` looks at the words, builds the one parser that
//! they ask for and hands over; the whole tree is built only for help and for words that stand for nothing.

use std::ffi::OsString;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use outside::{Outside, panics};

use crate::args::accounts::AccountsArgs;
use crate::args::center::CenterArgs;
use crate::args::configure::{GetArgs, ListProfilesArgs};
use crate::args::configure_list::ListArgs;
use crate::args::configure_sso::{ConfigureSessionArgs, ConfigureSsoArgs};
use crate::args::creds::CredsArgs;
use crate::args::demo::DemoArgs;
use crate::args::exec::ExecArgs;
use crate::args::login::LoginArgs;
use crate::args::logout::LogoutArgs;
use crate::args::profiles::AddArgs;
use crate::args::roles::RolesArgs;
use crate::args::serve::ServeArgs;
use crate::args::status::StatusArgs;
use crate::args::sts::{CallerIdentityArgs, ignored_output};
use crate::args::whoami::WhoamiArgs;
use crate::commands;
use crate::commands::login::Spelling;
use crate::report::{Exit, Failure, Kind, hints, version, words};

/// What a command is for; the help lists commands by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    SignIn,
    UseCredentials,
    SetUp,
    Look,
    RunACenter,
}

impl Group {
    const ALL: [Self; 5] = [Self::SignIn, Self::UseCredentials, Self::SetUp, Self::Look, Self::RunACenter];

    fn heading(self) -> &'static str {
        match self {
            Self::SignIn => "Sign in",
            Self::UseCredentials => "Use credentials",
            Self::SetUp => "Set up",
            Self::Look => "Look",
            Self::RunACenter => "Run a center",
        }
    }
}

/// One command, or another spelling of one.
pub(crate) struct Entry {
    /// What is typed.
    words: &'static [&'static str],
    group: Group,
    /// Whether it is the AWS CLI's spelling of another entry.
    is_spelling: bool,
    /// Adds help and options to an empty command.
    build: fn(Command) -> Command,
    run: fn(&Outside, &ArgMatches) -> Result<Exit, Failure>,
}

const fn command(
    words: &'static [&'static str],
    group: Group,
    build: fn(Command) -> Command,
    run: fn(&Outside, &ArgMatches) -> Result<Exit, Failure>,
) -> Entry {
    Entry { words, group, is_spelling: false, build, run }
}

const fn spelling(
    words: &'static [&'static str],
    group: Group,
    build: fn(Command) -> Command,
    run: fn(&Outside, &ArgMatches) -> Result<Exit, Failure>,
) -> Entry {
    Entry { words, group, is_spelling: true, build, run }
}

/// Every command, in the order of the help.
static TABLE: &[Entry] = &[
    command(&["login"], Group::SignIn, LoginArgs::augment_args, |outside, matches| {
        commands::login::run(outside, read(matches)?, Spelling::Own)
    }),
    spelling(&["sso", "login"], Group::SignIn, as_the_aws_cli::<LoginArgs>, |outside, matches| {
        commands::login::run(outside, read(matches)?, Spelling::AwsCli)
    }),
    command(&["logout"], Group::SignIn, LogoutArgs::augment_args, |outside, matches| {
        commands::logout::run(outside, read(matches)?)
    }),
    spelling(&["sso", "logout"], Group::SignIn, as_the_aws_cli::<LogoutArgs>, |outside, matches| {
        commands::logout::run(outside, read(matches)?)
    }),
    command(&["creds"], Group::UseCredentials, CredsArgs::augment_args, |outside, matches| {
        commands::creds::run(outside, &read(matches)?, Spelling::Own)
    }),
    spelling(
        &["configure", "export-credentials"],
        Group::UseCredentials,
        as_the_aws_cli::<CredsArgs>,
        |outside, matches| commands::creds::run(outside, &read(matches)?, Spelling::AwsCli),
    ),
    command(&["exec"], Group::UseCredentials, ExecArgs::augment_args, |outside, matches| {
        commands::exec::run(outside, read(matches)?)
    }),
    command(&["configure", "sso"], Group::SetUp, ConfigureSsoArgs::augment_args, |outside, matches| {
        commands::configure_sso::run(outside, &read(matches)?)
    }),
    command(
        &["configure", "sso-session"],
        Group::SetUp,
        ConfigureSessionArgs::augment_args,
        |outside, matches| commands::configure_sso::run_session(outside, &read(matches)?),
    ),
    command(&["profiles", "add"], Group::SetUp, AddArgs::augment_args, |outside, matches| {
        commands::profiles::add(outside, &read(matches)?)
    }),
    command(&["status"], Group::Look, StatusArgs::augment_args, |outside, matches| {
        commands::status::run(outside, read(matches)?)
    }),
    command(&["whoami"], Group::Look, WhoamiArgs::augment_args, |outside, matches| {
        commands::whoami::run(outside, read(matches)?)
    }),
    spelling(
        &["sts", "get-caller-identity"],
        Group::Look,
        CallerIdentityArgs::augment_args,
        |outside, matches| commands::sts::run(outside, read(matches)?),
    ),
    command(&["accounts"], Group::Look, AccountsArgs::augment_args, |outside, matches| {
        commands::accounts::run(outside, read(matches)?)
    }),
    command(&["roles"], Group::Look, RolesArgs::augment_args, |outside, matches| {
        commands::roles::run(outside, read(matches)?)
    }),
    command(&["configure", "list"], Group::Look, ListArgs::augment_args, |outside, matches| {
        commands::configure_list::run(outside, &read(matches)?)
    }),
    command(
        &["configure", "list-profiles"],
        Group::Look,
        ListProfilesArgs::augment_args,
        |outside, matches| commands::configure::list_profiles(outside, &read(matches)?),
    ),
    command(&["configure", "get"], Group::Look, GetArgs::augment_args, |outside, matches| {
        commands::configure::get(outside, &read(matches)?)
    }),
    command(&["serve"], Group::RunACenter, ServeArgs::augment_args, |outside, matches| {
        commands::serve::run(outside, read(matches)?)
    }),
    command(&["center"], Group::RunACenter, CenterArgs::augment_args, |outside, matches| {
        commands::center::run(outside, read(matches)?)
    }),
    command(&["demo"], Group::RunACenter, DemoArgs::augment_args, |outside, matches| {
        commands::demo::run(outside, read(matches)?)
    }),
];

/// The AWS CLI's spelling of a command: `--output` takes the AWS CLI's formats and has as little effect as there.
fn as_the_aws_cli<A: Args>(command: Command) -> Command {
    A::augment_args(command).mut_arg("output", |option| {
        option
            .value_parser(ignored_output)
            .help("Has no effect here, as with the AWS CLI")
            .hide_default_value(true)
    })
}

/// Options with a value that may stand before the command's word; they are read as if they stood behind it.
const EARLY: [&str; 5] = ["--output", "--color", "--profile", "--sso-session", "--region"];

/// Runs what the words ask for and returns the exit code.
pub(crate) fn run(outside: &Outside, words: Vec<OsString>) -> u8 {
    let style = words::Style::guess(&words, outside);
    // A terminal is given back while a panic unwinds, and what is printed then is an error like others.
    let result = panics::catch(|| {
        panics::test_door("command");
        dispatch(outside, words)
    });
    let result = result.unwrap_or_else(|panicked| Err(hints::internal(panicked)));
    words::finish(outside, style, result)
}

fn dispatch(outside: &Outside, words: Vec<OsString>) -> Result<Exit, Failure> {
    let words = command_first(words);
    if let Some(entry) = find(&words) {
        if entry.words == ["creds"]
            && let Some(args) = CredsArgs::of_programs(&words[1..])
        {
            return commands::creds::run(outside, &args, Spelling::Own);
        }
        let name = format!("aldis {}", entry.words.join(" "));
        let command = (entry.build)(Command::new("aldis").bin_name(name.clone()).no_binary_name(true));
        return match command.try_get_matches_from(&words[entry.words.len()..]) {
            Ok(matches) => (entry.run)(outside, &matches),
            Err(error) => words::of_clap(outside, &error, &name),
        };
    }
    let has = |names: &[&str]| words.iter().any(|word| names.iter().any(|name| word == name));
    let is_version = has(&["-V", "--version"]) && words.iter().all(is_for_version);
    let first = words.first().and_then(|word| word.to_str());
    match first {
        None if words.is_empty() => {
            // Not on standard output: a script whose command is an empty variable must not take this for its result.
            outside.terminal.words(overview());
            Ok(Exit::Usage)
        }
        _ if is_version => version::show(outside, has(&["--verbose"]), has(&["json", "--output=json"])),
        Some(version @ ("-V" | "--version")) => {
            let other = words.iter().find(|word| !is_for_version(word));
            let other = other.map(|word| wire::words::printable(&word.to_string_lossy(), 64));
            let message = format!("unexpected argument '{}' beside {version}", other.unwrap_or_default());
            Err(Failure::new(Kind::Words, message).hint("all facts: aldis --version --verbose"))
        }
        Some("-h" | "--help") => words::print(outside, &overview()),
        Some("help") => help_of(outside, &words[1..]),
        _ => match tree().try_get_matches_from(&words) {
            Err(error) => words::of_clap(outside, &error, "aldis"),
            // The tree knows the same words as the table, so this does not happen; the overview does no harm.
            Ok(_) => words::print(outside, &overview()),
        },
    }
}

/// Whether a word may stand beside `--version`.
fn is_for_version(word: &OsString) -> bool {
    let options =
        ["-V", "--version", "--verbose", "--output", "json", "text", "--output=json", "--output=text"];
    options.iter().any(|option| word == option)
}

/// The arguments of a command, out of what its parser found.
fn read<A: FromArgMatches>(matches: &ArgMatches) -> Result<A, Failure> {
    A::from_arg_matches(matches).map_err(|error| words::failure_of_clap(&error, "aldis"))
}

/// Moves options before the command's word behind it.
fn command_first(words: Vec<OsString>) -> Vec<OsString> {
    let mut early = Vec::new();
    let mut rest = words.into_iter().peekable();
    while let Some(word) = rest.peek().and_then(|word| word.to_str()) {
        let name = word.split('=').next().unwrap_or(word);
        if !EARLY.contains(&name) {
            break;
        }
        let has_value = word.contains('=');
        early.extend(rest.next());
        if !has_value {
            early.extend(rest.next());
        }
    }
    let mut words: Vec<OsString> = rest.collect();
    // Behind words that stand for nothing they do not hide which word that is.
    let behind = find(&words).map_or(words.len(), |entry| entry.words.len());
    words.splice(behind..behind, early);
    words
}

fn find(words: &[OsString]) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| {
        words.len() >= entry.words.len() && entry.words.iter().zip(words).all(|(own, typed)| typed == own)
    })
}

/// `aldis help WORDS`: the help of that command.
fn help_of(outside: &Outside, words: &[OsString]) -> Result<Exit, Failure> {
    if words.is_empty() {
        return words::print(outside, &overview());
    }
    let mut words = words.to_vec();
    words.push("--help".into());
    dispatch(outside, words)
}

/// The width of the list of commands, as it is read on the smallest usual terminal.
const HELP_COLUMNS: usize = 80;

/// The commands by what they are for.
fn overview() -> String {
    let own = TABLE.iter().filter(|entry| !entry.is_spelling);
    let width = own.map(|entry| entry.words.join(" ").len()).max().unwrap_or_default();
    let mut text =
        "AWS sign-in that works wherever your terminal is\n\nUsage: aldis COMMAND [OPTIONS]\n".to_owned();
    for group in Group::ALL {
        let entries: Vec<&Entry> =
            TABLE.iter().filter(|entry| entry.group == group && !entry.is_spelling).collect();
        if entries.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{}:\n", group.heading()));
        for entry in entries {
            let about =
                (entry.build)(Command::new("")).get_about().map(ToString::to_string).unwrap_or_default();
            let indent = width + 4;
            let about = words::wrapped(&about, HELP_COLUMNS - indent, 0);
            let about = about.replace('\n', &format!("\n{:indent$}", ""));
            text.push_str(&format!("  {:<width$}  {about}\n", entry.words.join(" ")));
        }
    }
    let spellings: Vec<String> = TABLE
        .iter()
        .filter(|entry| entry.is_spelling)
        .map(|entry| format!("  aldis {}\n", entry.words.join(" ")))
        .collect();
    text.push_str(&format!("\nSpelled as the AWS CLI does:\n{}\n", spellings.concat()));
    text.push_str("More about a command: aldis help COMMAND\n");
    text.push_str("For a report of a fault: aldis --version --verbose\n");
    text
}

/// Every command in one tree, for words that stand for nothing: clap then says which word was meant.
fn tree() -> Command {
    let mut tree = Command::new("aldis")
        .bin_name("aldis")
        .no_binary_name(true)
        .subcommand_required(true)
        .disable_help_subcommand(true);
    for entry in TABLE {
        match entry.words {
            [word] => tree = tree.subcommand((entry.build)(Command::new(*word))),
            [first, second] => {
                let below = (entry.build)(Command::new(*second));
                tree = match tree.find_subcommand(first) {
                    Some(_) => tree.mut_subcommand(first, |parent| parent.subcommand(below)),
                    None => {
                        let parent =
                            Command::new(*first).subcommand_required(true).disable_help_subcommand(true);
                        tree.subcommand(parent.subcommand(below))
                    }
                };
            }
            _ => {}
        }
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn every_parser_is_sound() {
        tree().debug_assert();
        for entry in TABLE {
            (entry.build)(Command::new("x")).debug_assert();
        }
    }

    #[test]
    fn options_before_the_command_are_read_behind_it() {
        let table = [
            ("--output json login --no-browser", "login --output json --no-browser"),
            ("--output=json --profile p sso login", "sso login --output=json --profile p"),
            ("login", "login"),
            ("--output", "--output"),
            ("--output json", "--output json"),
            ("--help", "--help"),
        ];
        for (typed, meant) in table {
            assert_eq!(command_first(words(typed)), words(meant), "{typed}");
        }
    }

    #[test]
    fn both_spellings_are_found() {
        for line in [
            "login",
            "sso login --profile x",
            "creds",
            "configure export-credentials",
            "roles 1",
            "sso logout",
            "exec -- x",
        ] {
            assert!(find(&words(line)).is_some(), "{line}");
        }
        for line in ["", "sso", "lgin", "configure", "sso logou"] {
            assert!(find(&words(line)).is_none(), "{line}");
        }
    }

    #[test]
    fn a_typo_is_told_the_word_that_was_meant() {
        let table = [
            ("lgin", "there is no command 'lgin'", Some("aldis login")),
            ("zzzzzz", "there is no command 'zzzzzz'", None),
            ("sso", "'aldis sso' is only the beginning of a command", None),
            ("configure set x", "there is no command 'configure set'", Some("aldis configure get")),
            (
                "--profile p configure lst",
                "there is no command 'configure lst'",
                Some("aldis configure list"),
            ),
            ("sso logni", "there is no command 'sso logni'", Some("aldis sso login")),
            (
                "sts get-caller-identty",
                "there is no command 'sts get-",
                Some("aldis sts get-caller-identity"),
            ),
            (
                "center device aprove X",
                "there is no command 'center device aprove'",
                Some("aldis center device approve"),
            ),
            ("center device", "'aldis center device' is only the beginning of a command", None),
            ("center device approve", "required arguments were not provided", None),
            ("center audit --folow", "unexpected argument '--folow'", Some("aldis center audit --follow")),
            ("exec aws s3 ls", "unexpected argument 'aws'", Some("aldis exec -- aws")),
            (
                "login --no-browsr",
                "unexpected argument '--no-browsr' found",
                Some("aldis login --no-browser"),
            ),
            ("creds --format proces", "invalid value 'proces'", Some("aldis creds --format process")),
            ("accounts --output jsn", "invalid value 'jsn'", Some("aldis accounts --output json")),
            ("accounts --profile a --sso-session b", "cannot be used with", None),
            ("roles 12", "an account id has twelve digits", None),
        ];
        let outside = outside::Outside::real();
        for (line, message, meant) in table {
            let failure = dispatch(&outside, words(line)).unwrap_err();
            assert_eq!(failure.kind, Kind::Words, "{line}");
            assert!(failure.error.to_string().contains(message), "{line}: {}", failure.error);
            let hint = failure.hints.iter().find_map(|hint| hint.strip_prefix("did you mean: "));
            assert_eq!(hint, meant, "{line}");
        }
    }

    #[test]
    fn the_overview_names_every_command() {
        let text = overview();
        for entry in TABLE {
            assert!(text.contains(&entry.words.join(" ")), "{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= HELP_COLUMNS), "{text}");
        assert!(
            !text.contains("Run a center:") || TABLE.iter().any(|entry| entry.group == Group::RunACenter)
        );
    }
}
