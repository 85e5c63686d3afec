//! The encoding of a configuration file. AWS tools read UTF-8; editors on Windows save UTF-16 if they are told "Unicode".

/// The name of the encoding, as `iconv` takes it, if a file is UTF-16 or UTF-32 text; `None` for all other bytes.
pub fn wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        // Without a byte order mark: an ASCII character and a zero byte, or the other way round.
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some("UTF-16LE"),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => Some("UTF-16BE"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::wide_encoding;

    #[test]
    fn utf_16_is_told_from_everything_else() {
        let encoded = |text: &str, mark: &[u8], unit: fn(u16) -> [u8; 2]| {
            let mut bytes = mark.to_vec();
            bytes.extend(text.encode_utf16().flat_map(unit));
            bytes
        };
        let text = "[default]\nregion = eu-west-1\n";
        let table: [(Vec<u8>, Option<&str>); 9] = [
            (encoded(text, &[0xff, 0xfe], u16::to_le_bytes), Some("UTF-16")),
            (encoded(text, &[0xfe, 0xff], u16::to_be_bytes), Some("UTF-16")),
            (encoded(text, &[], u16::to_le_bytes), Some("UTF-16LE")),
            (encoded(text, &[], u16::to_be_bytes), Some("UTF-16BE")),
            (vec![0xff, 0xfe, 0, 0, b'[', 0, 0, 0], Some("UTF-32")),
            (format!("\u{feff}{text}").into_bytes(), None),
            (text.as_bytes().to_vec(), None),
            (vec![0, 0, 0, 0], None),
            (vec![], None),
        ];
        for (bytes, expected) in table {
            assert_eq!(wide_encoding(&bytes), expected, "{bytes:?}");
        }
    }
}
