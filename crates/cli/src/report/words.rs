//! How words look: `error:`, `caused by:` and `hint:` on standard error, data on standard output.

use std::error::Error;
use std::ffi::OsString;
use std::io;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use outside::Outside;
use outside::painted::{Color, Painted};
use outside::signals::Ending;
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use super::hints::quoted;
use super::{Exit, Failure, Kind};
use crate::args::{ColorWhen, GlobalArgs, OutputFormat};

/// How a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// For programs.
    pub(crate) json: bool,
    /// Whether words on standard error have colours.
    pub(crate) colored: bool,
}

/// Commands whose `--output` says nothing of how Aldis writes errors and results.
const OTHER_OUTPUT: [[&str; 2]; 5] = [
    ["configure", "sso"],
    ["sso", "login"],
    ["sso", "logout"],
    ["configure", "export-credentials"],
    ["sts", "get-caller-identity"],
];

impl Style {
    /// What the options ask for.
    pub(crate) fn new(global: &GlobalArgs, outside: &Outside) -> Self {
        let colored = match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => outside.terminal.colors,
        };
        Self { json: global.output == OutputFormat::Json, colored }
    }

    /// What the options seem to ask for, for errors in those very options.
    pub(crate) fn guess(words: &[OsString], outside: &Outside) -> Self {
        // Behind it stands somebody else's command.
        let words = words.split(|word| word == "--").next().unwrap_or_default();
        let says = |option: &str, value: &str| {
            words.windows(2).any(|pair| pair[0] == option && pair[1] == value)
                || words
                    .iter()
                    .filter_map(|word| word.to_str()?.split_once('='))
                    .any(|pair| pair == (option, value))
        };
        let mut global = GlobalArgs::default();
        // There it is an answer, or what the AWS CLI makes of it.
        let is_other = words.windows(2).any(|pair| OTHER_OUTPUT.iter().any(|other| pair == other));
        if says("--output", "json") && !is_other {
            global.output = OutputFormat::Json;
        }
        if says("--color", "always") {
            global.color = ColorWhen::Always;
        } else if says("--color", "never") {
            global.color = ColorWhen::Never;
        }
        Self::new(&global, outside)
    }

    /// A text, sanitized, in a colour if there are colours.
    pub(crate) fn paint(self, color: Color, text: &str) -> Painted {
        if self.colored { Painted::in_color(color, text) } else { Painted::from(text) }
    }
}

/// Says how a command ended and returns its exit code.
pub(crate) fn finish(outside: &Outside, style: Style, result: Result<Exit, Failure>) -> u8 {
    match result {
        Ok(Exit::Done) => 0,
        Ok(Exit::Nothing) => 1,
        Ok(Exit::Usage) => Kind::Words.exit_code(),
        Err(failure) => {
            if let Kind::Cancelled(Ending::Interrupt) = failure.kind
                && outside.terminal.error
                && !outside.terminal.lively
                && !style.json
            {
                // Behind the ^C that the terminal wrote itself.
                outside.terminal.words("\n");
            }
            if failure.kind != Kind::ReaderGone {
                outside.terminal.words(show(style, &failure, window(outside)));
            }
            failure.kind.exit_code()
        }
    }
}

/// The columns of the terminal that words are written to; `None` if that is no terminal.
fn window(outside: &Outside) -> Option<usize> {
    outside.terminal.error.then(|| outside.terminal.columns())
}

/// A failure in words. Its message and causes are wrapped in a window of so many `columns`; hints are not, because a command that
/// is copied out of them must stay on one line.
pub(crate) fn show(style: Style, failure: &Failure, columns: Option<usize>) -> Painted {
    let causes = causes(&*failure.error);
    if style.json {
        let object = json!({"error": {
            "kind": failure.kind.name(),
            "message": failure.error.to_string(),
            "causes": causes,
            "hints": failure.hints,
            "exit_code": failure.kind.exit_code(),
        }});
        return Painted::json(&object);
    }
    if let Kind::Cancelled(_) = failure.kind {
        return Painted::from(format!("{}\n", failure.error));
    }
    let line = |color, head: &str, text: &str| style.paint(color, head).then(format!(" {text}\n"));
    let fitted = |head: &str, text: &str| match columns {
        Some(columns) => wrapped(text, columns, head.len() + 1),
        None => text.to_owned(),
    };
    let wrapped_line = |head: &str, text: &str| line(Color::Red, head, &fitted(head, text));
    let mut text = wrapped_line("error:", &failure.error.to_string());
    for cause in causes {
        text.push(wrapped_line("caused by:", &cause));
    }
    for (number, hint) in failure.hints.iter().enumerate() {
        text.push(if number == 0 { "\n" } else { "" });
        text.push(line(Color::Cyan, "hint:", hint));
    }
    text
}

/// The causes below an error, without those that only repeat what is above them.
fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut shown = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !shown.iter().any(|text| text.contains(&words)) {
            shown.push(words);
        }
        next = cause.source();
    }
    shown.split_off(1)
}

/// An error with its causes in one line, for warnings.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut words = vec![error.to_string()];
    words.extend(causes(error));
    words.join(": ")
}

/// Breaks lines between words, so that each has room in so many columns; `begun` of the first are taken already. A word that is
/// longer than that is left whole, as it may be one to copy.
pub(crate) fn wrapped(text: &str, columns: usize, begun: usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    let mut column = begun;
    for line in text.split_inclusive('\n') {
        for word in line.split_inclusive(' ') {
            let width = word.trim_end().width();
            if column > 0 && column + width > columns {
                wrapped.truncate(wrapped.trim_end_matches(' ').len());
                wrapped.push('\n');
                column = 0;
            }
            wrapped.push_str(word);
            column += word.trim_end_matches('\n').width();
        }
        if line.ends_with('\n') {
            column = 0;
        }
    }
    wrapped
}

/// A warning: the command goes on. It is wrapped on a terminal, and has no colors of its own.
pub(crate) fn warn(outside: &Outside, style: Style, text: impl Into<Painted>) {
    let text = text.into();
    if style.json {
        outside.terminal.words(Painted::json(&json!({"event": "warning", "message": text.plain()})));
    } else {
        let head = "warning:";
        let text = match window(outside) {
            Some(columns) => Painted::from(wrapped(text.plain(), columns, head.len() + 1)),
            None => text,
        };
        outside.terminal.words(style.paint(Color::Yellow, head).then(" ").then(text).then("\n"));
    }
}

/// A remark.
pub(crate) fn note(outside: &Outside, style: Style, text: impl Into<Painted>) {
    let text = text.into();
    if style.json {
        outside.terminal.words(Painted::json(&json!({"event": "note", "message": text.plain()})));
    } else {
        outside.terminal.words(text.then("\n"));
    }
}

/// Writes a result to standard output: byte for byte if that is no terminal.
pub(crate) fn print(outside: &Outside, text: &str) -> Result<Exit, Failure> {
    printed(outside.terminal.data(text))
}

/// Writes a result for people, with colours, to standard output.
pub(crate) fn print_painted(outside: &Outside, text: &Painted) -> Result<Exit, Failure> {
    printed(outside.terminal.painted_data(text))
}

fn printed(written: io::Result<()>) -> Result<Exit, Failure> {
    match written {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::new(Kind::ReaderGone, error)),
        Err(error) => Err(Failure::new(Kind::Other, CannotPrint(error))),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the result cannot be written to standard output")]
struct CannotPrint(#[source] io::Error);

/// What clap has to say: help is a result, all else a failure.
pub(crate) fn of_clap(outside: &Outside, error: &clap::Error, command: &str) -> Result<Exit, Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = error.render();
            let text = if outside.terminal.output && outside.terminal.colors {
                // The help of a command holds nothing from elsewhere.
                Painted::control(text.ansi().to_string())
            } else {
                Painted::from(text.to_string())
            };
            print_painted(outside, &text)
        }
        _ => Err(failure_of_clap(error, command)),
    }
}

/// Words that cannot be understood.
pub(crate) fn failure_of_clap(error: &clap::Error, command: &str) -> Failure {
    let nested = command_in_usage(error);
    let command = nested.as_deref().unwrap_or(command);
    let mut failure = Failure::new(Kind::Words, said_by_clap(error, command));
    // A suggested value stands behind its option; everything else stands for itself.
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => {
            text.split_whitespace().next().filter(|word| word.starts_with('-'))
        }
        _ => None,
    };
    let value = suggestion(error, ContextKind::SuggestedValue).map(|value| match option {
        Some(option) => format!("{option} {value}"),
        None => value,
    });
    let only_word = match error.get(ContextKind::ValidSubcommand) {
        Some(ContextValue::Strings(words))
            if words.len() == 1 && error.kind() == ErrorKind::MissingSubcommand =>
        {
            words.first().cloned()
        }
        _ => None,
    };
    let meant = suggestion(error, ContextKind::SuggestedSubcommand)
        .or_else(|| suggestion(error, ContextKind::SuggestedArg))
        .or(value)
        .or(only_word);
    let behind_dashes = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(word)))
            if !word.starts_with('-') && error.render().to_string().contains(" -- <") =>
        {
            Some(format!("-- {}", quoted(&wire::words::printable(word, 64))))
        }
        _ => None,
    };
    let meant = meant.or(behind_dashes);
    let command = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) if error.kind() == ErrorKind::MissingSubcommand => name,
        _ => command,
    };
    if let Some(meant) = meant {
        failure = failure.hint(format!("did you mean: {command} {meant}"));
    }
    failure.hint(format!("all that it takes: {command} --help"))
}

/// The words of the command whose parser found the error, out of its usage line: they tell how deep in a command with commands of
/// its own the error is.
fn command_in_usage(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else { return None };
    let usage = usage.to_string();
    let line = usage.lines().next()?.trim().strip_prefix("Usage: ")?;
    let words = line.split_whitespace();
    let names: Vec<&str> =
        words.take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    names.first().is_some_and(|first| *first == "aldis").then(|| names.join(" "))
}

/// The first paragraph of clap's error on one line, with our words for its.
fn said_by_clap(error: &clap::Error, command: &str) -> String {
    match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) => {
            let word = wire::words::printable(word, 64);
            let parents = command.strip_prefix("aldis").unwrap_or_default().trim_start();
            let gap = if parents.is_empty() { "" } else { " " };
            return format!("there is no command '{parents}{gap}{word}'");
        }
        (ErrorKind::MissingSubcommand, Some(ContextValue::String(words))) => {
            return format!("'{words}' is only the beginning of a command");
        }
        _ => {}
    }
    let rendered = error.render().to_string();
    let first: Vec<&str> = rendered.split("\n\n").next().unwrap_or_default().lines().map(str::trim).collect();
    let message = first.join(" ");
    wire::words::printable(message.strip_prefix("error: ").unwrap_or(&message), 300)
}

fn suggestion(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(word) => Some(word.clone()),
        // The most similar one stands last.
        ContextValue::Strings(words) => words.last().cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { json: false, colored: false };

    #[derive(Debug, thiserror::Error)]
    #[error("no center at http://h")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("nothing is listening there")]
    struct Inner;

    fn failure() -> Failure {
        Failure::new(Kind::Other, Outer(Inner)).hint("start one: aldis serve").hint("help: aldis help")
    }

    #[test]
    fn a_failure_is_an_error_its_causes_and_hints() {
        assert_eq!(
            show(PLAIN, &failure(), None).plain(),
            "error: no center at http://h\ncaused by: nothing is listening there\n\nhint: start one: aldis serve\n\
             hint: help: aldis help\n"
        );
        assert_eq!(
            show(Style { json: true, ..PLAIN }, &failure(), Some(20)).plain(),
            "{\"error\":{\"kind\":\"other\",\"message\":\"no center at http://h\",\"causes\":[\"nothing is listening \
             there\"],\"hints\":[\"start one: aldis serve\",\"help: aldis help\"],\"exit_code\":255}}\n"
        );
        assert!(
            show(Style { colored: true, ..PLAIN }, &failure(), None)
                .bytes()
                .starts_with(b"\x1b[1;31merror:\x1b[0m ")
        );
    }

    #[test]
    fn messages_are_wrapped_in_a_window_and_commands_are_not() {
        assert_eq!(
            show(PLAIN, &failure(), Some(20)).plain(),
            "error: no center at\nhttp://h\ncaused by: nothing\nis listening there\n\nhint: start one: aldis serve\n\
             hint: help: aldis help\n"
        );
    }

    #[test]
    fn a_name_from_elsewhere_does_nothing_to_the_terminal() {
        let failure = Failure::new(Kind::Other, "no \u{1b}]0;x\u{7}").hint(quoted("\u{1b}]0;x\u{7}"));
        assert_eq!(show(PLAIN, &failure, None).plain(), "error: no ]0;x\n\nhint: $'\\x1b]0;x\\x07'\n");
    }

    #[test]
    fn lines_are_broken_between_words_and_words_are_left_whole() {
        let text = "one two three\n\nhttp://127.0.0.1:8765/device is long\nend\n";
        for (columns, begun, expected) in [
            (80, 0, text),
            (8, 0, "one two\nthree\n\nhttp://127.0.0.1:8765/device\nis long\nend\n"),
            (8, 6, "\none two\nthree\n\nhttp://127.0.0.1:8765/device\nis long\nend\n"),
            (7, 0, "one two\nthree\n\nhttp://127.0.0.1:8765/device\nis long\nend\n"),
            (3, 0, "one\ntwo\nthree\n\nhttp://127.0.0.1:8765/device\nis\nlong\nend\n"),
        ] {
            assert_eq!(wrapped(text, columns, begun), expected, "{columns} {begun}");
        }
        assert_eq!(wrapped("漢字 漢字", 8, 0), "漢字\n漢字");
    }

    #[test]
    fn exit_codes_are_those_of_the_aws_cli() {
        use outside::signals::Ending;
        let table = [
            (Kind::NoValue, 1),
            (Kind::NotStarted, 126),
            (Kind::NoSuchCommand, 127),
            (Kind::NoSuchSection, 255),
            (Kind::Words, 252),
            (Kind::Configuration, 253),
            (Kind::Refused, 254),
            (Kind::Denied, 254),
            (Kind::DeniedInBrowser, 255),
            (Kind::CodeExpired, 255),
            (Kind::NotSignedIn, 255),
            (Kind::Other, 255),
            (Kind::ReaderGone, 0),
            (Kind::Cancelled(Ending::Interrupt), 130),
            (Kind::Cancelled(Ending::HangUp), 129),
            (Kind::Cancelled(Ending::Terminate), 143),
            (Kind::Cancelled(Ending::Quit), 131),
        ];
        for (kind, code) in table {
            assert_eq!(kind.exit_code(), code, "{kind:?}");
        }
    }
}
