//! A real center on a free port.

use serde_json::Value;

use crate::{Machine, Outcome, Run, Running};

/// A center that is ready. It is killed when dropped.
#[derive(Debug)]
pub struct Center {
    running: Running,
    /// What `aldis serve --output json` said when it was ready.
    pub ready: Value,
}

impl Center {
    pub(crate) fn start(machine: &Machine, words: &[&str]) -> Self {
        Self::from_run(machine.aldis(words))
    }

    /// Starts a command line that ends in a ready line.
    pub fn from_run(run: Run<'_>) -> Self {
        let mut running = run.start();
        let ready = running.wait_for("the ready line", |line| {
            serde_json::from_str::<Value>(line).ok().filter(|object| object["url"].is_string())
        });
        Self { running, ready }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap_or_else(|| panic!("no url in {}", self.ready))
    }

    /// Its own start URL.
    pub fn start_url(&self) -> &str {
        self.ready["start_url"].as_str().unwrap_or_else(|| panic!("no start_url in {}", self.ready))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        let port = self.url().rsplit(':').next().and_then(|port| port.parse().ok());
        port.unwrap_or_else(|| panic!("no port in {}", self.url()))
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Asks it to end, and waits.
    pub fn terminate(self) -> Outcome {
        self.running.signal("TERM");
        self.running.finish()
    }

    /// Ends it without asking.
    pub fn kill(self) -> Outcome {
        self.running.signal("KILL");
        self.running.finish()
    }
}
