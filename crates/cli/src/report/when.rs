//! Moments and spans as people read them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment in the zone of this machine; the date only where it is another day.
pub(crate) fn local(moment: Timestamp, now: Timestamp) -> String {
    in_zone(moment, now, TimeZone::system())
}

fn in_zone(moment: Timestamp, now: Timestamp, zone: TimeZone) -> String {
    let (moment, now) = (moment.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(zone));
    let format = if moment.date() == now.date() { "%H:%M %Z" } else { "%Y-%m-%d %H:%M %Z" };
    moment.strftime(format).to_string()
}

/// A moment as programs read it.
pub(crate) fn utc(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Minutes and seconds.
pub(crate) fn minutes(span: Duration) -> String {
    // Rounded up, so that 0:00 is shown only when nothing is left.
    let seconds = span.as_millis().div_ceil(1000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_shown_where_it_is_another_day() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let zone = TimeZone::fixed(jiff::tz::Offset::from_seconds(3600).unwrap());
        let now = at("2026-11-23T20:00:00Z");
        assert!(in_zone(at("2026-11-23T22:14:00Z"), now, zone.clone()).starts_with("23:14 "));
        assert!(in_zone(at("2026-11-23T23:14:00Z"), now, zone).starts_with("2026-11-24 00:14 "));
    }

    #[test]
    fn spans_are_rounded_up() {
        let table = [(0, "0:00"), (1, "0:01"), (1000, "0:01"), (59_001, "1:00"), (600_000, "10:00")];
        for (millis, shown) in table {
            assert_eq!(minutes(Duration::from_millis(millis)), shown);
        }
    }
}
