//! Moments and spans as people read them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment in the zone of this machine; the date only where it is another day.
pub(crate) fn local(moment: Timestamp, now: Timestamp) -> String {
    in_zone(moment, now, TimeZone::system())
}

/// From when on something may be done, in the zone of this machine: a whole minute, and not one too early.
pub(crate) fn from(moment: Timestamp, now: Timestamp) -> String {
    let minute = 60;
    let whole = moment.as_second().div_euclid(minute)
        + i64::from(moment.as_second().rem_euclid(minute) > 0 || moment.subsec_nanosecond() > 0);
    local(Timestamp::from_second(whole * minute).unwrap_or(moment), now)
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
    fn a_beginning_is_never_told_too_early() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (moment, minute) in [("10:00:00", "10:00:00"), ("10:00:01", "10:01:00"), ("10:59:59", "11:00:00")]
        {
            let [moment, minute] = [moment, minute].map(|time| at(&format!("2026-11-23T{time}Z")));
            assert_eq!(from(moment, moment), local(minute, moment));
        }
    }

    #[test]
    fn spans_are_rounded_up() {
        let table = [(0, "0:00"), (1, "0:01"), (1000, "0:01"), (59_001, "1:00"), (600_000, "10:00")];
        for (millis, shown) in table {
            assert_eq!(minutes(Duration::from_millis(millis)), shown);
        }
    }
}
