//! The cool-down: a tool that calls for a sign-in in a loop, with nobody there to answer, must not send a code a minute to the
//! center, or to the phone of somebody who might approve one only to be left alone.
//!
//! Each sign-in that is begun without a terminal makes a mark in our own state when it first shows something, so that one that
//! is killed counts, too; the mark moves to its end when it ends unanswered. An answer, a yes or a no, clears all marks of the
//! session, wherever it was given. Where nothing can be kept, nothing is counted and nobody is held back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use outside::Clock;
use outside::state::StateFile;

use crate::flow::after;

/// So many sign-ins without an answer start a cool-down.
const MOST_UNANSWERED: usize = 3;
/// Within so many seconds.
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// How long it lasts, counted from the last of them.
const COOL_DOWN: Duration = Duration::from_secs(600);
/// How long another process may take for its own mark.
const PATIENCE: Duration = Duration::from_secs(1);

/// Until when nobody may begin a sign-in without a terminal; nothing where one may. A mark of the future is one of a clock that
/// was set back since, and says nothing.
fn held_back_until(marks: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
    let mut marks: Vec<Timestamp> = marks.iter().copied().filter(|mark| *mark <= now).collect();
    marks.sort();
    let last = marks.rchunks(MOST_UNANSWERED).next()?;
    let (first, latest) = (last.first()?, last.last()?);
    let are_close = last.len() == MOST_UNANSWERED && latest.duration_since(*first) <= WINDOW;
    let until = after(*latest, COOL_DOWN);
    (are_close && now < until).then_some(until)
}

/// The marks of a file. What is no mark is none: nobody is held back by a file that was damaged.
fn parse(text: &str) -> Vec<Timestamp> {
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// The last marks that count, a line each.
fn to_text(marks: &[Timestamp]) -> String {
    let last = marks.rchunks(MOST_UNANSWERED).next().unwrap_or_default();
    last.iter().map(|mark| format!("{mark}\n")).collect()
}

/// How a sign-in ended, as far as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Somebody said yes or no.
    Answered,
    /// Nobody said anything in time, or it was broken off.
    Unanswered,
    /// It waits for a later command, so that its mark stays.
    LeftPending,
    /// It could not be answered.
    Otherwise,
}

/// The marks of one session.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Nowhere where there is no place for state.
    file: Option<StateFile>,
    /// Whether this sign-in is one that counts.
    counts: bool,
    clock: Clock,
    /// The mark of this sign-in.
    own: Option<Timestamp>,
}

impl Tally {
    /// The tally in that file. Only a sign-in without a terminal `counts`.
    pub(crate) fn new(file: Option<StateFile>, counts: bool, clock: &Clock) -> Self {
        Self { file, counts, clock: clock.clone(), own: None }
    }

    /// Until when this sign-in may not begin; nothing where it may.
    pub(crate) fn held_back_until(&self) -> Option<Timestamp> {
        let file = self.file.as_ref().filter(|_| self.counts)?;
        let text = file.read().ok()??;
        held_back_until(&parse(&text), self.clock.now())
    }

    /// The person has been shown something to answer.
    pub(crate) fn begun(&mut self) {
        if self.counts && self.own.is_none() {
            let now = self.clock.now();
            self.own = Some(now);
            self.change(|marks| marks.push(now));
        }
    }

    /// It is over.
    pub(crate) fn over(&mut self, how: Ended) {
        let (own, now) = (self.own.take(), self.clock.now());
        match how {
            Ended::Answered => self.change(Vec::clear),
            Ended::Unanswered if own.is_some() => self.change(|marks| {
                marks.retain(|mark| Some(*mark) != own);
                marks.push(now);
            }),
            Ended::Otherwise if own.is_some() => self.change(|marks| marks.retain(|mark| Some(*mark) != own)),
            Ended::Unanswered | Ended::LeftPending | Ended::Otherwise => {}
        }
    }

    /// Changes the marks. What cannot be kept is not counted.
    fn change(&self, change: impl FnOnce(&mut Vec<Timestamp>)) {
        let Some(file) = &self.file else { return };
        // There is nothing to clear, so nothing is made either.
        let before = file.read().ok().flatten();
        if before.is_none() && self.own.is_none() {
            return;
        }
        // Whoever does not get the lock may lose a mark, which lets somebody in sooner.
        let _lock = file.lock(PATIENCE);
        let text = file.read().ok().flatten().unwrap_or_default();
        let mut marks = parse(&text);
        change(&mut marks);
        let _ = if marks.is_empty() { file.remove() } else { file.keep(to_text(&marks).as_bytes()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outside::state::StateFolder;

    fn at(seconds: i64) -> Timestamp {
        "2026-11-25T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn three_within_ten_minutes_hold_back_for_ten_minutes() {
        let table: [(&str, &[i64], i64, Option<i64>); 12] = [
            ("nothing is known", &[], 0, None),
            ("two are none too many", &[0, 10], 20, None),
            ("three are", &[0, 10, 20], 21, Some(620)),
            ("in whatever order they stand", &[20, 0, 10], 21, Some(620)),
            ("to the last second", &[0, 10, 20], 619, Some(620)),
            ("and no longer", &[0, 10, 20], 620, None),
            ("ten minutes are within ten minutes", &[0, 1, 600], 601, Some(1200)),
            ("a second more is not", &[0, 1, 601], 602, None),
            ("the last three count", &[-900, 0, 10, 20], 30, Some(620)),
            ("one after a cool-down does not start the next", &[0, 10, 20, 700], 710, None),
            ("a clock that was set back locks nobody out", &[9000, 9010, 9020], 0, None),
            ("and what it does not know yet does not count", &[0, 10, 9020], 20, None),
        ];
        for (what, marks, now, until) in table {
            let marks: Vec<Timestamp> = marks.iter().copied().map(at).collect();
            assert_eq!(held_back_until(&marks, at(now)), until.map(at), "{what}");
        }
    }

    #[test]
    fn what_is_no_mark_in_a_file_is_passed_over() {
        let text = format!("{}\n\u{0}\u{0}garbage\n{}\n2026-11-2", at(0), at(10));
        assert_eq!(parse(&text), [at(0), at(10)]);
        assert_eq!(parse(&to_text(&[at(0), at(1), at(2), at(3)])), [at(1), at(2), at(3)]);
    }

    #[test]
    fn marks_are_made_moved_and_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(folder.path().join("aldis")).unwrap();
        let file = state.file("unanswered/dev.txt");
        let clock = Clock::movable();
        let tally = |counts| Tally::new(Some(file.clone()), counts, &clock);
        for how in [Ended::Unanswered, Ended::Otherwise, Ended::Unanswered] {
            let mut tally = tally(true);
            tally.begun();
            tally.begun();
            clock.advance(1);
            tally.over(how);
        }
        assert_eq!(tally(true).held_back_until(), None);
        // Killed: it never says that it is over.
        tally(true).begun();
        clock.advance(1);
        assert!(tally(true).held_back_until().is_some());
        assert_eq!(tally(false).held_back_until(), None, "a person at a terminal");
        tally(false).begun();
        tally(false).over(Ended::Unanswered);
        assert!(tally(true).held_back_until().is_some());
        tally(false).over(Ended::Answered);
        assert_eq!(tally(true).held_back_until(), None);
        assert!(!file.exists());
        let mut nowhere = Tally::new(None, true, &clock);
        nowhere.begun();
        nowhere.over(Ended::Unanswered);
        assert_eq!(nowhere.held_back_until(), None);
    }
}
