//! A pasted text without what terminals, editors, mail and chats put around and between its letters.

use wire::Secret;

/// More cuts at the end of a text than anybody writes words behind an address.
const MOST_CUTS: usize = 64;

/// What stands for a letter that is not of ASCII.
pub(super) const FOREIGN: char = '^';

/// What is left of a pasted text: visible ASCII without blanks. Other quotation marks have become straight, other letters
/// [`FOREIGN`].
#[derive(Debug)]
pub(super) struct Tidied {
    text: Secret,
    /// Where blanks were, ascending; a text that was wrapped has them anywhere.
    gaps: Vec<usize>,
}

impl Tidied {
    /// Tidies a text, in a time that grows with its length and no faster.
    pub(super) fn of(pasted: &str) -> Self {
        // Never longer than what was pasted: a copy that had to grow would leave its letters behind.
        let mut text = String::with_capacity(pasted.len());
        let mut gaps = Vec::new();
        let mut rest = pasted;
        let mut begins_line = true;
        while let Some(letter) = rest.chars().next() {
            if let Some(after) = after_sequence(rest) {
                rest = after;
                continue;
            }
            rest = &rest[letter.len_utf8()..];
            if letter.is_whitespace() {
                begins_line |= !matches!(letter, ' ' | '\t' | '\u{a0}');
                if gaps.last() != Some(&text.len()) {
                    gaps.push(text.len());
                }
                continue;
            }
            match letter {
                _ if is_invisible(letter) => continue,
                // Mail and shells begin a line that goes on with it, tables and frames begin and end theirs with it.
                '>' if begins_line => continue,
                '|' => continue,
                // JSON writes the ampersand so; shells put the stroke before it, and at the end of a line.
                '\\' => {
                    if let Some(after) = rest.strip_prefix("u0026") {
                        text.push('&');
                        rest = after;
                    }
                }
                // cmd.exe.
                '^' if rest.starts_with('&') => {}
                letter if letter.is_ascii() => text.push(letter),
                '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}' | '\u{2039}' | '\u{203a}' => text.push('"'),
                _ => text.push(FOREIGN),
            }
            begins_line = false;
        }
        Self { text: Secret::new(text), gaps }
    }

    /// The whole.
    pub(super) fn text(&self) -> &str {
        self.text.expose()
    }

    /// The whole, then what ends where a blank was, from the longest on: somebody may have written words behind it.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = &str> {
        let text = self.text();
        let ends = self.gaps.iter().rev().filter(move |gap| (1..text.len()).contains(*gap)).take(MOST_CUTS);
        std::iter::once(text).chain(ends.map(move |end| &text[..*end]))
    }

    /// The pieces between blanks.
    pub(super) fn pieces(&self) -> Vec<&str> {
        let text = self.text();
        let mut ends = self.gaps.clone();
        ends.push(text.len());
        let begins = std::iter::once(0).chain(ends.iter().copied());
        begins.zip(&ends).map(|(begin, end)| &text[begin..*end]).filter(|piece| !piece.is_empty()).collect()
    }
}

/// What comes after an escape sequence (ECMA-48) that begins here, also one that somebody's terminal wrote out.
fn after_sequence(text: &str) -> Option<&str> {
    if let Some(after) = text.strip_prefix("^[[200~").or_else(|| text.strip_prefix("^[[201~")) {
        return Some(after);
    }
    if let Some(parameters) = text.strip_prefix('\u{9b}') {
        return Some(after_parameters(parameters));
    }
    let body = text.strip_prefix('\u{1b}')?;
    let Some(kind) = body.chars().next() else { return Some(body) };
    let after = &body[kind.len_utf8()..];
    Some(match kind {
        '[' => after_parameters(after),
        ']' | 'P' | 'X' | '^' | '_' => after_string(after),
        // A key of the keypad.
        'O' => after.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(after),
        ' '..='/' => {
            let last = after.trim_start_matches(|c| matches!(c, ' '..='/'));
            last.strip_prefix(|c| matches!(c, '0'..='~')).unwrap_or(last)
        }
        '0'..='~' => after,
        _ => body,
    })
}

fn after_parameters(text: &str) -> &str {
    let last =
        text.trim_start_matches(|c| matches!(c, '0'..='?')).trim_start_matches(|c| matches!(c, ' '..='/'));
    last.strip_prefix(|c| matches!(c, '@'..='~')).unwrap_or(last)
}

/// Behind the end of a control string. One without an end hides nothing.
fn after_string(text: &str) -> &str {
    let Some(end) = text.find(|c: char| c.is_control()) else { return text };
    let rest = &text[end..];
    let ends = ["\u{7}", "\u{1b}\\", "\u{9c}"];
    ends.iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(text)
}

/// Letters without a shape of their own, frames of tables, and marks that a line goes on.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
        || matches!(c, '\u{2190}'..='\u{21ff}' | '\u{23ce}' | '\u{2500}'..='\u{259f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_text_is_left_out() {
        for (pasted, text) in [
            ("a b\n c\t\u{a0}d", "abcd"),
            ("a\u{ad}b\u{200b}c\u{feff}d\0\u{7f}", "abcd"),
            ("\u{1b}[200~ab\u{1b}[201~", "ab"),
            ("^[[200~ab^[[201~", "ab"),
            ("\u{1b}[1;31ma\u{1b}[0m\u{1b}(Bb\u{9b}5C\u{1b}=c\u{1b}OAd\u{1b}", "abcd"),
            ("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b\u{1b}Pq\u{9c}c", "abc"),
            ("\u{1b}]a\u{1b}Pb\u{1b}_c", "abc"),
            ("> a\n> b\n>> c>", "abc>"),
            ("| a |\n| b |\n│ c │", "abc"),
            ("a\\\nb\\&c\\u0026d^&e", "ab&c&d&e"),
            ("“a”é…", "\"a\"^^"),
            (" \u{ad}\n", ""),
        ] {
            assert_eq!(Tidied::of(pasted).text(), text, "{pasted:?}");
        }
    }

    #[test]
    fn where_blanks_were_is_remembered() {
        let tidied = Tidied::of(" ab  c\n\nd ");
        assert_eq!(tidied.pieces(), ["ab", "c", "d"]);
        assert_eq!(tidied.beginnings().collect::<Vec<_>>(), ["abcd", "abc", "ab"]);
        let many = "a ".repeat(1000);
        assert_eq!(Tidied::of(&many).beginnings().count(), 1 + MOST_CUTS);
        assert!(Tidied::of("").pieces().is_empty());
    }
}
