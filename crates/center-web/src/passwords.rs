//! Checking passwords, which is slow on purpose: one at a time beside the runtime, so that whoever polls does not wait behind
//! it, and a bounded number in the queue.

use std::sync::Arc;

use center::{Instance, password};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use wire::Secret;

/// How many checks run at once, and how many may wait for that.
const AT_ONCE: usize = 1;
const MOST_WAITING: usize = 32;

/// The queue of checks.
#[derive(Debug)]
pub(crate) struct Passwords {
    /// What is verified where there is nothing to verify: see [`password::stand_in`].
    pub(crate) stand_in: String,
    places: Arc<Semaphore>,
    turn: Arc<Semaphore>,
}

/// Too many wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

impl Passwords {
    pub(crate) fn new(instance: &Instance) -> Self {
        Self {
            stand_in: password::stand_in(&instance.organisation),
            places: Arc::new(Semaphore::new(AT_ONCE + MOST_WAITING)),
            turn: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Whether a password is the one behind a PHC string.
    pub(crate) async fn check(&self, phc: String, password: Secret) -> Result<bool, Busy> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Busy)?;
        let turn = self.turn.clone().acquire_owned().await.map_err(|_| Busy)?;
        let check = spawn_blocking(move || {
            let is_right = password::verify(&phc, &password);
            // Held to the end of the work, even where the browser has gone away: otherwise leaving early would let in the
            // next one beside it.
            drop((turn, place));
            is_right
        });
        check.await.map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use center::password::Cost;

    use super::*;

    fn passwords() -> Passwords {
        Passwords {
            stand_in: String::new(),
            places: Arc::new(Semaphore::new(AT_ONCE + MOST_WAITING)),
            turn: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    #[tokio::test]
    async fn s53_one_is_checked_and_a_few_wait_and_the_rest_is_told_so() {
        let passwords = Arc::new(passwords());
        let password = Secret::new("password");
        // So slow that no check ends while the others are begun, on a busy machine, too.
        let phc = password::hash(&password, &[7; 16], Cost { memory: 16_384, passes: 2, lanes: 1 }).unwrap();
        let checks: Vec<_> = (0..200)
            .map(|_| {
                let (passwords, phc, password) = (passwords.clone(), phc.clone(), password.clone());
                tokio::spawn(async move { passwords.check(phc, password).await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for check in checks {
            outcomes.push(check.await.unwrap());
        }
        let right = outcomes.iter().filter(|outcome| **outcome == Ok(true)).count();
        assert_eq!(right, AT_ONCE + MOST_WAITING);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(Busy)).count(), 200 - right);
        assert_eq!(passwords.check(phc, Secret::new("wrong")).await, Ok(false), "places are given back");
    }

    #[tokio::test]
    async fn whoever_leaves_early_lets_nobody_in_beside_the_work() {
        let passwords = passwords();
        let password = Secret::new("password");
        let phc = password::hash(&password, &[7; 16], Cost { memory: 16_384, passes: 4, lanes: 1 }).unwrap();
        let mut check = Box::pin(passwords.check(phc, password));
        // Polled once: the work has begun.
        assert!(
            std::future::poll_fn(|context| std::task::Poll::Ready(check.as_mut().poll(context)))
                .await
                .is_pending()
        );
        drop(check);
        assert_eq!(passwords.turn.available_permits(), 0);
    }
}
