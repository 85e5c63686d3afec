//! Times in cache files: written as every SDK reads them, read as any tool ever wrote them.

use jiff::Timestamp;

/// `YYYY-MM-DDTHH:MM:SSZ`, the one form that every SDK takes.
pub fn format(moment: Timestamp) -> String {
    format!("{moment:.0}")
}

/// Reads a time with a zone: `Z`, an offset, or the suffix `UTC` of old AWS CLIs; with or without a fraction.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    match text.strip_suffix("UTC") {
        Some(bare) => format!("{}Z", bare.trim_end()).parse().ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_fraction_is_cut_off_and_not_rounded() {
        let moment = super::parse("2026-11-23T10:00:00.999Z").unwrap();
        assert_eq!(super::format(moment), "2026-11-23T10:00:00Z");
    }

    #[test]
    fn every_tools_times_are_read_and_one_form_is_written() {
        for text in [
            "2026-11-23T10:00:00Z",
            "2026-11-23T10:00:00.123Z",
            "2026-11-23T10:00:00+00:00",
            "2026-11-23T11:00:00+01:00",
            "2026-11-23T10:00:00UTC",
        ] {
            let moment = super::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(super::format(moment), "2026-11-23T10:00:00Z");
        }
        for text in ["", "tomorrow", "2026-11-23", "2026-11-23T10:00:00", "1795369889"] {
            assert_eq!(super::parse(text), None, "{text}");
        }
    }
}
