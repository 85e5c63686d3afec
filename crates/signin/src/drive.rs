//! Turns a stepper until it is done: the one loop of the client. It waits on one channel, on which answers of the center
//! and signals arrive, with the nearest deadline; calls run in threads of their own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use jiff::Timestamp;
use outside::Clock;
use outside::clock::until;
use outside::signals::Watch;

use crate::flow::device::{DeviceFlow, left};
use crate::flow::{Action, Call, Deed, Event, FlowError, Granted, after};
use crate::progress::{Progress, Watcher};

/// How long to wait where nothing is due: somebody else's event ends the wait.
const IDLE: Duration = Duration::from_secs(60);

/// What the driver needs of the world.
pub(crate) struct Crew<'a> {
    /// The time.
    pub(crate) clock: &'a Clock,
    /// Asks the center; called in a thread of its own.
    pub(crate) ask: Arc<dyn Fn(Call) -> Event + Send + Sync>,
    /// Does something on this machine, and says what is to be told of it.
    pub(crate) act: &'a mut dyn FnMut(Deed) -> Option<Progress>,
    /// Is told.
    pub(crate) watcher: &'a mut dyn Watcher,
}

/// Turns a flow until it is done. While it turns, Ctrl-C and its like end it.
pub(crate) fn drive(flow: DeviceFlow, crew: &mut Crew<'_>) -> Result<Granted, FlowError> {
    let (sender, receiver) = channel();
    let heard = sender.clone();
    // Without a watch a signal ends the process at once, which harms nothing: files are replaced in one step.
    let _watch = Watch::start(move |ending| {
        let _ = heard.send(Event::Ending(ending));
    });
    turn(flow, crew, sender, &receiver)
}

fn turn(
    mut flow: DeviceFlow,
    crew: &mut Crew<'_>,
    sender: Sender<Event>,
    receiver: &Receiver<Event>,
) -> Result<Granted, FlowError> {
    let mut event = Event::Begin;
    let mut beat_at = None;
    loop {
        for action in flow.on(event, crew.clock.now()) {
            match action {
                Action::Call(call) => {
                    let (ask, sender) = (Arc::clone(&crew.ask), sender.clone());
                    std::thread::spawn(move || {
                        // Nobody listens any more when the flow has ended meanwhile.
                        let _ = sender.send(ask(call));
                    });
                }
                Action::Do(deed) => {
                    if let Some(progress) = (crew.act)(deed) {
                        crew.watcher.told(progress);
                    }
                }
                Action::Tell(progress) => crew.watcher.told(progress),
                Action::End(result) => return result,
            }
        }
        event = next_event(&flow, crew, receiver, &mut beat_at);
    }
}

fn next_event(
    flow: &DeviceFlow,
    crew: &mut Crew<'_>,
    receiver: &Receiver<Event>,
    beat_at: &mut Option<Timestamp>,
) -> Event {
    loop {
        let now = crew.clock.now();
        if beat_at.is_none_or(|moment| moment <= now) {
            *beat_at = crew.watcher.beat().map(|beat| after(now, beat));
            if let (Some(_), Some(left)) = (*beat_at, left(flow, now)) {
                crew.watcher.told(Progress::Waiting { left });
            }
        }
        let wait = match flow.wake_at() {
            Some(moment) if moment <= now => Duration::ZERO,
            Some(moment) => until(now, moment),
            None => IDLE,
        };
        let wait = beat_at.map_or(wait, |moment| wait.min(until(now, moment)));
        match receiver.recv_timeout(crew.clock.slice(wait)) {
            Ok(event) => return event,
            Err(RecvTimeoutError::Timeout) => {}
            // The driver holds a sender itself, so the channel cannot close.
            Err(RecvTimeoutError::Disconnected) => {}
        }
        if flow.wake_at().is_some_and(|moment| moment <= crew.clock.now()) {
            return Event::Woke;
        }
    }
}
