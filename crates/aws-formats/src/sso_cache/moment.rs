//! Times in cache files: written as every SDK reads them, read as any tool ever wrote them.

use std::borrow::Cow;

use jiff::Timestamp;

/// `YYYY-MM-DDTHH:MM:SSZ`, the one form that every SDK takes.
pub fn format(moment: Timestamp) -> String {
    format!("{moment:.0}")
}

/// Reads a time with a zone: `Z`, an offset, or the suffix `UTC` of old AWS CLIs; with or without a fraction. A time after
/// [`Timestamp::MAX`] counts as that one.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text = match text.strip_suffix("UTC") {
        Some(bare) => Cow::Owned(format!("{}Z", bare.trim_end())),
        None => Cow::Borrowed(text),
    };
    text.parse().ok().or_else(|| is_after_the_last_timestamp(&text).then_some(Timestamp::MAX))
}

/// Reads the end of a registration. 1970 is what tools write for a `client_secret_expires_at` of 0, with which RFC 7591 section 3.2.1
/// says that the secret never ends.
pub fn parse_registration_end(text: &str) -> Option<Timestamp> {
    parse(text).map(|end| if end == Timestamp::UNIX_EPOCH { Timestamp::MAX } else { end })
}

/// Whether a text is a time that [`Timestamp`] cannot hold because it is too late. Tools write the last time that they know for a
/// token that never ends: `9999-12-31T23:59:59Z`, in JavaScript `+275760-09-13T00:00:00.000Z`, in Java
/// `+1000000000-12-31T23:59:59.999999999Z`.
fn is_after_the_last_timestamp(text: &str) -> bool {
    let Some((year, rest)) = text.strip_prefix('+').unwrap_or(text).split_once('-') else { return false };
    let year = if year.bytes().all(|byte| byte.is_ascii_digit()) { year.trim_start_matches('0') } else { "" };
    let is_late = year.len() > 4 || year == "9999";
    // The same time in a leap year says whether the rest is one.
    is_late && format!("2000-{rest}").parse::<Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_fraction_is_cut_off_and_not_rounded() {
        let moment = super::parse("2026-11-23T10:00:00.999Z").unwrap();
        assert_eq!(super::format(moment), "2026-11-23T10:00:00Z");
    }

    #[test]
    fn a_registration_that_ended_in_1970_never_ends() {
        let end = |text| super::parse_registration_end(text).map(super::format);
        assert_eq!(end("1970-01-01T00:00:00Z").as_deref(), Some("9999-12-30T22:00:00Z"));
        assert_eq!(end("1970-01-01T00:00:01Z").as_deref(), Some("1970-01-01T00:00:01Z"));
        assert_eq!(end("2027-02-21T09:00:00Z").as_deref(), Some("2027-02-21T09:00:00Z"));
        assert_eq!(end("never"), None);
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
        for (text, expected) in [
            ("9999-12-31T23:59:59Z", "9999-12-30T22:00:00Z"),
            ("9999-12-31T23:59:59.9999999Z", "9999-12-30T22:00:00Z"),
            ("9999-12-31T23:59:59+00:00", "9999-12-30T22:00:00Z"),
            ("9999-12-31T23:59:59UTC", "9999-12-30T22:00:00Z"),
            ("+275760-09-13T00:00:00.000Z", "9999-12-30T22:00:00Z"),
            ("+1000000000-12-31T23:59:59.999999999Z", "9999-12-30T22:00:00Z"),
            ("9999-01-01T00:00:00Z", "9999-01-01T00:00:00Z"),
            ("2026-11-23T10:00:00.1234567Z", "2026-11-23T10:00:00Z"),
            ("2026-11-23T10:00:00.123456789-00:00", "2026-11-23T10:00:00Z"),
            ("2026-11-23T12:30:00+0230", "2026-11-23T10:00:00Z"),
            ("2026-11-23 10:00:00+00:00", "2026-11-23T10:00:00Z"),
            ("2026-11-23t10:00:00z", "2026-11-23T10:00:00Z"),
        ] {
            let moment = super::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(super::format(moment), expected, "{text}");
        }
        for text in ["9999-13-01T00:00:00Z", "9999-12-31", "99999", "+99999-x", "9999-12-31T23:59:59"] {
            assert_eq!(super::parse(text), None, "{text}");
        }
        for text in ["", "tomorrow", "2026-11-23", "2026-11-23T10:00:00", "1795369889"] {
            assert_eq!(super::parse(text), None, "{text}");
        }
    }
}
