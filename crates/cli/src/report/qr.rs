//! A link as a QR code (ISO/IEC 18004) for the camera of a telephone.
//!
//! Terminals have letters of one colour on another, and nobody tells which is the light one. The light squares are drawn, as
//! most terminals are dark; [`painted`] makes sure of it where colours may be had. A camera reads the reverse, too, mostly.

use fast_qr::{ECL, QRBuilder, QRCode};
use outside::painted::Painted;

use super::osc::is_web_address;

/// The light squares around a code: what the standard wants, then what cameras make do with.
const MARGINS: [usize; 3] = [4, 3, 2];
/// The widest code that a person gets onto a screen and a camera out of it: version 20.
const WIDEST: usize = 97;

/// The lines of a code for a link. Two rows of squares a line, as half blocks, where UTF-8 is shown; else one row, two
/// letters a square, the light ones as `##`.
///
/// Nothing where it has no room in so many columns, where the link is no address of the web, or too long for any code.
pub(crate) fn lines(link: &str, columns: usize, is_utf8: bool) -> Option<Vec<String>> {
    let code = encode(link)?;
    let across = if is_utf8 { 1 } else { 2 };
    let margin = MARGINS.into_iter().find(|margin| (code.size + 2 * margin) * across <= columns)?;
    let width = code.size + 2 * margin;
    let is_light = |row: usize, column: usize| {
        let inside = |place: usize| place.checked_sub(margin).filter(|place| *place < code.size);
        match (inside(row), inside(column)) {
            (Some(row), Some(column)) => !code[row][column].value(),
            // Below the last of an odd number of rows, too.
            _ => row < width,
        }
    };
    let line = |row: usize| -> String {
        (0..width).map(|column| if is_light(row, column) { "##" } else { "  " }).collect()
    };
    let halves = |row: usize| -> String {
        (0..width)
            .map(|column| match (is_light(row, column), is_light(row + 1, column)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            })
            .collect()
    };
    Some(if is_utf8 { (0..width).step_by(2).map(halves).collect() } else { (0..width).map(line).collect() })
}

/// A line of a code, bright white on black, whatever colours the terminal has.
pub(crate) fn painted(line: &str) -> Painted {
    Painted::control("\u{1b}[97;40m").then(line).then(Painted::control("\u{1b}[0m"))
}

/// The smallest code for a link, with as much redundancy as that size has room for: a screen has no scratches.
fn encode(link: &str) -> Option<QRCode> {
    if !is_web_address(link) {
        return None;
    }
    let with = |level| QRBuilder::new(link).ecl(level).build().ok();
    let smallest = with(ECL::L).filter(|code| code.size <= WIDEST)?;
    let better = [ECL::Q, ECL::M].into_iter().filter_map(with).find(|code| code.size == smallest.size);
    Some(better.unwrap_or(smallest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://device.sso.us-east-1.amazonaws.com/?user_code=BCDF-GHJK";

    /// The squares that are seen, light ones as true.
    fn seen(lines: &[String], is_utf8: bool) -> Vec<Vec<bool>> {
        let upper = |line: &String| line.chars().map(|c| "█▀".contains(c)).collect::<Vec<_>>();
        let lower = |line: &String| line.chars().map(|c| "█▄".contains(c)).collect::<Vec<_>>();
        let doubled = |line: &String| {
            let pairs: Vec<char> = line.chars().collect();
            pairs
                .chunks(2)
                .map(|pair| {
                    assert_eq!(pair[0], pair[1]);
                    pair[0] == '#'
                })
                .collect::<Vec<_>>()
        };
        if is_utf8 {
            lines.iter().flat_map(|line| [upper(line), lower(line)]).collect()
        } else {
            lines.iter().map(doubled).collect()
        }
    }

    #[test]
    fn what_is_drawn_is_the_code_in_a_light_margin() {
        for is_utf8 in [true, false] {
            let squares = seen(&lines(LINK, 200, is_utf8).unwrap(), is_utf8);
            let code = encode(LINK).unwrap();
            let width = code.size + 8;
            for (row, line) in squares.iter().enumerate() {
                assert_eq!(line.len(), width);
                for (column, is_light) in line.iter().enumerate() {
                    let is_margin = |place: usize| !(4..4 + code.size).contains(&place);
                    let expected = match (is_margin(row), is_margin(column)) {
                        (false, false) => !code[row - 4][column - 4].value(),
                        _ => row < width,
                    };
                    assert_eq!(*is_light, expected, "{row} {column}");
                }
            }
            // The upper left finder is a dark ring around a light one around a dark square.
            let finder =
                |at: usize| squares[at][4..11].iter().map(|l| if *l { '.' } else { '#' }).collect::<String>();
            assert_eq!([finder(4), finder(5), finder(6)], ["#######", "#.....#", "#.###.#"]);
        }
    }

    #[test]
    fn the_margin_gives_way_first_and_then_there_is_no_code() {
        let size = encode(LINK).unwrap().size;
        let margin = |columns: usize, is_utf8: bool| {
            let lines = lines(LINK, columns, is_utf8)?;
            let columns_used = lines[0].chars().count();
            assert!(columns_used <= columns && lines.iter().all(|line| line.chars().count() == columns_used));
            Some((columns_used / if is_utf8 { 1 } else { 2 } - size) / 2)
        };
        let table = [(8, Some(4)), (7, Some(3)), (6, Some(3)), (5, Some(2)), (4, Some(2)), (3, None)];
        for (more, expected) in table {
            assert_eq!(margin(size + more, true), expected, "{more}");
            assert_eq!(margin(2 * (size + more), false), expected, "{more}");
        }
        assert_eq!(margin(0, true), None);
        assert!(lines(LINK, 40, true).is_some(), "a device link of AWS has room in 40 columns");
    }

    #[test]
    fn only_addresses_of_the_web_become_codes_and_none_too_long() {
        for link in
            ["", "tel:123", "javascript:alert(1)", "https://h/a b", "https://h/\u{1b}[0m", "WIFI:S:x;;"]
        {
            assert_eq!(lines(link, 1000, true), None, "{link}");
        }
        let long = |length: usize| format!("https://h/{}", "a".repeat(length));
        assert!(lines(&long(700), 1000, true).is_some());
        assert_eq!(lines(&long(2000), 1000, true), None);
        assert_eq!(lines(&long(100_000), 1000, true), None);
    }

    #[test]
    fn the_room_that_is_left_in_a_size_is_used_for_redundancy() {
        // Version 2 takes 32, 26 and 20 bytes (ISO/IEC 18004 table 7).
        let code = |length: usize| encode(&format!("https://h/{}", "a".repeat(length - 10))).unwrap();
        assert_eq!([code(20).size, code(26).size, code(32).size], [25; 3]);
        let levels = [code(20).ecl, code(26).ecl, code(32).ecl];
        assert!(matches!(levels, [Some(ECL::Q), Some(ECL::M), Some(ECL::L)]));
    }

    #[test]
    fn colours_do_not_change_the_squares() {
        assert_eq!(painted("█ ▀").bytes(), "\u{1b}[97;40m█ ▀\u{1b}[0m".as_bytes());
    }
}
