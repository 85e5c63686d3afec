//! The line that moves while somebody is waited for: what it says in windows of all widths.

use std::time::Duration;

use super::when;

/// A key and what it does, in one word.
pub(crate) type Named = (char, &'static str);

/// What there is to say.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    /// What is waited for.
    pub(crate) awaited: &'a str,
    /// How long.
    pub(crate) left: Duration,
    /// Whether an address may be pasted.
    pub(crate) takes_pastes: bool,
    /// The keys that do something.
    pub(crate) keys: &'a [Named],
}

impl Waiting<'_> {
    /// The line in so many columns. What nothing else says is left out last: the keys, and that a paste is taken.
    pub(crate) fn in_columns(&self, columns: usize) -> String {
        let left = when::minutes(self.left);
        let (keys, paste) = (key_words(self.keys), if self.takes_pastes { "paste" } else { "" });
        let (time_and_paste, all_letters) = (format!("{left} {paste}"), letters(self.keys));
        let time_and_paste = time_and_paste.trim_end();
        // The first key is that of a code where there is one: its word is left out later than those of the others.
        let first_key = self.keys.split_first().map(|(first, others)| {
            format!("{}{}", key_words(&[*first]), format!(" {}", letters(others)).trim_end())
        });
        let first_key = first_key.unwrap_or_default();
        let shapes = [
            format!("waiting for your {}, {left} left{keys}", self.awaited),
            format!("{time_and_paste}{keys}"),
            format!("{paste}{keys}").trim_start_matches(", ").to_owned(),
            format!("{time_and_paste}{first_key}"),
            format!("{paste}{first_key}").trim_start_matches(", ").to_owned(),
            format!("{time_and_paste} {all_letters}"),
            format!("{paste} {all_letters}").trim().to_owned(),
            all_letters,
        ];
        first_that_fits(&shapes, columns)
    }
}

/// The keys without what they do.
fn letters(keys: &[Named]) -> String {
    keys.iter().map(|(letter, _)| format!("[{letter}]")).collect::<Vec<_>>().join(" ")
}

/// The keys with what they do, behind something else; nothing where there are none.
pub(crate) fn key_words(keys: &[Named]) -> String {
    let key = |(letter, word): &Named| format!("[{letter}] {word}");
    let keys = keys.iter().map(key).collect::<Vec<_>>().join(" ");
    if keys.is_empty() { keys } else { format!(", {keys}") }
}

/// What is said of characters that were typed or pasted, in so many columns. They may have been taken for the beginning of more
/// lines.
pub(crate) fn typed(characters: usize, may_go_on: bool, columns: usize) -> String {
    let (noun, them) = if characters == 1 { ("character", "it") } else { ("characters", "them") };
    let again = if may_go_on { " again" } else { "" };
    let more = if may_go_on { ", and more lines?" } else { ";" };
    let shapes = [
        format!("{characters} {noun}{more} Enter{again} reads {them}, Esc drops {them}"),
        format!("{characters} {noun}; Enter{again} reads {them}"),
        format!("Enter{again} reads {them}"),
    ];
    first_that_fits(&shapes, columns)
}

/// The first of them, the longest, that has room in so many columns, else the last of them cut.
fn first_that_fits(shapes: &[String], columns: usize) -> String {
    let shape = shapes.iter().find(|shape| shape.chars().count() <= columns).or(shapes.last());
    shape.map(|shape| shape.chars().take(columns).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [Named; 5] = [('c', "code"), ('p', "paste"), ('y', "copy"), ('q', "QR"), ('f', "forward")];
    /// Of forty, behind the frame and before the last column.
    const NARROW: usize = 37;

    fn line(columns: usize, keys: &[Named], minutes: u64) -> String {
        let left = Duration::from_secs(60 * minutes);
        Waiting { awaited: "address: paste it", left, takes_pastes: true, keys }.in_columns(columns)
    }

    #[test]
    fn in_forty_columns_every_key_is_there_and_that_a_paste_is_taken() {
        for minutes in [1, 10, 1440] {
            for set in 0..32_u32 {
                let keys: Vec<Named> =
                    (0..5).filter(|place| set & 1 << place != 0).map(|place| KEYS[place]).collect();
                let line = line(NARROW, &keys, minutes);
                assert!(line.chars().count() <= NARROW && line.contains("paste"), "{line}");
                assert!(keys.iter().all(|(letter, _)| line.contains(&format!("[{letter}]"))), "{line}");
                assert!(set & 1 == 0 || minutes > 99 || line.contains("[c] code"), "{line}");
            }
        }
    }

    #[test]
    fn the_line_says_as_much_as_there_is_room_for() {
        let keys = [KEYS[0], KEYS[2]];
        for (columns, expected) in [
            (100, "waiting for your address: paste it, 10:00 left, [c] code [y] copy"),
            (37, "10:00 paste, [c] code [y] copy"),
            (25, "paste, [c] code [y] copy"),
            (20, "paste, [c] code [y]"),
            (12, "[c] [y]"),
            (10, "[c] [y]"),
            (5, "[c] ["),
            (0, ""),
        ] {
            assert_eq!(line(columns, &keys, 10), expected, "{columns}");
        }
        let keys = [KEYS[0], KEYS[2], KEYS[4]];
        let in_eighty = "waiting for your address: paste it, 10:00 left, [c] code [y] copy [f] forward";
        assert_eq!(line(77, &keys, 10), in_eighty);
        assert_eq!(line(NARROW, &keys, 10), "paste, [c] code [y] copy [f] forward");
        assert_eq!(line(100, &[], 10), "waiting for your address: paste it, 10:00 left");
        for (characters, may_go_on, columns, expected) in [
            (1, false, 100, "1 character; Enter reads it, Esc drops it"),
            (22, false, 100, "22 characters; Enter reads them, Esc drops them"),
            (22, false, 37, "22 characters; Enter reads them"),
            (22, true, 100, "22 characters, and more lines? Enter again reads them, Esc drops them"),
            (6000, true, 37, "Enter again reads them"),
        ] {
            assert_eq!(typed(characters, may_go_on, columns), expected);
        }
    }
}
