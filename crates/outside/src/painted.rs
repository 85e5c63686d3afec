//! The one type of text that a terminal gets. Text from elsewhere is sanitized when it enters this type, colors and cursor
//! movements are added inside it, and nothing leads back to a `String` that could be sanitized a second time.

use std::fmt::Display;

use wire::words::{escape_unprintable, printable_lines};

/// The colors of a terminal's standard palette that messages have, in bold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Errors.
    Red,
    /// Success.
    Green,
    /// Warnings.
    Yellow,
    /// Text to copy.
    Cyan,
}

/// Text for a terminal: sanitized characters, and colors and control sequences of our own, in the order in which they are
/// written. Deliberately without `Display`: text that was formatted into a `String` would be sanitized again on its way out, and
/// its colors would be shown as letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Painted {
    /// The characters without control sequences.
    plain: String,
    /// The same with them.
    painted: String,
}

impl Painted {
    /// `text`, sanitized, in a color.
    pub fn in_color(color: Color, text: &str) -> Self {
        let number = match color {
            Color::Red => 31,
            Color::Green => 32,
            Color::Yellow => 33,
            Color::Cyan => 36,
        };
        Self::control(format!("\u{1b}[1;{number}m")).then(text).then(Self::control("\u{1b}[0m"))
    }

    /// A control sequence of our own, which is written as it is. It must hold nothing from elsewhere that is not known to be
    /// harmless in it (visible ASCII, for example).
    pub fn control(sequence: impl Into<String>) -> Self {
        Self { plain: String::new(), painted: sequence.into() }
    }

    /// A JSON document (as `serde_json::Value` displays it) and a line feed. Unprintable characters are written as JSON escapes,
    /// so that the document stays what it is and does nothing to a terminal.
    pub fn json(document: &impl Display) -> Self {
        Self::from(format!("{}\n", escape_unprintable(&document.to_string())))
    }

    /// This text, and `next` behind it.
    #[must_use]
    pub fn then(mut self, next: impl Into<Self>) -> Self {
        self.push(next);
        self
    }

    /// Adds `next` at the end.
    pub fn push(&mut self, next: impl Into<Self>) {
        let next = next.into();
        self.plain.push_str(&next.plain);
        self.painted.push_str(&next.painted);
    }

    /// The text without colors and control sequences, for a program.
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// The text with colors and control sequences, as a terminal gets it.
    pub fn bytes(&self) -> &[u8] {
        self.painted.as_bytes()
    }

    /// The same with a question mark in the place of every character that is not ASCII, for a terminal that shows nothing else.
    pub(crate) fn in_ascii(&self) -> Self {
        let ascii = |text: &str| text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        Self { plain: ascii(&self.plain), painted: ascii(&self.painted) }
    }
}

impl From<&str> for Painted {
    /// Sanitizes: unprintable characters other than line feeds are left out.
    fn from(text: &str) -> Self {
        let plain = printable_lines(text);
        Self { painted: plain.clone(), plain }
    }
}

impl From<String> for Painted {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&String> for Painted {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Self> for Painted {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl FromIterator<Painted> for Painted {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        parts.into_iter().fold(Self::default(), Self::then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_loses_its_sequences_and_keeps_ours() {
        let text = Painted::in_color(Color::Red, "a\u{1b}[2J\u{202e}b").then(" c\u{9b}31m\n");
        assert_eq!(text.bytes(), "\u{1b}[1;31ma[2Jb\u{1b}[0m c31m\n".as_bytes());
        assert_eq!(text.plain(), "a[2Jb c31m\n");
    }

    #[test]
    fn painted_text_is_not_sanitized_again() {
        let line = Painted::from("next: ").then(Painted::in_color(Color::Cyan, "aldis login"));
        let twice = Painted::default().then(&line).then(line.clone());
        assert_eq!(twice.plain(), "next: aldis loginnext: aldis login");
        assert_eq!(twice.bytes(), [line.bytes(), line.bytes()].concat());
    }

    #[test]
    fn a_document_keeps_its_characters_as_escapes() {
        let line = Painted::json(&"{\"message\":\"x\u{202e}\u{9b}y\"}");
        assert_eq!(line.plain(), "{\"message\":\"x\\u202e\\u009by\"}\n");
    }
}
