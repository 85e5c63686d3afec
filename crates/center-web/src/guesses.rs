//! How often somebody was wrong of late, in memory and bounded: with a name and password (S53), with a user code (S5).
//!
//! A guess counts when it begins, so that many at once are not free, and is given back where it was right. A right one does
//! not make the wrong ones before it forgotten: whoever has an account of their own could guess for ever.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;

/// How long wrong guesses count after the last one, in milliseconds.
const WINDOW: i64 = 10 * 60 * 1000;
/// The first wait, and the longest to which it doubles.
const FIRST_WAIT: i64 = 30 * 1000;
const LONGEST_WAIT: i64 = 15 * 60 * 1000;
/// How many are remembered in each of the two generations.
const MOST: usize = 8192;
/// The part of a name that tells two people apart: no name is longer.
const LONGEST_NAME: usize = 64;

/// Wrong passwords of one person from one address, and of one address.
const PASSWORDS_OF_PERSON_THERE: u32 = 5;
const PASSWORDS_OF_ADDRESS: u32 = 20;
/// From how many wrong passwords on, wherever they come from, a person's sign-ins are slowed.
const PASSWORDS_OF_PERSON: u32 = 10;
/// By how much at most, and how many wait so at once.
const MOST_SECONDS: u32 = 5;
const MOST_SLOWED: usize = 64;

/// Wrong user codes of one person, of one address, and of all.
const CODES_OF_PERSON: u32 = 5;
const CODES_OF_ADDRESS: u32 = 10;
const CODES_OF_ALL: u32 = 100;

/// Come back in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) seconds: i64,
}

/// Guesses of passwords.
#[derive(Debug)]
pub(crate) struct PasswordGuesses {
    of_person_there: Tallies,
    of_address: Tallies,
    of_person: Tallies,
    slowed: Semaphore,
}

/// A guess that counts as wrong until it is given back.
#[derive(Debug)]
pub(crate) struct PasswordGuess {
    person_there: (String, Tally),
    address: (String, Tally),
    person: (String, Tally),
}

impl PasswordGuesses {
    pub(crate) fn new() -> Self {
        Self {
            of_person_there: Tallies::new(PASSWORDS_OF_PERSON_THERE),
            of_address: Tallies::new(PASSWORDS_OF_ADDRESS),
            // Strangers anywhere can be wrong in somebody's name, so this one never refuses.
            of_person: Tallies::new(u32::MAX),
            slowed: Semaphore::new(MOST_SLOWED),
        }
    }

    /// Counts a guess, or says how long to wait.
    pub(crate) fn begin(&self, name: &str, address: &str, now: Timestamp) -> Result<PasswordGuess, Wait> {
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let network = network(address);
        let person_there = format!("{network} {name}");
        let of_address = self.of_address.take(&network, now)?;
        let there = match self.of_person_there.take(&person_there, now) {
            Ok(there) => there,
            Err(wait) => {
                self.of_address.give_back(&network, of_address);
                return Err(wait);
            }
        };
        let of_person = self.of_person.take(&name, now)?;
        Ok(PasswordGuess {
            person_there: (person_there, there),
            address: (network, of_address),
            person: (name, of_person),
        })
    }

    /// Makes a person wait whose name many were wrong with. Where too many wait already, nobody else does: being slow must not
    /// become a way to lock somebody out.
    pub(crate) async fn slow(&self, guess: &PasswordGuess) {
        let pause = pause(guess.person.1.wrong);
        if let Ok(_place) = self.slowed.try_acquire()
            && !pause.is_zero()
        {
            tokio::time::sleep(pause).await;
        }
    }

    /// The guess was right, or nobody looked at it.
    pub(crate) fn give_back(&self, guess: PasswordGuess) {
        let PasswordGuess { person_there, address, person } = guess;
        self.of_person_there.give_back(&person_there.0, person_there.1);
        self.of_address.give_back(&address.0, address.1);
        self.of_person.give_back(&person.0, person.1);
    }
}

fn pause(wrong: u32) -> Duration {
    let seconds = wrong.saturating_sub(PASSWORDS_OF_PERSON).min(MOST_SECONDS);
    Duration::from_secs(seconds.into())
}

/// Guesses of user codes by people who are signed in.
#[derive(Debug)]
pub(crate) struct CodeGuesses {
    of_person: Tallies,
    of_address: Tallies,
    of_all: Mutex<OfAll>,
}

/// The valve over all people: it only slows, since a refusal would let anybody stop everybody's sign-ins.
#[derive(Debug, Default, Clone, Copy)]
struct OfAll {
    began_at: i64,
    wrong: u32,
    is_told: bool,
}

/// A code that counts as wrong until it is given back.
#[derive(Debug)]
pub(crate) struct CodeGuess {
    person: (String, Tally),
    address: (String, Tally),
}

/// What all the wrong codes together mean for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Valve {
    /// How long to wait before a code is looked up.
    pub(crate) pause: Duration,
    /// How many codes were wrong, where that has to be logged: once in ten minutes.
    pub(crate) alarm: Option<u32>,
}

impl CodeGuesses {
    pub(crate) fn new() -> Self {
        Self {
            of_person: Tallies::new(CODES_OF_PERSON),
            of_address: Tallies::new(CODES_OF_ADDRESS),
            of_all: Mutex::default(),
        }
    }

    /// Counts a guess, or says how long to wait.
    pub(crate) fn begin(&self, person: &str, address: &str, now: Timestamp) -> Result<CodeGuess, Wait> {
        let network = network(address);
        let of_address = self.of_address.take(&network, now)?;
        match self.of_person.take(person, now) {
            Ok(of_person) => {
                Ok(CodeGuess { person: (person.to_owned(), of_person), address: (network, of_address) })
            }
            Err(wait) => {
                self.of_address.give_back(&network, of_address);
                Err(wait)
            }
        }
    }

    /// Looks at all wrong codes of late.
    pub(crate) fn valve(&self, now: Timestamp) -> Valve {
        let mut all = self.of_all(now);
        let is_open = all.wrong >= CODES_OF_ALL;
        let alarm = (is_open && !all.is_told).then_some(all.wrong);
        all.is_told |= is_open;
        Valve { pause: if is_open { Duration::from_secs(1) } else { Duration::ZERO }, alarm }
    }

    /// The code was one that waits.
    pub(crate) fn give_back(&self, guess: CodeGuess) {
        self.of_person.give_back(&guess.person.0, guess.person.1);
        self.of_address.give_back(&guess.address.0, guess.address.1);
    }

    /// The code was wrong.
    pub(crate) fn was_wrong(&self, now: Timestamp) {
        let mut all = self.of_all(now);
        all.wrong = all.wrong.saturating_add(1);
    }

    fn of_all(&self, now: Timestamp) -> MutexGuard<'_, OfAll> {
        let mut all = self.of_all.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.as_millisecond();
        if now - all.began_at >= WINDOW {
            *all = OfAll { began_at: now, ..OfAll::default() };
        }
        all
    }
}

/// The part of an address that one machine cannot choose: all of it, or the /64 of version 6.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    }
}

/// Wrong guesses by whatever they have in common. Who has not guessed for a whole generation is forgotten, which only forgives.
#[derive(Debug)]
struct Tallies {
    most: u32,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<String, Tally>,
    old: HashMap<String, Tally>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    wrong: u32,
    last: i64,
    /// Until when no guess is taken.
    until: i64,
}

impl Tallies {
    fn new(most: u32) -> Self {
        Self { most, generations: Mutex::default() }
    }

    /// Counts one guess; the tally after it.
    fn take(&self, key: &str, now: Timestamp) -> Result<Tally, Wait> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let known = generations.young.remove(key).or_else(|| generations.old.remove(key));
        let mut tally = known.unwrap_or_default();
        let taken = tally.take(now.as_millisecond(), self.most);
        if generations.young.len() >= MOST {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(key.to_owned(), tally);
        taken.map(|()| tally)
    }

    fn give_back(&self, key: &str, taken: Tally) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let Generations { young, old } = &mut *generations;
        if let Some(tally) = young.get_mut(key).or_else(|| old.get_mut(key)) {
            tally.wrong = tally.wrong.saturating_sub(1);
            if tally.until == taken.until {
                tally.until = 0;
            }
        }
    }
}

impl Tally {
    fn take(&mut self, now: i64, most: u32) -> Result<(), Wait> {
        if now < self.until {
            let seconds = (self.until - now + 999) / 1000;
            return Err(Wait { seconds });
        }
        if now - self.last.max(self.until) >= WINDOW {
            self.wrong = 0;
        }
        self.wrong = self.wrong.saturating_add(1);
        self.last = now;
        if self.wrong >= most {
            let doublings = (self.wrong - most).min(8);
            self.until = now + (FIRST_WAIT << doublings).min(LONGEST_WAIT);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn seconds<T: std::fmt::Debug>(outcome: Result<T, Wait>) -> i64 {
        outcome.unwrap_err().seconds
    }

    #[test]
    fn s53_the_sixth_wrong_password_waits_and_each_more_waits_twice_as_long() {
        let guesses = PasswordGuesses::new();
        let begin = |second| guesses.begin("demo", "192.0.2.1", at(second));
        for _ in 0..5 {
            begin(0).unwrap();
        }
        assert_eq!(seconds(begin(0)), 30);
        let mut now = 0;
        for wait in [30, 60, 120, 240, 480, 900, 900] {
            assert_eq!(seconds(begin(now)), wait);
            now += wait;
            begin(now).unwrap();
        }
        now += 900 + 600;
        begin(now).unwrap();
        begin(now).unwrap();
    }

    #[test]
    fn s53_an_address_waits_after_twenty_whatever_the_names() {
        let guesses = PasswordGuesses::new();
        for number in 0..20 {
            guesses.begin(&format!("name {number}"), "2001:db8::1", at(0)).unwrap();
        }
        assert_eq!(seconds(guesses.begin("demo", "2001:db8::2", at(0))), 30, "the same /64");
        guesses.begin("demo", "2001:db8:0:1::1", at(0)).unwrap();
    }

    #[test]
    fn s53_strangers_only_slow_a_person() {
        let guesses = PasswordGuesses::new();
        let mut pauses = Vec::new();
        for number in 0..100 {
            let guess = guesses.begin("demo", &format!("192.0.2.{number}"), at(0)).unwrap();
            pauses.push(pause(guess.person.1.wrong).as_secs());
        }
        assert_eq!(pauses[..10], [0; 10]);
        assert_eq!(pauses[10..15], [1, 2, 3, 4, 5]);
        assert_eq!(pauses[99], 5);
    }

    #[test]
    fn s5_a_right_guess_is_given_back_and_forgives_no_wrong_one() {
        let guesses = PasswordGuesses::new();
        let begin = |second| guesses.begin("demo", "192.0.2.1", at(second));
        for _ in 0..50 {
            guesses.give_back(begin(0).unwrap());
        }
        for _ in 0..4 {
            begin(0).unwrap();
            guesses.give_back(begin(0).unwrap());
        }
        begin(0).unwrap();
        assert_eq!(seconds(begin(0)), 30);
        guesses.give_back(begin(30).unwrap());
        begin(30).unwrap();
        assert_eq!(seconds(begin(30)), 60, "the next wrong one waits as long as if none had been right");
    }

    #[test]
    fn s5_five_wrong_codes_of_a_person_and_ten_of_an_address() {
        let guesses = CodeGuesses::new();
        for _ in 0..5 {
            guesses.begin("one", "192.0.2.1", at(0)).unwrap();
        }
        assert_eq!(seconds(guesses.begin("one", "192.0.2.1", at(0))), 30);
        assert_eq!(seconds(guesses.begin("one", "192.0.2.2", at(0))), 30, "wherever they are");
        for _ in 0..5 {
            guesses.begin("two", "192.0.2.1", at(0)).unwrap();
        }
        assert_eq!(seconds(guesses.begin("three", "192.0.2.1", at(0))), 30);
        guesses.give_back(guesses.begin("three", "192.0.2.3", at(0)).unwrap());
    }

    #[test]
    fn s5_the_valve_over_all_slows_and_rings_once() {
        let guesses = CodeGuesses::new();
        let silent = Valve { pause: Duration::ZERO, alarm: None };
        for _ in 0..100 {
            assert_eq!(guesses.valve(at(0)), silent);
            guesses.was_wrong(at(0));
        }
        let slow = Duration::from_secs(1);
        assert_eq!(guesses.valve(at(1)), Valve { pause: slow, alarm: Some(100) });
        assert_eq!(guesses.valve(at(2)), Valve { pause: slow, alarm: None });
        guesses.begin("somebody", "192.0.2.1", at(2)).unwrap();
        assert_eq!(guesses.valve(at(600)), silent);
    }

    #[test]
    fn memory_is_bounded() {
        let tallies = Tallies::new(5);
        for number in 0..50_000 {
            tallies.take(&number.to_string(), at(0)).unwrap();
        }
        let generations = tallies.generations.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 2 * MOST);
    }
}
