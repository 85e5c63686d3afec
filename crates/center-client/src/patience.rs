//! How often and after how long a call is made again: exponential backoff with jitter, `Retry-After` honoured.

use std::time::Duration;

/// Tries of one call, the first one included.
pub const TRIES: u32 = 5;
/// No try begins later than this after the first one: with its own 15 s that is less than the minute that some SDKs give a
/// credential process.
pub const LONGEST: Duration = Duration::from_secs(40);

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// The pause after the try with that number (from 1), somewhere between half and all of a time that doubles with each
/// try; `jitter` says where, 0 for half and 255 for all.
pub fn pause(number: u32, jitter: u8) -> Duration {
    let doubled =
        FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(number.saturating_sub(1))).min(LONGEST_PAUSE);
    doubled / 2 + doubled.mul_f64(f64::from(jitter) / 510.0)
}

/// Whether and when to try again.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    /// The number of the try that failed, from 1.
    pub number: u32,
    /// How long the call has taken so far.
    pub since_start: Duration,
    /// How long the server asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl Try {
    /// The pause before the next try; nothing when it is enough.
    pub fn pause(self, jitter: u8) -> Option<Duration> {
        if self.number >= TRIES {
            return None;
        }
        let pause = pause(self.number, jitter).max(self.retry_after.unwrap_or_default());
        (self.since_start + pause <= LONGEST).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c16_pauses_double_and_end() {
        let shortest: Vec<u128> = (1..9).map(|number| pause(number, 0).as_millis()).collect();
        assert_eq!(shortest, [250, 500, 1000, 2000, 4000, 8000, 10000, 10000]);
        let longest: Vec<u128> = (1..9).map(|number| pause(number, 255).as_millis()).collect();
        assert_eq!(longest, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
    }

    #[test]
    fn c16_a_server_is_left_alone_as_long_as_it_asks_but_not_for_ever() {
        let tried = |number, since_start, retry_after: Option<u64>| {
            let seconds = Duration::from_secs;
            Try { number, since_start: seconds(since_start), retry_after: retry_after.map(seconds) }
                .pause(0)
                .map(|pause| pause.as_millis())
        };
        assert_eq!(tried(1, 0, None), Some(250));
        assert_eq!(tried(1, 0, Some(7)), Some(7000));
        assert_eq!(tried(1, 0, Some(0)), Some(250));
        assert_eq!(tried(5, 0, None), None);
        assert_eq!(tried(2, 33, Some(7)), Some(7000));
        assert_eq!(tried(2, 34, Some(7)), None);
        assert_eq!(tried(1, 0, Some(3600)), None);
    }
}
