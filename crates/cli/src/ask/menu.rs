//! A menu as a value: keys in, lines out. Nothing here touches a terminal.

use outside::keys::Key;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How many entries are seen at once, like in the menus of the AWS CLI.
const ROWS: usize = 10;

/// What a key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The menu goes on.
    GoesOn,
    /// The entry with this number was chosen.
    Chosen(usize),
    /// Somebody wants none.
    Left,
}

/// A menu.
#[derive(Debug)]
pub(super) struct Menu<'a> {
    entries: &'a [String],
    /// The same for a terminal in which an entry does not fit.
    narrow: &'a [String],
    /// In lower case, in the order of the entries.
    searched: Vec<String>,
    filter: String,
    /// The numbers of the entries that the filter lets through.
    found: Vec<usize>,
    /// Counted in `found`.
    cursor: usize,
    /// The first one seen, counted in `found`.
    top: usize,
}

impl<'a> Menu<'a> {
    /// All entries, the cursor on the one with the number `start`.
    pub(super) fn new(entries: &'a [String], narrow: &'a [String], start: usize) -> Self {
        let searched = entries.iter().map(|entry| entry.to_lowercase()).collect();
        let found: Vec<usize> = (0..entries.len()).collect();
        let cursor = start.min(found.len().saturating_sub(1));
        let top = (cursor + 1).saturating_sub(ROWS);
        Self { entries, narrow, searched, filter: String::new(), found, cursor, top }
    }

    /// Takes a key.
    pub(super) fn on(&mut self, key: Key) -> Outcome {
        let last = self.found.len().saturating_sub(1);
        match key {
            Key::Enter => match self.found.get(self.cursor) {
                Some(number) => return Outcome::Chosen(*number),
                None => return Outcome::GoesOn,
            },
            Key::Interrupt | Key::EndOfInput => return Outcome::Left,
            Key::Escape | Key::DeleteLine => self.filter_by(String::new()),
            Key::Char(c) => self.filter_by(format!("{}{c}", self.filter)),
            Key::Backspace => {
                let mut filter = self.filter.clone();
                filter.pop();
                self.filter_by(filter);
            }
            Key::DeleteWord => {
                let kept = self.filter.trim_end().rfind(' ').map_or(0, |blank| blank + 1);
                self.filter_by(self.filter[..kept].to_owned());
            }
            // Around the ends, as the AWS CLI does.
            Key::Up => self.cursor = self.cursor.checked_sub(1).unwrap_or(last),
            Key::Down => self.cursor = if self.cursor >= last { 0 } else { self.cursor + 1 },
            Key::PageUp => self.cursor = self.cursor.saturating_sub(ROWS),
            Key::PageDown => self.cursor = (self.cursor + ROWS).min(last),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = last,
            // Pastes are not asked for here.
            Key::Suspend | Key::Redraw | Key::Pasted(_) => {}
        }
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(ROWS));
        Outcome::GoesOn
    }

    fn filter_by(&mut self, filter: String) {
        self.found = matching(&self.searched, &filter);
        self.filter = filter;
        (self.cursor, self.top) = (0, 0);
    }

    /// The lines to show in a terminal of so many columns and rows, none wider than it; the cursor's line begins with `>`.
    pub(super) fn lines(&self, columns: usize, rows: usize, is_ascii: bool) -> Vec<String> {
        let fitted = |text: &str| fitted(text, columns.saturating_sub(1), is_ascii);
        let mut lines = vec![fitted(&format!("Filter: {}", tail(&self.filter, columns.saturating_sub(10))))];
        // The last line of the terminal stays free, so that nothing scrolls.
        let seen = ROWS.min(rows.saturating_sub(3)).max(1);
        let top = self.top.max((self.cursor + 1).saturating_sub(seen));
        for (place, number) in self.found.iter().enumerate().skip(top).take(seen) {
            let mark = if place == self.cursor { '>' } else { ' ' };
            let entry = fitting(self.entries, self.narrow, *number, columns.saturating_sub(3));
            lines.push(fitted(&format!("{mark} {entry}")));
        }
        let (found, all) = (self.found.len(), self.entries.len());
        let count = if found == all { all.to_string() } else { format!("{found} of {all}") };
        let counted = match found {
            0 => format!("nothing matches ({count}); Esc clears the filter"),
            _ => format!("{count}; type to filter, Enter chooses, Ctrl-C ends"),
        };
        lines.push(fitted(&counted));
        lines
    }
}

/// The numbers of the entries, given in lower case, in which each word of the filter stands somewhere.
pub(super) fn matching(searched: &[String], filter: &str) -> Vec<usize> {
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    let has_all = |number: &usize| words.iter().all(|word| searched[*number].contains(word));
    (0..searched.len()).filter(has_all).collect()
}

/// An entry, in the form that fits into so many columns if one does.
pub(super) fn fitting<'a>(
    entries: &'a [String],
    narrow: &'a [String],
    number: usize,
    columns: usize,
) -> &'a str {
    let entry = &entries[number];
    match narrow.get(number) {
        Some(narrow) if entry.width() > columns => narrow,
        _ => entry,
    }
}

/// The end of a text that is too wide for its place.
fn tail(text: &str, columns: usize) -> &str {
    let mut start = 0;
    while text[start..].width() > columns {
        start += text[start..].chars().next().map_or(1, char::len_utf8);
    }
    &text[start..]
}

/// A text that takes at most so many columns, and is ASCII where the terminal knows nothing else.
pub(super) fn fitted(text: &str, columns: usize, is_ascii: bool) -> String {
    let mut shown = String::new();
    let mut taken = 0;
    for c in text.chars() {
        let c = if is_ascii && !c.is_ascii() { '?' } else { c };
        taken += c.width().unwrap_or(0);
        if taken > columns {
            // Instead of the last characters that fitted.
            let end = if is_ascii { '~' } else { '…' };
            while shown.width() + 1 > columns && shown.pop().is_some() {}
            if columns > 0 {
                shown.push(end);
            }
            return shown;
        }
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn press(menu: &mut Menu<'_>, keys: &[Key]) -> Outcome {
        keys.iter().fold(Outcome::GoesOn, |_, key| menu.on(key.clone()))
    }

    fn typed(text: &str) -> Vec<Key> {
        text.chars().map(Key::Char).collect()
    }

    #[test]
    fn arrows_go_around_the_ends_and_enter_chooses() {
        let names = entries(&["a", "b", "c"]);
        let table: [(&[Key], usize); 7] = [
            (&[], 0),
            (&[Key::Down], 1),
            (&[Key::Up], 2),
            (&[Key::End, Key::Down], 0),
            (&[Key::PageDown], 2),
            (&[Key::PageDown, Key::PageUp], 0),
            (&[Key::End, Key::Home, Key::Redraw], 0),
        ];
        for (keys, expected) in table {
            let mut menu = Menu::new(&names, &[], 0);
            press(&mut menu, keys);
            assert_eq!(menu.on(Key::Enter), Outcome::Chosen(expected), "{keys:?}");
        }
    }

    #[test]
    fn each_word_of_the_filter_must_stand_somewhere() {
        let names = entries(&["Prod Berlin (1)", "prod Paris (2)", "Test BERLIN (3)", "Zürich (4)"]);
        let table = [("berlin", 0), ("berl te", 2), ("(2)", 1), ("ZÜR", 3)];
        for (filter, expected) in table {
            let mut menu = Menu::new(&names, &[], 0);
            press(&mut menu, &typed(filter));
            assert_eq!(menu.on(Key::Enter), Outcome::Chosen(expected), "{filter}");
        }
        let mut menu = Menu::new(&names, &[], 0);
        press(&mut menu, &typed("rome"));
        assert_eq!(menu.on(Key::Enter), Outcome::GoesOn, "nothing to choose");
        assert!(menu.lines(80, 24, false).concat().contains("nothing matches (0 of 4)"));
        press(&mut menu, &[Key::DeleteWord]);
        press(&mut menu, &typed("paris x"));
        press(&mut menu, &[Key::Backspace]);
        assert_eq!(menu.on(Key::Enter), Outcome::Chosen(1));
        assert_eq!(menu.on(Key::Escape), Outcome::GoesOn, "it clears the filter");
        assert_eq!(menu.on(Key::Escape), Outcome::GoesOn, "and ends nothing by itself");
        assert_eq!(menu.on(Key::Interrupt), Outcome::Left);
    }

    #[test]
    fn the_cursor_is_seen_wherever_it_goes() {
        let names: Vec<String> = (0..5000).map(|number| format!("account {number}")).collect();
        let mut menu = Menu::new(&names, &[], 0);
        let keys = [Key::Down, Key::PageDown, Key::End, Key::Up, Key::PageUp, Key::Home, Key::Up, Key::Down];
        for key in keys {
            menu.on(key.clone());
            for rows in [24, 5, 1] {
                let lines = menu.lines(40, rows, false);
                let seen = lines.iter().filter(|line| line.starts_with("> account")).count();
                assert_eq!(seen, 1, "{key:?} {rows}: {lines:?}");
                assert!(lines.len() <= 3.max(rows - 1), "{lines:?}");
            }
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let names = entries(&[
            "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字 (111122223333)",
            &"é".repeat(100),
            "plain",
        ]);
        let mut menu = Menu::new(&names, &[], 0);
        for columns in [0, 1, 2, 10, 39, 40, 80] {
            for is_ascii in [true, false] {
                for line in menu.lines(columns, 24, is_ascii) {
                    assert!(line.width() < columns.max(1), "{columns}: {line}");
                    assert!(!is_ascii || line.is_ascii(), "{line}");
                }
            }
            press(&mut menu, &typed("x漢"));
            press(&mut menu, &[Key::DeleteLine]);
        }
        let (wide, narrow) = (entries(&["Production, a@example.com (1)"]), entries(&["1 Production"]));
        let menu = Menu::new(&wide, &narrow, 0);
        assert!(menu.lines(20, 24, false)[1].starts_with("> 1 Production"));
        assert!(menu.lines(80, 24, false)[1].contains("a@example.com"));
        assert_eq!(fitted("漢字漢", 5, false), "漢字…");
        assert_eq!(fitted("abc", 3, false), "abc");
        assert_eq!(fitted("größe", 4, true), "gr?~");
        assert_eq!(tail("abcd", 2), "cd");
    }

    #[test]
    fn a_menu_begins_at_its_start_and_shows_it() {
        let numbers: Vec<String> = (0..30).map(|number| format!("role {number}")).collect();
        for start in [0, 5, 9, 10, 29] {
            let menu = Menu::new(&numbers, &[], start);
            let lines = menu.lines(80, 24, false);
            assert!(lines.contains(&format!("> role {start}")), "{start}: {lines:?}");
        }
        assert_eq!(Menu::new(&numbers, &[], 99).on(Key::Enter), Outcome::Chosen(29));
        let mut filtered = Menu::new(&numbers, &[], 12);
        filtered.on(Key::Char('2'));
        assert_eq!(filtered.on(Key::Enter), Outcome::Chosen(2), "a filter begins at its first match");
    }
}
