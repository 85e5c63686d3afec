//! Processes that belong together, and their end.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::PATIENCE;

/// What a leader leads. The value is its place in `/proc/PID/stat` after the state (proc(5)).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Led {
    /// Its children.
    Children = 0,
    Group = 1,
    Session = 2,
}

/// Kills all of them, and waits until none is left: a signal takes a moment to end somebody.
pub(crate) fn kill(led: Led, leader: u32) {
    let end = Instant::now() + PATIENCE;
    loop {
        let left = running(led, leader);
        if left.is_empty() || Instant::now() > end {
            return;
        }
        let _ = Command::new("kill").arg("-KILL").args(left).stderr(Stdio::null()).status();
        thread::sleep(Duration::from_millis(1));
    }
}

/// The children of a process.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    running(Led::Children, parent).iter().filter_map(|id| id.parse().ok()).collect()
}

/// Gives a program that brought another one to a place the time to take it away, now that it is killed: an orphan keeps its place
/// from ending until somebody far above takes it.
pub(crate) fn let_end(child: &mut Child) {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end && child.try_wait().is_ok_and(|ended| ended.is_none()) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Those that have not ended.
fn running(led: Led, leader: u32) -> Vec<String> {
    let leader = leader.to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_it = entries.filter_map(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name, in brackets, may hold anything.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let has_ended = matches!(fields.next()?, "Z" | "X");
        let led_by = fields.nth(led as usize)?;
        (!has_ended && led_by == leader).then(|| entry.file_name().to_string_lossy().into_owned())
    });
    of_it.collect()
}
