//! What a text means that a person pasted for an answer: the address on which their browser ended, or what is left of it
//! after a terminal, a chat or a shell.
//!
//! A text is tidied first, then read in a few ways, the most likely first. Nothing is risked by that: an address counts only
//! with the `state` of our own question in it, and a bare code is worth nothing without our verifier (RFC 7636).

mod tidy;

use percent_encoding::percent_decode_str;
use wire::Secret;
use wire::authorize::{Answer, CALLBACK_PATH};

use super::loopback::{Arrival, END_PATH, Expected, Stranger};
use tidy::{FOREIGN, Tidied};

/// The longest text that is looked at, in bytes.
const LONGEST: usize = 64 * 1024;
/// How often a text may have been percent-encoded as a whole.
const MOST_ENCODINGS: usize = 3;
/// How many places of one text may look like our address.
const MOST_PLACES: usize = 8;
/// More members than any answer has.
const MOST_MEMBERS: usize = 50;
/// How long a code may be that comes without its address, in bytes. Ours has 51; a code with the 128 random bits that RFC 6749
/// section 10.10 asks for has 22 letters at least, and AWS's are far longer.
const CODE_LENGTHS: std::ops::RangeInclusive<usize> = 32..=8192;
/// What begins tokens and keys that people have at hand: AWS's, those of forges, chats and package registries.
const OTHER_SECRETS: &[&str] = &[
    "AKIA",
    "ASIA",
    "FwoG",
    "IQoJ",
    "aoa",
    "aor",
    "ghp_",
    "gho_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "npm_",
    "pypi-",
    "sk-",
    "sk_",
    "xox",
    "ya29.",
];
/// No word of a sentence is so long, and no line to which a code was wrapped is shorter, in bytes.
const LONG_WORD: usize = 16;

/// What a text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// An answer to our question: its `state` is in it.
    Answer(Arrival),
    /// What has the shape of a code. Nothing in it says to which question it is the answer.
    Bare(Secret),
}

/// Why a text is no answer. None of these words quotes the text: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// There is nothing to see in it.
    #[error("nothing was pasted")]
    Nothing,
    /// The link of the question, or a page on the way.
    #[error(
        "this is a page on the way, not the last one: sign in there, then paste the address on which the browser ends, even if \
         that page cannot be shown"
    )]
    StillTheQuestion,
    /// Its `state` is not ours, or not all of it.
    #[error(
        "this address belongs to another sign-in, or its end is missing: paste all of the address that came from the link \
         shown here"
    )]
    OtherSignIn,
    /// Its `iss` is not the center that was asked.
    #[error("this address is not from the center that was asked, or its end is missing")]
    OtherCenter,
    /// The right address, but neither a code nor an error in it.
    #[error(
        "there is no code in this address: paste the one that begins with http://127.0.0.1 and has code= in it"
    )]
    NoCode,
    /// Longer than [`LONGEST`].
    #[error("this is longer than any such address (64 KiB)")]
    TooLong,
    /// Something else.
    #[error("this is neither the address on which the browser ended nor a code")]
    NotUnderstood,
}

/// Reads a pasted text: an address with an answer, its query, or a bare code.
///
/// A text that comes in pieces must be whole: the beginning of a wrapped code reads as a code.
///
/// # Errors
/// Why it is no answer to our question.
pub(crate) fn read(text: &str, expected: &Expected) -> Result<Found, Problem> {
    if text.len() > LONGEST {
        return Err(Problem::TooLong);
    }
    let tidied = Tidied::of(text);
    if tidied.text().chars().all(is_around) {
        return Err(Problem::Nothing);
    }
    let mut problem = None;
    for beginning in tidied.beginnings() {
        match decode_and_look(beginning, expected) {
            Ok(arrival) => return Ok(Found::Answer(arrival)),
            // Only a text with our `state` gets as far as to its center.
            Err(Problem::OtherCenter) => problem = Some(Problem::OtherCenter),
            Err(other) => problem = problem.or(Some(other)),
        }
    }
    match problem {
        Some(Problem::NotUnderstood) | None => bare(&tidied, expected),
        Some(problem) => Err(problem),
    }
}

/// Whether a text that does not read yet may be the beginning of an address that was wrapped over lines, for terminals that do
/// not say where a paste ends.
pub(crate) fn may_go_on(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let tidied = Tidied::of(text);
    let text = Secret::new(tidied.text().to_ascii_lowercase());
    let text = text.expose();
    let marks = ["http:", "https:", "http%", "https%", CALLBACK_PATH, "127.0.0.1", "localhost"];
    let begin = marks.iter().filter_map(|mark| text.find(mark)).chain(begin_of_query(text)).min();
    match begin {
        // What was opened with a quotation mark is closed with one.
        Some(begin) => !text[begin..].contains(is_quote),
        None => {
            let command = text.trim_start_matches(|c| is_quote(c) || matches!(c, '$' | '%' | '#'));
            text.ends_with("http") || text.ends_with("https") || command.starts_with("curl")
        }
    }
}

/// Whether a text that is typed by hand may be the beginning of an address on which a browser ended, or one.
pub(crate) fn may_be_typed(text: &str) -> bool {
    let text = Secret::new(text.to_ascii_lowercase());
    let begins = ["http", "127.0.0.1", "localhost", CALLBACK_PATH];
    begins.iter().any(|begin| begin.starts_with(text.expose()) || text.expose().starts_with(begin))
}

/// Looks into a text as it is, then as it is decoded: once and again.
fn decode_and_look(text: &str, expected: &Expected) -> Result<Arrival, Problem> {
    // The ampersand of HTML.
    let mut text = Secret::new(text.replace("&amp;", "&"));
    let mut worst = Problem::NotUnderstood;
    for _ in 0..=MOST_ENCODINGS {
        match look(text.expose(), expected) {
            Ok(arrival) => return Ok(arrival),
            Err(problem) => worst = graver(worst, problem),
        }
        let Some(decoded) = percent_decoded(text.expose()) else { break };
        text = Secret::new(Tidied::of(decoded.expose()).text());
    }
    Err(worst)
}

/// The problem that says more about a text.
fn graver(one: Problem, other: Problem) -> Problem {
    let gravity = |problem| match problem {
        Problem::NotUnderstood | Problem::Nothing | Problem::TooLong => 0,
        Problem::NoCode => 1,
        Problem::StillTheQuestion => 2,
        Problem::OtherSignIn => 3,
        Problem::OtherCenter => 4,
    };
    if gravity(other) > gravity(one) { other } else { one }
}

/// The text without its percent signs; nothing where it has none, or where something else than ASCII comes out, which is no
/// part of an address.
fn percent_decoded(text: &str) -> Option<Secret> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    let decoded = decoded.trim_end();
    (decoded != text && decoded.chars().all(is_of_code)).then(|| Secret::new(decoded))
}

/// Looks for an answer: behind our path, else behind the names that answers have.
fn look(text: &str, expected: &Expected) -> Result<Arrival, Problem> {
    let mut problem = Problem::NotUnderstood;
    for (place, path) in text.match_indices(CALLBACK_PATH).take(MOST_PLACES) {
        let rest = &text[place + path.len()..];
        if let Some(query) = rest.strip_prefix('?') {
            match answer(query, expected) {
                Ok(arrival) => return Ok(arrival),
                Err(other) => problem = graver(problem, other),
            }
        } else if rest.is_empty() || rest.starts_with(is_end) {
            problem = graver(problem, Problem::NoCode);
        }
    }
    if problem != Problem::NotUnderstood {
        return Err(problem);
    }
    if text.contains(END_PATH) {
        return Err(Problem::NoCode);
    }
    let answered = begin_of_query(text).map(|begin| answer(&text[begin..], expected));
    match answered {
        Some(Ok(arrival)) => Ok(arrival),
        // Pages on the way have a `code` and a `state` of their own.
        _ if is_on_the_way(text) => Err(Problem::StillTheQuestion),
        Some(Err(problem)) => Err(problem),
        None => Err(Problem::NotUnderstood),
    }
}

fn is_on_the_way(text: &str) -> bool {
    let lower = Secret::new(text.to_ascii_lowercase());
    let marks = ["http://", "https://", "code_challenge=", "response_type="];
    marks.iter().any(|mark| lower.expose().contains(mark))
}

/// Where a query with an answer begins.
fn begin_of_query(text: &str) -> Option<usize> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '%' | '.');
    let names = ["code=", "error=", "state=", "iss="];
    let begin = |name: &&str| {
        text.match_indices(*name).map(|(place, _)| place).find(|place| !text[..*place].ends_with(is_name))
    };
    names.iter().filter_map(begin).min()
}

/// The answer in a query, behind which something else may stand.
fn answer(query: &str, expected: &Expected) -> Result<Arrival, Problem> {
    let query = query.split(is_end).next().unwrap_or_default();
    if query.split('&').count() > MOST_MEMBERS {
        return Err(Problem::NoCode);
    }
    let unpunctuated = query.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_', '~']);
    // The end of a bracketed paste, of which a terminal swallowed the beginning.
    let unbracketed = query.strip_suffix("01~").map(|rest| rest.strip_suffix('2').unwrap_or(rest));
    let mut problem = Problem::NoCode;
    for query in [Some(query), Some(unpunctuated), unbracketed].into_iter().flatten() {
        let Some(answer) = Answer::read(query) else { continue };
        match expected.check(&answer) {
            Ok(()) if answer.outcome.as_ref().is_ok_and(|code| !code.expose().chars().all(is_of_code)) => {}
            Ok(()) => return Ok(answer.outcome),
            Err(Stranger::OtherQuestion) => problem = graver(problem, Problem::OtherSignIn),
            Err(Stranger::OtherCenter) => problem = graver(problem, Problem::OtherCenter),
        }
    }
    Err(problem)
}

/// A code alone, or with its `state` behind a hash.
fn bare(tidied: &Tidied, expected: &Expected) -> Result<Found, Problem> {
    let pieces = tidied.pieces();
    // The prompt of a shell.
    let pieces = match pieces.as_slice() {
        ["$" | "#" | "%", rest @ ..] => rest,
        all => all,
    };
    let Some((_, wrapped)) = pieces.split_last() else { return Err(Problem::Nothing) };
    if wrapped.iter().any(|piece| piece.len() < LONG_WORD) {
        return Err(Problem::NotUnderstood);
    }
    let text = Secret::new(pieces.concat());
    let text = text.expose().trim_matches(|c| is_around(c) || matches!(c, ',' | ';' | ':' | '!' | '?' | '*'));
    let (code, state) = text.split_once('#').map_or((text, None), |(code, state)| (code, Some(state)));
    if code.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':'])) {
        return Err(Problem::StillTheQuestion);
    }
    let code = percent_decoded(code).unwrap_or_else(|| code.into());
    if !looks_like_a_code(code.expose()) {
        return Err(Problem::NotUnderstood);
    }
    match state.map(|state| Secret::from(state) == expected.state) {
        Some(false) => Err(Problem::OtherSignIn),
        Some(true) => Ok(Found::Answer(Ok(code))),
        None => Ok(Found::Bare(code)),
    }
}

/// Whether a text has the shape of a code and not that of something else that a person may have at hand: long, of the letters
/// of base64, base64url or a JWT, great and small ones among them. That leaves out words, hashes, UUIDs, paths and user codes.
fn looks_like_a_code(text: &str) -> bool {
    let is_odd =
        |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '_' | '~' | '+' | '/' | '=');
    let has = |kind: fn(&char) -> bool| text.chars().any(|c| kind(&c));
    CODE_LENGTHS.contains(&text.len())
        && !text.contains(is_odd)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && !OTHER_SECRETS.iter().any(|beginning| text.starts_with(beginning))
        && !is_secret_key(text)
}

/// An AWS secret access key: 40 letters of base64.
fn is_secret_key(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'))
}

/// VSCHAR of RFC 6749.
fn is_of_code(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// What people and programs put around an address.
fn is_around(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '[' | ']')
}

/// What never stands in an address of ours.
fn is_quote(c: char) -> bool {
    is_around(c) || matches!(c, '{' | '}' | FOREIGN)
}

/// Where a query ends.
fn is_end(c: char) -> bool {
    c == '#' || is_quote(c)
}

#[cfg(test)]
mod tests;
