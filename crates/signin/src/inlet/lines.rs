//! Answers as lines of standard input, where a program and no person is at the other end: each line is an address on which a
//! browser ended, in any dress.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wire::Secret;

use crate::drive::News;
use crate::flow::Event;
use crate::inlet::keys::{Given, LONGEST, Reader};
use crate::progress::Progress;

/// Standard input, which is read by one thread as long as the process lives; who takes its lines changes.
#[derive(Default)]
pub(crate) struct Lines {
    is_read: bool,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    by: Option<Taker>,
    /// What came while nobody took it.
    before: VecDeque<Secret>,
    /// Nothing more comes.
    is_over: bool,
}

/// Somebody who takes lines.
struct Taker {
    reader: Reader,
    is_only_way: bool,
    news: Sender<News>,
}

impl Lines {
    /// From now on `reader` reads each line. `is_only_way` says that nothing can finish the sign-in once they have ended.
    pub(crate) fn listen(&mut self, reader: Reader, is_only_way: bool, news: Sender<News>) {
        let taker = Taker { reader, is_only_way, news };
        {
            let mut taken = lock(&self.taken);
            taken.before.drain(..).for_each(|line| taker.take(Some(&line)));
            if taken.is_over {
                taker.take(None);
            }
            taken.by = Some(taker);
        }
        if !std::mem::replace(&mut self.is_read, true) {
            let taken = Arc::clone(&self.taken);
            // Without a thread that reads the input is as good as over.
            if outside::lines::listen(LONGEST, move |line| lock(&taken).on(line)).is_err() {
                lock(&self.taken).on(None);
            }
        }
    }

    /// Nobody takes them for a while.
    pub(crate) fn rest(&self) {
        lock(&self.taken).by = None;
    }
}

impl Taken {
    fn on(&mut self, line: Option<Secret>) {
        self.is_over |= line.is_none();
        match (&self.by, line) {
            (Some(taker), line) => taker.take(line.as_ref()),
            (None, line) => self.before.extend(line),
        }
    }
}

impl Taker {
    fn take(&self, line: Option<&Secret>) {
        let said = match line {
            Some(line) if line.expose().trim().is_empty() => return,
            Some(line) => match (self.reader)(line.expose(), Given::Whole) {
                Ok(event) => News::Event(event),
                Err(trouble) => News::Progress(Progress::NotTaken { why: trouble.why }),
            },
            None if self.is_only_way => News::Event(Event::InputEnded),
            None => return,
        };
        let _ = self.news.send(said);
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}
