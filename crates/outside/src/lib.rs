//! The only doors to the world. Every other crate is kept from clock, randomness, environment, files, sockets and
//! terminal by the bans in the root's `clippy.toml`; here they are lifted.
//!
//! Real things in a temporary folder serve tests better than pretended ones, so only what cannot be had for real
//! has a second form: the clock can be moved, the dice seeded, the environment made up.
#![forbid(unsafe_code)]

pub mod browser;
pub mod ca_bundle;
pub mod clock;
pub mod dialogue;
pub mod dice;
pub mod display;
pub mod env;
pub mod files;
pub mod hidden;
pub mod http;
pub mod keys;
pub mod lines;
pub mod loopback;
pub mod painted;
pub mod panics;
pub mod processes;
pub mod programs;
pub mod proxy;
pub mod shelf;
pub mod signals;
pub mod sockets;
pub mod state;
pub mod terminal;

pub use clock::Clock;
pub use dice::Dice;
pub use env::Env;
pub use terminal::Terminal;

/// The doors that a command is handed by `main`.
#[derive(Debug, Clone)]
pub struct Outside {
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub dice: Dice,
    /// The environment as it was at the start.
    pub env: Env,
    /// Standard input, output and error.
    pub terminal: Terminal,
}

impl Outside {
    /// The real world.
    pub fn real() -> Self {
        let env = Env::real();
        Self { clock: Clock::for_client(&env), dice: Dice::real(), terminal: Terminal::real(&env), env }
    }

    /// The same world with another environment, for a command that runs inside another one.
    pub fn with_env(&self, env: Env) -> Self {
        Self { env, ..self.clone() }
    }
}
