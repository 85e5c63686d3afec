//! Answers as lines of standard input, where a program and no person is at the other end: each line is an address on which a
//! browser ended, in any dress.

use std::sync::mpsc::Sender;

use crate::drive::News;
use crate::flow::Event;
use crate::inlet::keys::{LONGEST, Reader};
use crate::progress::Progress;

/// Reads lines until their end. `is_only_way` says that nothing can finish the sign-in once they have ended.
pub(crate) fn listen(reader: Reader, is_only_way: bool, news: Sender<News>) {
    let end = move |news: &Sender<News>| {
        if is_only_way {
            let _ = news.send(News::Event(Event::InputEnded));
        }
    };
    let heard = news.clone();
    let listening = outside::lines::listen(LONGEST, move |line| {
        let said = match line {
            Some(line) if line.expose().trim().is_empty() => return,
            Some(line) => match reader(line.expose()) {
                Ok(answer) => News::Event(Event::Arrived(answer)),
                Err(trouble) => News::Progress(Progress::NotTaken { why: trouble.why }),
            },
            None => return end(&heard),
        };
        let _ = heard.send(said);
    });
    // Without a thread that listens the input is as good as over.
    if listening.is_err() {
        end(&news);
    }
}
