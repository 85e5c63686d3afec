//! The pace of polls, in memory and bounded: how often a device code may be asked for (RFC 8628 section 3.5). The rules get
//! the outcome as a fact.
//!
//! A bucket holds two polls and refills with one an interval, because the AWS CLI polls twice back to back before it waits
//! for the first time. Each poll that finds it empty makes the interval of that code five seconds longer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use center::Pace;
use center::things::handle::Handle;
use jiff::Timestamp;

/// How many polls may come back to back.
const BURST: i64 = 2;
/// What a poll costs; a bucket counts in thousandths.
const POLL: i64 = 1000;
/// By how much an interval grows, and the most that it grows to, in milliseconds.
const STEP: i64 = 5000;
const LONGEST: i64 = 60_000;
/// How many codes are remembered in each of the two generations.
const MOST: usize = 16_384;

/// The pace of all device codes.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// In milliseconds.
    interval: i64,
    generations: Mutex<Generations>,
}

/// Who has not polled for a whole generation is forgotten, which only forgives.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Handle, Bucket>,
    old: HashMap<Handle, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    interval: i64,
    credit: i64,
    at: i64,
}

impl Pacer {
    /// A pace of one poll in so many seconds.
    pub(crate) fn new(interval_seconds: i64) -> Self {
        Self { interval: interval_seconds.clamp(1, 60) * 1000, generations: Mutex::default() }
    }

    /// Notes a poll and says whether it came at its time.
    pub(crate) fn poll(&self, code: &Handle, now: Timestamp) -> Pace {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.as_millisecond();
        let known = generations.young.remove(code).or_else(|| generations.old.remove(code));
        let mut bucket = known.unwrap_or(Bucket { interval: self.interval, credit: BURST * POLL, at: now });
        let pace = bucket.take(now);
        if generations.young.len() >= MOST {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(code.clone(), bucket);
        pace
    }
}

impl Bucket {
    fn take(&mut self, now: i64) -> Pace {
        let elapsed = (now - self.at).max(0);
        self.at = now;
        // A tenth less than the interval: no clock and no network is exact.
        let refill = elapsed.saturating_mul(POLL) / (self.interval * 9 / 10);
        self.credit = self.credit.saturating_add(refill).min(BURST * POLL);
        if self.credit < POLL {
            self.interval = (self.interval + STEP).min(LONGEST);
            return Pace::TooFast;
        }
        self.credit -= POLL;
        Pace::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(number: u32) -> Handle {
        Handle::from_bytes(number.to_be_bytes().to_vec())
    }

    /// The outcomes of polls at these milliseconds.
    fn paces(pacer: &Pacer, times: &[i64]) -> Vec<bool> {
        times
            .iter()
            .map(|time| pacer.poll(&code(1), Timestamp::from_millisecond(*time).unwrap()) == Pace::Ok)
            .collect()
    }

    #[test]
    fn the_aws_cli_polls_twice_and_then_by_the_interval() {
        let times = [0, 10, 1010, 2010, 3010, 4010, 5010];
        assert_eq!(paces(&Pacer::new(1), &times), [true; 7]);
    }

    #[test]
    fn a_client_that_is_told_to_slow_down_and_does_is_heard() {
        let times = [0, 1, 2, 6002, 12_002, 18_002];
        assert_eq!(paces(&Pacer::new(1), &times), [true, true, false, true, true, true]);
    }

    #[test]
    fn s2_a_client_that_does_not_slow_down_waits_longer_and_longer() {
        let every_second: Vec<i64> = (0..120).map(|second| second * 200).collect();
        let paces = paces(&Pacer::new(1), &every_second);
        assert_eq!(paces[..2], [true, true]);
        assert!(paces.iter().filter(|ok| **ok).count() < 6);
    }

    #[test]
    fn codes_do_not_disturb_each_other_and_memory_is_bounded() {
        let pacer = Pacer::new(1);
        let now = Timestamp::from_second(1).unwrap();
        for number in 0..100_000 {
            assert_eq!(pacer.poll(&code(number), now), Pace::Ok);
        }
        let generations = pacer.generations.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 2 * MOST);
    }

    #[test]
    fn a_clock_that_goes_back_gives_and_takes_nothing() {
        assert_eq!(paces(&Pacer::new(1), &[10_000, 0, 0, 1000]), [true, true, false, false]);
    }
}
