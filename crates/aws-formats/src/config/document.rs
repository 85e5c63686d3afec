//! A configuration text as lines, none of it lost: what a later edit does not touch comes out byte for byte.

use std::fmt;

/// A text, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    lines: Vec<Line>,
}

/// One line, with its end. `Debug` shows no text: credentials files hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The text as it is, line end included.
    pub raw: String,
    /// What it is.
    pub kind: LineKind,
}

/// What a line is. `Debug` shows no values: credentials files hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum LineKind {
    /// Nothing but blanks.
    Blank,
    /// A comment.
    Comment,
    /// `[words]`, the words as they stand between the brackets, trimmed.
    Header(String),
    /// `key = value`; the key in lower case, the value without a comment behind it.
    Property {
        /// In lower case.
        key: String,
        /// Trimmed.
        value: String,
    },
    /// `key = value` below a property without a value of its own, such as `endpoint_url` below `sts`.
    SubProperty {
        /// In lower case.
        key: String,
        /// Trimmed.
        value: String,
    },
    /// More of the value above, trimmed.
    Continuation(String),
    /// Something that no reader understands.
    Fault(&'static str),
}

impl fmt::Debug for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(out)
    }
}

impl fmt::Debug for LineKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => out.write_str("Blank"),
            Self::Comment => out.write_str("Comment"),
            Self::Header(words) => write!(out, "Header({words:?})"),
            Self::Property { key, .. } => write!(out, "Property({key:?})"),
            Self::SubProperty { key, .. } => write!(out, "SubProperty({key:?})"),
            Self::Continuation(_) => out.write_str("Continuation"),
            Self::Fault(what) => write!(out, "Fault({what:?})"),
        }
    }
}

/// A line that no reader understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// A line as it stands in a text that somebody else keeps: reading a large file copies none of it.
pub(super) enum Piece<'a> {
    Blank,
    Comment,
    Header(&'a str),
    Property {
        /// As it is written.
        key: &'a str,
        value: &'a str,
    },
    SubProperty {
        /// As it is written.
        key: &'a str,
        value: &'a str,
    },
    Continuation(&'a str),
    Fault(&'static str),
}

impl From<Piece<'_>> for LineKind {
    fn from(piece: Piece<'_>) -> Self {
        match piece {
            Piece::Blank => Self::Blank,
            Piece::Comment => Self::Comment,
            Piece::Header(words) => Self::Header(words.to_owned()),
            Piece::Property { key, value } => {
                Self::Property { key: key.to_ascii_lowercase(), value: value.to_owned() }
            }
            Piece::SubProperty { key, value } => {
                Self::SubProperty { key: key.to_ascii_lowercase(), value: value.to_owned() }
            }
            Piece::Continuation(text) => Self::Continuation(text.to_owned()),
            Piece::Fault(what) => Self::Fault(what),
        }
    }
}

/// The lines of a text, ends included, each with what it is.
pub(super) struct Pieces<'a> {
    lines: std::str::SplitInclusive<'a, char>,
    above: Above,
    may_have_mark: bool,
}

impl<'a> Pieces<'a> {
    /// Those of a whole file, which may begin with a byte order mark.
    pub(super) fn of_file(text: &'a str) -> Self {
        Self { lines: text.split_inclusive('\n'), above: Above::Nothing, may_have_mark: true }
    }

    /// Those of what stands below a header.
    pub(super) fn of_section(text: &'a str) -> Self {
        Self { lines: text.split_inclusive('\n'), above: Above::Header, may_have_mark: false }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = (&'a str, Piece<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let raw = self.lines.next()?;
        let bare = raw.strip_suffix('\n').unwrap_or(raw);
        let mut bare = bare.strip_suffix('\r').unwrap_or(bare);
        if std::mem::take(&mut self.may_have_mark) {
            bare = bare.strip_prefix('\u{feff}').unwrap_or(bare);
        }
        Some((raw, classify(bare, &mut self.above)))
    }
}

/// What the lines before mean for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    /// No section yet.
    Nothing,
    /// A section without a property yet.
    Header,
    /// A property that is indented so far.
    Property { indent: usize, has_value: bool },
}

impl Document {
    /// Takes a text apart. Never fails: what cannot be understood is a [`LineKind::Fault`].
    pub fn parse(text: &str) -> Self {
        let lines = Pieces::of_file(text)
            .map(|(raw, piece)| Line { raw: raw.to_owned(), kind: piece.into() })
            .collect();
        Self { lines }
    }

    /// The text, byte for byte as it was.
    pub fn to_text(&self) -> String {
        self.lines.iter().map(|line| line.raw.as_str()).collect()
    }

    /// The lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The first line that no reader understands.
    pub fn fault(&self) -> Option<Fault> {
        self.lines.iter().enumerate().find_map(|(number, line)| match line.kind {
            LineKind::Fault(what) => Some(Fault { line: number + 1, what }),
            _ => None,
        })
    }
}

fn classify<'a>(line: &'a str, above: &mut Above) -> Piece<'a> {
    let trimmed = line.trim();
    if trimmed.is_empty() {
        return Piece::Blank;
    }
    let indent = line.len() - line.trim_start().len();
    // Indented ones, too, wherever they stand: the AWS CLI passes over them, so people comment out nested lines in place.
    if trimmed.starts_with(['#', ';']) {
        return Piece::Comment;
    }
    let may_continue = matches!(above, Above::Property { indent: of_property, .. } if indent > *of_property);
    if trimmed.starts_with('[') && !may_continue {
        *above = Above::Header;
        return header(trimmed);
    }
    match *above {
        Above::Nothing => Piece::Fault("a section such as [profile NAME] must come first"),
        Above::Property { indent: of_property, has_value } if indent > of_property => {
            if has_value {
                Piece::Continuation(trimmed)
            } else {
                sub_property(trimmed)
            }
        }
        Above::Header | Above::Property { .. } => property(trimmed, indent, above),
    }
}

fn header(trimmed: &str) -> Piece<'_> {
    let inside = &trimmed[1..];
    // A ] in quotes belongs to the name. Where quotes do not pair up, the first ] ends the section.
    let Some((words, rest)) = closing_bracket(inside).map(|end| (&inside[..end], &inside[end + 1..])) else {
        return Piece::Fault("the section does not end with ]");
    };
    let rest = rest.trim_start();
    if !rest.is_empty() && !rest.starts_with(['#', ';']) {
        return Piece::Fault("only a comment may follow the ] of a section");
    }
    Piece::Header(words.trim())
}

fn closing_bracket(inside: &str) -> Option<usize> {
    let mut quote = None;
    let mut may_open = true;
    for (place, c) in inside.char_indices() {
        match quote {
            Some(open) if c == open => (quote, may_open) = (None, true),
            Some(_) => {}
            None if may_open && matches!(c, '\'' | '"') => quote = Some(c),
            None if c == ']' => return Some(place),
            None => may_open = c.is_whitespace(),
        }
    }
    inside.find(']')
}

fn property<'a>(trimmed: &'a str, indent: usize, above: &mut Above) -> Piece<'a> {
    let Some(end) = key_end(trimmed) else {
        return Piece::Fault("a line of a section must read `key = value`");
    };
    let (key, value) = (trimmed[..end].trim(), without_comment(&trimmed[end + 1..]));
    if key.is_empty() {
        return Piece::Fault("the name before = or : is missing");
    }
    *above = Above::Property { indent, has_value: !value.is_empty() };
    Piece::Property { key, value }
}

/// The `=` or `:` behind the key of a property, whichever comes first, as Python's `RawConfigParser` splits a line for the AWS CLI.
/// The SDKs' specification has `=` only, and refuses a file with `sso_session: corp` that `aws` reads.
pub(super) fn key_end(line: &str) -> Option<usize> {
    line.find(['=', ':'])
}

fn sub_property(trimmed: &str) -> Piece<'_> {
    let Some((key, value)) = trimmed.split_once('=') else {
        return Piece::Fault("an indented line below an empty value must read `key = value`");
    };
    if key.trim().is_empty() {
        return Piece::Fault("the name before = is missing");
    }
    Piece::SubProperty { key: key.trim(), value: without_comment(value) }
}

/// A comment begins at a `#` or `;` that stands behind a blank.
pub(super) fn without_comment(value: &str) -> &str {
    let bytes = value.as_bytes();
    let end = (1..bytes.len())
        .find(|&place| matches!(bytes[place], b'#' | b';') && matches!(bytes[place - 1], b' ' | b'\t'))
        .unwrap_or(bytes.len());
    // Both bytes are ASCII, so the place is between two characters.
    value[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_lost(text in any::<String>()) {
            prop_assert_eq!(Document::parse(&text).to_text(), text);
        }

        #[test]
        fn nothing_is_lost_of_what_looks_like_a_config(
            text in "(\\[(profile |sso-session )?[a-z' ]{0,4}\\]?|[ \t]{0,2}[a-z]{0,3} ?[=:]? ?[a-z#; ]{0,5}|\u{feff})(\r?\n){0,2}".prop_map(|s| s.repeat(3))
        ) {
            prop_assert_eq!(Document::parse(&text).to_text(), text);
        }
    }

    #[test]
    fn faults_have_lines() {
        let cases = [
            ("name = value", 1),
            ("[profile a]\nname", 2),
            ("[profile a]\n= value", 2),
            ("[profile a\n", 1),
            ("[profile a] b\n", 1),
            ("[profile a]\ns3 =\n  invalid", 3),
            ("[profile a]\ns3 =\n  = value", 3),
            ("[profile a]\n -continued", 2),
        ];
        for (text, line) in cases {
            assert_eq!(Document::parse(text).fault().map(|fault| fault.line), Some(line), "{text}");
        }
    }

    #[test]
    fn a_key_ends_at_the_first_equals_sign_or_colon() {
        for (line, key, value) in [
            ("sso_session: corp", "sso_session", "corp"),
            ("sso_session : corp # c", "sso_session", "corp"),
            ("sso_start_url = https://x/start", "sso_start_url", "https://x/start"),
            ("sso_start_url: https://x/start", "sso_start_url", "https://x/start"),
            ("a:b = c", "a", "b = c"),
            ("a=b:c", "a", "b:c"),
            ("s3:", "s3", ""),
        ] {
            let document = Document::parse(&format!("[profile p]\n{line}\n"));
            let expected = LineKind::Property { key: key.to_owned(), value: value.to_owned() };
            assert!(document.lines()[1].kind == expected, "{line}");
        }
    }

    #[test]
    fn indented_comments_are_comments_wherever_they_stand() {
        let document = Document::parse("[profile a]\nregion = x\n  # y\ns3 =\n  # old\n  k = v\n  ; w = x\n");
        assert_eq!(document.fault(), None);
        let comments = document.lines().iter().filter(|line| line.kind == LineKind::Comment).count();
        assert_eq!(comments, 3);
    }

    #[test]
    fn a_bracket_in_quotes_does_not_end_a_section() {
        for (text, words) in [
            ("[profile 'a]b'] # it's [c]", "profile 'a]b'"),
            ("[profile it's] # it's", "profile it's"),
            ("[profile \"a] # b", "profile \"a"),
        ] {
            assert_eq!(Document::parse(text).lines()[0].kind, LineKind::Header(words.to_owned()), "{text}");
        }
    }

    #[test]
    fn shows_no_values() {
        let document =
            Document::parse("[a]\naws_secret_access_key = hidden\n hidden\ns3 =\n k = hidden\nhidden");
        assert!(!format!("{document:?} {:?}", document.lines()).contains("hidden"));
    }

    #[test]
    fn sections_that_are_indented_as_a_whole_are_read() {
        let document = Document::parse("  [profile a]\n  region = x\n  output = json\n    more\n");
        let kinds: Vec<_> = document.lines().iter().map(|line| &line.kind).collect();
        assert!(matches!(kinds[2], LineKind::Property { key, value } if key == "output" && value == "json"));
        assert!(matches!(kinds[3], LineKind::Continuation(text) if text == "more"));
    }
}
