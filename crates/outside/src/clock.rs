//! The time, real or moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::env::Env;

/// Where the time comes from. Cheap to clone; all clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// The system's clock plus so many seconds.
    Moved(Arc<AtomicI64>),
    /// The system's clock plus the seconds that stand in a file, read anew each time.
    #[cfg(feature = "test-doors")]
    File(std::path::PathBuf),
}

/// The longest that anyone may wait in one go on a clock that may be moved meanwhile.
const MOVABLE_SLICE: Duration = Duration::from_millis(20);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that [`Clock::advance`] moves: the test clock of a center.
    pub fn movable() -> Self {
        Self(Source::Moved(Arc::new(AtomicI64::new(0))))
    }

    /// The clock of the client: the system's. In builds with the feature `test-doors` the variable
    /// `ALDIS_TEST_CLOCK` may name a file with the seconds to add.
    pub fn for_client(env: &Env) -> Self {
        #[cfg(feature = "test-doors")]
        if let Some(path) = env.get("ALDIS_TEST_CLOCK") {
            return Self(Source::File(path.into()));
        }
        let _ = env;
        Self::system()
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        match &self.0 {
            Source::System => now,
            Source::Moved(seconds) => moved(now, seconds.load(Ordering::SeqCst)),
            #[cfg(feature = "test-doors")]
            Source::File(path) => {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                moved(now, text.trim().parse().unwrap_or(0))
            }
        }
    }

    /// Moves a movable clock; says whether it is one.
    pub fn advance(&self, seconds: i64) -> bool {
        match &self.0 {
            Source::Moved(moved) => {
                moved.fetch_add(seconds, Ordering::SeqCst);
                true
            }
            _ => false,
        }
    }

    /// How long to wait in one go when the wait should be `wished`: all of it, or a short slice where somebody may
    /// move the clock meanwhile. Whoever waits looks at the time again afterwards.
    pub fn slice(&self, wished: Duration) -> Duration {
        match &self.0 {
            Source::System => wished,
            _ => wished.min(MOVABLE_SLICE),
        }
    }

    /// Waits until `moment` on this clock.
    pub fn sleep_until(&self, moment: Timestamp) {
        loop {
            let left = until(self.now(), moment);
            if left.is_zero() {
                return;
            }
            std::thread::sleep(self.slice(left));
        }
    }
}

/// The time from `now` to `moment`; zero if that has passed.
pub fn until(now: Timestamp, moment: Timestamp) -> Duration {
    moment.duration_since(now).try_into().unwrap_or(Duration::ZERO)
}

fn moved(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_movable_clock_moves_and_the_system_clock_does_not() {
        let clock = Clock::movable();
        let before = clock.now();
        assert!(clock.clone().advance(3600));
        assert!(clock.now().duration_since(before) >= SignedDuration::from_secs(3600));
        assert!(!Clock::system().advance(3600));
    }
}
