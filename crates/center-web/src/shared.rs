//! What all requests to one center share.

use std::sync::{Mutex, PoisonError};

use center::{Call, Caller, Instance};
use center_store::Store;
use jiff::{SignedDuration, Timestamp};
use outside::{Clock, Dice, Terminal};

use crate::browser::Cookies;
use crate::guesses::{CodeGuesses, PasswordGuesses};
use crate::hosts::Hosts;
use crate::limits::Pacer;
use crate::live::Live;
use crate::passwords::Passwords;
use crate::proxies::Network;
use crate::rates::Rates;
use crate::serve::Stopper;

/// How long the same trouble is not told again, and how many are remembered.
const SILENCE: SignedDuration = SignedDuration::from_secs(60);
const MOST_TOLD: usize = 16;

/// A center and its surroundings.
#[derive(Debug)]
pub(crate) struct Shared<S> {
    pub(crate) instance: Instance,
    pub(crate) store: S,
    pub(crate) clock: Clock,
    pub(crate) dice: Dice,
    pub(crate) terminal: Terminal,
    pub(crate) hosts: Hosts,
    pub(crate) pacer: Pacer,
    pub(crate) cookies: Cookies,
    pub(crate) passwords: Passwords,
    pub(crate) password_guesses: PasswordGuesses,
    pub(crate) code_guesses: CodeGuesses,
    pub(crate) rates: Rates,
    /// Whose word on where a request came from counts.
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) live: Live,
    /// Whether it is open to strangers on purpose, which every page must say.
    pub(crate) is_test_center: bool,
    pub(crate) told: Told,
    /// Knows when the center is to end.
    pub(crate) stopper: Stopper,
}

/// The troubles that were told of late, and when.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Vec<(String, Timestamp)>>);

impl<S: Store> Shared<S> {
    /// Makes a call on the center, now.
    pub(crate) fn call<T>(&self, caller: &Caller, make: impl FnOnce(&Call<'_>) -> T) -> T {
        let dice = |bytes: &mut [u8]| self.roll(bytes);
        make(&Call { instance: &self.instance, caller, now: self.clock.now(), dice: &dice })
    }

    /// A random UUID.
    pub(crate) fn uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.roll(&mut bytes);
        center::instance::uuid(bytes)
    }

    /// Fills `bytes` with randomness.
    #[allow(
        clippy::expect_used,
        reason = "a code or key without randomness must not go out: better that this one request fails"
    )]
    pub(crate) fn roll(&self, bytes: &mut [u8]) {
        self.dice.fill(bytes).expect("random numbers from the system");
    }

    /// Tells whoever runs the center that something failed; the client hears nothing of it.
    pub(crate) fn report(&self, trouble: &dyn std::fmt::Display) {
        let text = trouble.to_string();
        let now = self.clock.now();
        let mut told = self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(_, at)| now.duration_since(*at) < SILENCE);
        if told.len() < MOST_TOLD && !told.iter().any(|(last, _)| *last == text) {
            self.terminal.words(format!("error: {text}\n"));
            told.push((text, now));
        }
    }
}
