//! Committed audit entries, as a signal to those who follow the log.

use tokio::sync::watch;

/// The last committed position of the audit log, as far as this process knows.
#[derive(Debug)]
pub(crate) struct Live(watch::Sender<i64>);

impl Live {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Entries up to `position` can be read from now on.
    pub(crate) fn committed(&self, position: i64) {
        self.0.send_if_modified(|last| {
            let is_later = position > *last;
            *last = position.max(*last);
            is_later
        });
    }

    /// Follows the log: read what there is, then wait for a change, and so on.
    pub(crate) fn follow(&self) -> watch::Receiver<i64> {
        self.0.subscribe()
    }
}
