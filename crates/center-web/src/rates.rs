//! How many registrations and device sign-ins strangers may begin, in memory and bounded (S37, S46). The rules get the
//! outcome as a fact.
//!
//! Each address, each client and the center as a whole has a bucket that refills with time. They are large: people, test
//! suites and whole offices behind one address never see their bottom, a flood does within a second.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use center::things::handle::ClientHash;
use center::{Caller, Load};
use jiff::Timestamp;

/// What one costs; a bucket counts in thousandths.
const ONE: i64 = 1000;
/// How many buckets are remembered in each of the two generations.
const MOST: usize = 16_384;
/// For how many milliseconds a burst is no news any more.
const SILENCE: i64 = 60_000;

/// A size, and how many a second flow back.
#[derive(Debug, Clone, Copy)]
struct Limit {
    burst: i64,
    per_second: i64,
}

const BY_CLIENT: Limit = Limit { burst: 60, per_second: 2 };
const BY_ADDRESS: Limit = Limit { burst: 300, per_second: 10 };
const IN_ALL: Limit = Limit { burst: 2000, per_second: 200 };

/// The rates of both.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    registrations: Mutex<Counted>,
    starts: Mutex<Counted>,
}

/// The buckets of one operation.
#[derive(Debug, Default)]
struct Counted {
    clients: Buckets<ClientHash>,
    addresses: Buckets<String>,
    all: Option<Bucket>,
}

/// Whose bucket was not touched for a whole generation is forgotten, which only forgives.
#[derive(Debug)]
struct Buckets<Key> {
    young: HashMap<Key, Bucket>,
    old: HashMap<Key, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    credit: i64,
    at: i64,
    told_at: Option<i64>,
}

impl Rates {
    /// Counts a registration and says whether there is room for it.
    pub(crate) fn registration(&self, caller: &Caller, now: Timestamp) -> Load {
        let mut counted = self.registrations.lock().unwrap_or_else(PoisonError::into_inner);
        counted.count(caller, None, now.as_millisecond())
    }

    /// Counts the start of a device sign-in; `client` is who starts it, where that is proven.
    pub(crate) fn start(&self, caller: &Caller, client: Option<ClientHash>, now: Timestamp) -> Load {
        let mut counted = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        counted.count(caller, client, now.as_millisecond())
    }
}

impl Counted {
    fn count(&mut self, caller: &Caller, client: Option<ClientHash>, now: i64) -> Load {
        let address = self.addresses.of(network(&caller.address), BY_ADDRESS, now);
        // The narrowest first, so that whoever is too fast takes nothing from the others.
        let waits = match client {
            Some(client) => self.clients.of(client, BY_CLIENT, now).take(BY_CLIENT, now),
            None => Ok(()),
        };
        if let Err(wait) = waits.and_then(|()| address.take(BY_ADDRESS, now)) {
            return address.refuse(wait, now);
        }
        let all = self.all.get_or_insert(Bucket::full(IN_ALL, now));
        all.take(IN_ALL, now).map_or_else(|wait| all.refuse(wait, now), |()| Load::Ok)
    }
}

impl<Key> Default for Buckets<Key> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<Key: Hash + Eq> Buckets<Key> {
    fn of(&mut self, key: Key, limit: Limit, now: i64) -> &mut Bucket {
        let known = self.young.remove(&key).or_else(|| self.old.remove(&key));
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(key).or_insert(known.unwrap_or(Bucket::full(limit, now)))
    }
}

impl Bucket {
    fn full(limit: Limit, now: i64) -> Self {
        Self { credit: limit.burst * ONE, at: now, told_at: None }
    }

    /// Takes one out, or says in how many seconds there is one.
    fn take(&mut self, limit: Limit, now: i64) -> Result<(), i64> {
        // What flows in a millisecond is as many thousandths as whole ones in a second.
        let refill = (now - self.at).max(0).saturating_mul(limit.per_second);
        self.at = now;
        self.credit = self.credit.saturating_add(refill).min(limit.burst * ONE);
        if self.credit < ONE {
            let missing = ONE - self.credit;
            return Err((missing + limit.per_second * ONE - 1) / (limit.per_second * ONE));
        }
        self.credit -= ONE;
        Ok(())
    }

    fn refuse(&mut self, retry_after: i64, now: i64) -> Load {
        let is_news = self.told_at.is_none_or(|told| now - told >= SILENCE || now < told);
        if is_news {
            self.told_at = Some(now);
        }
        Load::TooMuch { retry_after, is_news }
    }
}

/// Whoever has one address of version 6 has a whole network of them.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    fn from(address: &str) -> Caller {
        Caller { address: address.to_owned(), ..Caller::default() }
    }

    fn client(name: &str) -> Option<ClientHash> {
        Some(ClientHash::of(name))
    }

    /// How many of so many were let through.
    fn passed(tries: usize, mut count: impl FnMut() -> Load) -> usize {
        (0..tries).filter(|_| count() == Load::Ok).count()
    }

    #[test]
    fn s37_registrations_are_limited_by_address_and_in_all() {
        let rates = Rates::default();
        let here = from("192.0.2.1");
        assert_eq!(passed(400, || rates.registration(&here, at(0))), 300);
        assert_eq!(passed(400, || rates.registration(&here, at(1000))), 10);
        assert_eq!(passed(400, || rates.start(&here, None, at(1000))), 300, "another operation");
        let mut number = 0;
        let elsewhere = passed(4000, || {
            number += 1;
            rates.registration(&from(&format!("192.0.2.1:{number}")), at(1000))
        });
        assert_eq!(elsewhere, 2000 - 300 + 200 - 10, "whatever the address");
    }

    #[test]
    fn s46_starts_are_limited_by_client_too() {
        let rates = Rates::default();
        let here = from("192.0.2.1");
        assert_eq!(passed(100, || rates.start(&here, client("one"), at(0))), 60);
        assert_eq!(
            passed(100, || rates.start(&here, client("two"), at(0))),
            60,
            "one takes nothing from two"
        );
        assert_eq!(passed(100, || rates.start(&from("192.0.2.2"), client("one"), at(0))), 0);
        assert_eq!(passed(100, || rates.start(&here, client("one"), at(1000))), 2);
        assert_eq!(passed(400, || rates.start(&here, None, at(1000))), 300 - 122 + 10);
    }

    #[test]
    fn s46_a_burst_is_news_once_a_minute_and_says_when_there_is_room() {
        let rates = Rates::default();
        let here = from("192.0.2.1");
        passed(60, || rates.start(&here, client("one"), at(0)));
        let load = |milliseconds| rates.start(&here, client("one"), at(milliseconds));
        assert_eq!(load(0), Load::TooMuch { retry_after: 1, is_news: true });
        for moment in [1, 400] {
            assert_eq!(load(moment), Load::TooMuch { retry_after: 1, is_news: false });
        }
        passed(200, || rates.start(&here, client("one"), at(60_000)));
        assert_eq!(load(60_000), Load::TooMuch { retry_after: 1, is_news: false });
        assert_eq!(
            rates.start(&from("192.0.2.2"), client("one"), at(60_000)),
            Load::TooMuch { retry_after: 1, is_news: true }
        );
    }

    #[test]
    fn s46_a_network_of_version_6_is_one_address() {
        let rates = Rates::default();
        let mut number = 0;
        let passed = passed(400, || {
            number += 1;
            rates.start(&from(&format!("2001:db8:1:2::{number:x}")), None, at(0))
        });
        assert_eq!(passed, 300);
        assert_eq!(rates.start(&from("2001:db8:1:3::1"), None, at(0)), Load::Ok);
    }

    #[test]
    fn memory_is_bounded_and_a_clock_that_goes_back_gives_nothing() {
        let mut buckets = Buckets::default();
        for number in 0..100_000 {
            buckets.of(number, BY_CLIENT, 0).take(BY_CLIENT, 0).unwrap();
        }
        assert!(buckets.young.len() + buckets.old.len() <= 2 * MOST);
        let mut bucket = Bucket { credit: 0, ..Bucket::full(BY_CLIENT, 10_000) };
        assert_eq!(bucket.take(BY_CLIENT, 0), Err(1));
    }
}
