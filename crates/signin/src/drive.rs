//! Turns a stepper until it is done: the one loop of the client. It waits on one channel, on which answers of the
//! center and signals arrive, with the nearest deadline; calls run in threads of their own.

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use center_client::CallError;
    use center_client::refusal::{Meaning, Refusal};
    use outside::signals::Ending;
    use wire::oidc::{CreateTokenResponse, OidcError, StartDeviceAuthorizationResponse};

    use crate::flow::Client;

    #[derive(Default)]
    struct Told(Vec<Progress>);

    impl Watcher for Told {
        fn told(&mut self, progress: Progress) {
            self.0.push(progress);
        }

        fn beat(&self) -> Option<Duration> {
            Some(Duration::from_millis(5))
        }
    }

    fn started() -> Event {
        Event::Started(Ok(StartDeviceAuthorizationResponse {
            device_code: "device".into(),
            user_code: "ABCD-EFGH".into(),
            verification_uri: "https://h/device".into(),
            verification_uri_complete: None,
            expires_in: 600,
            interval: Some(5),
        }))
    }

    fn pending() -> Event {
        Event::Polled(Err(CallError::Refused(Box::new(Refusal {
            operation: "CreateToken",
            origin: "https://h".into(),
            meaning: Meaning::Oidc(OidcError::AuthorizationPending),
            status: 400,
            name: None,
            message: None,
            retry_after: None,
        }))))
    }

    fn granted() -> Event {
        Event::Polled(Ok(CreateTokenResponse {
            access_token: "aoa".into(),
            token_type: None,
            expires_in: 3600,
            refresh_token: None,
        }))
    }

    fn flow() -> DeviceFlow {
        let client = Client { id: "c".into(), secret: "s".into(), expires_at: Timestamp::MAX };
        DeviceFlow::new(Some(client), None, true)
    }

    /// Turns the flow on a clock that anybody may move; `ask` answers the calls.
    fn turned(
        clock: &Clock,
        ask: impl Fn(Call) -> Event + Send + Sync + 'static,
        ending: Option<Ending>,
    ) -> (Result<Granted, FlowError>, Vec<Progress>, Vec<Deed>) {
        let (mut told, deeds) = (Told::default(), Mutex::new(Vec::new()));
        let mut act = |deed| {
            deeds.lock().unwrap().push(deed);
            Some(Progress::BrowserNotOpened { why: "no browser found".into() })
        };
        let mut crew = Crew { clock, ask: Arc::new(ask), act: &mut act, watcher: &mut told };
        let (sender, receiver) = channel();
        if let Some(ending) = ending {
            sender.send(Event::Ending(ending)).unwrap();
        }
        let result = turn(flow(), &mut crew, sender, &receiver);
        (result, told.0, deeds.into_inner().unwrap())
    }

    #[test]
    fn polls_on_a_clock_that_is_moved_until_there_is_a_token() {
        let clock = Clock::movable();
        let (moved, polls) = (clock.clone(), AtomicU32::new(0));
        let answer = move |call| match call {
            Call::Poll(..) if polls.fetch_add(1, Ordering::SeqCst) < 2 => {
                moved.advance(5);
                pending()
            }
            Call::Poll(..) => granted(),
            Call::StartDevice(_) | Call::Register => started(),
        };
        // The clock moves while a poll is under way, so each pause of five seconds begins after that; move it on.
        let mover = clock.clone();
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(1)).is_err() {
                mover.advance(1);
            }
        });
        let (result, told, deeds) = turned(&clock, answer, None);
        stop.send(()).unwrap();
        thread.join().unwrap();
        assert_eq!(result.unwrap().client.id, "c");
        assert!(matches!(told.first(), Some(Progress::ActionRequired(_))), "{told:?}");
        assert!(told.iter().any(|progress| matches!(progress, Progress::BrowserNotOpened { .. })));
        assert!(told.iter().any(|progress| matches!(progress, Progress::Waiting { .. })));
        assert_eq!(deeds, [Deed::OpenBrowser("https://h/device".into())]);
    }

    #[test]
    fn ends_with_the_codes_when_the_clock_is_moved_past_them() {
        let clock = Clock::movable();
        let moved = clock.clone();
        let answer = move |call| match call {
            Call::Poll(..) => {
                moved.advance(600);
                pending()
            }
            Call::StartDevice(_) | Call::Register => started(),
        };
        assert!(matches!(turned(&clock, answer, None).0, Err(FlowError::Expired)));
    }

    #[test]
    fn ends_at_once_on_a_signal_whatever_is_under_way() {
        let answer = |_| {
            std::thread::park_timeout(Duration::from_secs(5));
            pending()
        };
        let (result, ..) = turned(&Clock::system(), answer, Some(Ending::Interrupt));
        assert!(matches!(result, Err(FlowError::Cancelled(Ending::Interrupt))));
    }
}
