//! Answers as lines of standard input, where a program and no person is at the other end: each line is an address on which a
//! browser ended, in any dress.

use std::io;
use std::sync::mpsc::Sender;

use crate::drive::News;
use crate::flow::Event;
use crate::inlet::keys::{LONGEST, Reader};
use crate::progress::Progress;

/// Reads lines until their end. `is_only_way` says that nothing can finish the sign-in once they have ended.
///
/// # Errors
/// When the system has no thread left.
pub(crate) fn listen(reader: Reader, is_only_way: bool, news: Sender<News>) -> io::Result<()> {
    outside::lines::listen(LONGEST, move |line| {
        let said = match line {
            Some(line) if line.expose().trim().is_empty() => return,
            Some(line) => match reader(line.expose()) {
                Ok(answer) => News::Event(Event::Arrived(answer)),
                Err(trouble) => News::Progress(Progress::NotTaken { why: trouble.why }),
            },
            None if is_only_way => News::Event(Event::InputEnded),
            None => return,
        };
        let _ = news.send(said);
    })
}
