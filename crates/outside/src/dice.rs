//! Randomness, from the system or from a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dice(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Seeded(Arc<AtomicU64>),
}

/// The system has no randomness to give, which no program can survive safely.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness(#[source] getrandom::Error);

impl Dice {
    /// The system's random numbers.
    pub fn real() -> Self {
        Self(Source::System)
    }

    /// Numbers that are the same for the same seed, for tests only: they can be guessed.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(AtomicU64::new(seed))))
    }

    /// Fills `bytes`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        match &self.0 {
            Source::System => getrandom::fill(bytes).map_err(NoRandomness),
            Source::Seeded(state) => {
                for chunk in bytes.chunks_mut(8) {
                    let word =
                        split_mix(state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst)).to_le_bytes();
                    chunk.copy_from_slice(&word[..chunk.len()]);
                }
                Ok(())
            }
        }
    }

    /// `N` random bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// The output function of the SplitMix64 generator.
fn split_mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn seeds_repeat_and_the_system_does_not() {
        let first: [u8; 20] = Dice::seeded(7).bytes().unwrap();
        assert_eq!(first, Dice::seeded(7).bytes::<20>().unwrap());
        assert_ne!(first, Dice::seeded(8).bytes::<20>().unwrap());
        assert_ne!(Dice::real().bytes::<20>().unwrap(), Dice::real().bytes::<20>().unwrap());
    }
}
