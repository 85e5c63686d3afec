//! Turns a stepper until it is done: the one loop of the client. It waits on one channel, on which answers of the center, a
//! browser's answer and signals arrive, with the nearest deadline; calls run in threads of their own, and none of them outlives
//! the sign-in but for Ctrl-C and its like, which end the process.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use jiff::Timestamp;
use outside::Clock;
use outside::clock::until;
use outside::keys::Loan;
use outside::panics;
use outside::signals::{self, Ending, Heard, Watch};
use wire::oidc::CreateTokenResponse;

use crate::flow::{Action, Call, Deed, Event, Flow, FlowError, Granted, after};
use crate::progress::{Progress, Watcher};

/// How long to wait where nothing is due: somebody else's event ends the wait.
const IDLE: Duration = Duration::from_secs(60);
/// How often to look at others that take part in the sign-in.
const LOOK: Duration = Duration::from_millis(250);
/// How long a signal may take that was sent as the input was closed.
const MOMENT: Duration = Duration::from_millis(250);
/// How long a call that is still under way at the end is waited for: a call's own time-out, and some.
const LAST_CALLS: Duration = Duration::from_secs(20);

/// What may arrive while a flow turns.
#[derive(Debug)]
pub(crate) enum News {
    /// Something for the flow.
    Event(Event),
    /// Something for the watcher.
    Progress(Progress),
    /// A signal.
    Signal(Heard),
}

/// Where news arrive.
pub(crate) struct Inbox {
    sender: Sender<News>,
    receiver: Receiver<News>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver }
    }

    /// A hand that puts news in, on any thread. Nobody listens any more when the flow has ended.
    pub(crate) fn sender(&self) -> Sender<News> {
        self.sender.clone()
    }
}

/// What the driver needs of the world.
pub(crate) struct Crew<'a> {
    /// The time.
    pub(crate) clock: &'a Clock,
    /// Asks the center; called in a thread of its own.
    pub(crate) ask: Arc<dyn Fn(Call) -> Event + Send + Sync>,
    /// Does something on this machine, and says what is to be told of it.
    pub(crate) act: &'a mut dyn FnMut(Deed) -> Option<Progress>,
    /// Gives a token back that came when the sign-in was over already.
    pub(crate) revoke: &'a dyn Fn(CreateTokenResponse),
    /// Is told.
    pub(crate) watcher: &'a mut dyn Watcher,
    /// Lends the terminal to the shell while the process is stopped, where keys are listened to.
    pub(crate) loan: Option<Loan>,
    /// Looks at others that take part in the same sign-in, where there may be some. Where that says that there is something more
    /// important than to go on, the flow is left as it is, as soon as no call is under way: what one brings must not be lost.
    pub(crate) look: Option<&'a mut dyn FnMut() -> bool>,
}

/// Turns a flow until it is done. While it turns, Ctrl-C and its like end it, and Ctrl-Z stops it for a while.
pub(crate) fn drive(flow: &mut dyn Flow, crew: &mut Crew<'_>, inbox: &Inbox) -> Result<Granted, FlowError> {
    let heard = inbox.sender();
    // Without a watch a signal ends the process at once, which harms nothing: files are replaced in one step.
    let _watch = Watch::with_suspension(move |signal| {
        let _ = heard.send(News::Signal(signal));
    });
    let mut calls = 0;
    let mut result = turn(flow, crew, inbox, &mut calls);
    if let Err(FlowError::InputEnded) = result
        && let Some(ending) = ending_to_come(crew, inbox, &mut calls)
    {
        result = Err(FlowError::Cancelled(ending));
    }
    if !matches!(result, Err(FlowError::Cancelled(_))) {
        await_last_calls(crew, inbox, calls);
    }
    result
}

/// Turns the flow; `under_way` counts the calls that have not come back.
fn turn(
    flow: &mut dyn Flow,
    crew: &mut Crew<'_>,
    inbox: &Inbox,
    under_way: &mut usize,
) -> Result<Granted, FlowError> {
    let mut event = Event::Begin;
    let mut times = Times::default();
    loop {
        if crew.watcher.cannot_show() {
            return Err(FlowError::Unseen);
        }
        for action in flow.on(event, crew.clock.now()) {
            match action {
                Action::Call(call) => {
                    let (ask, sender) = (Arc::clone(&crew.ask), inbox.sender());
                    *under_way += 1;
                    let unanswered = call.clone();
                    std::thread::spawn(move || {
                        // Without an answer the flow would wait for it for ever.
                        let answer = panics::catch(|| ask(call))
                            .unwrap_or_else(|panicked| unanswered.panicked(panicked));
                        let _ = sender.send(News::Event(answer));
                    });
                }
                Action::Do(deed) => {
                    if let Some(progress) = (crew.act)(deed) {
                        crew.watcher.told(progress);
                    }
                }
                Action::Tell(progress) => {
                    crew.watcher.told(progress);
                    if crew.watcher.cannot_show() {
                        return Err(FlowError::Unseen);
                    }
                }
                Action::End(result) => return result,
            }
        }
        let is_idle = *under_way == 0;
        event = next_event(flow, crew, inbox, &mut times, is_idle).ok_or(FlowError::Company)?;
        *under_way -= usize::from(event.is_answer_of_a_call());
    }
}

/// When to do what is done again and again.
#[derive(Default)]
struct Times {
    beat_at: Option<Timestamp>,
    look_at: Option<Timestamp>,
}

/// What happens next to the flow; nothing where it is to be left, which it is only if it is `idle`.
fn next_event(
    flow: &mut dyn Flow,
    crew: &mut Crew<'_>,
    inbox: &Inbox,
    times: &mut Times,
    is_idle: bool,
) -> Option<Event> {
    loop {
        let now = crew.clock.now();
        let Times { beat_at, look_at } = &mut *times;
        if beat_at.is_none_or(|moment| moment <= now) {
            *beat_at = crew.watcher.beat().map(|beat| after(now, beat));
            if let (Some(_), Some(end)) = (*beat_at, flow.expires_at()) {
                crew.watcher.told(Progress::Waiting { left: until(now, end) });
            }
        }
        let mut is_left = false;
        if let Some(look) = &mut crew.look {
            let next = after(now, LOOK);
            // One that lies further ahead is of before the clock was set back.
            if look_at.is_none_or(|moment| moment <= now || moment > next) {
                *look_at = Some(next);
                is_left = look() && is_idle;
            }
        }
        let wait = match flow.wake_at() {
            Some(moment) if moment <= now => Duration::ZERO,
            Some(moment) => until(now, moment),
            None => IDLE,
        };
        let due = beat_at.iter().chain(look_at.iter()).map(|moment| until(now, *moment)).min();
        let wait = due.map_or(wait, |due| wait.min(due));
        let arrived = if is_left {
            // An answer that is here already would be lost; there may be a call for it.
            Ok(inbox.receiver.try_recv().ok()?)
        } else {
            inbox.receiver.recv_timeout(crew.clock.slice(wait))
        };
        match arrived {
            Ok(News::Event(event)) => return Some(event),
            Ok(News::Progress(progress)) => crew.watcher.told(progress),
            Ok(News::Signal(Heard::Ending(ending))) => return Some(Event::Ending(ending)),
            Ok(News::Signal(Heard::Suspend)) => {
                crew.watcher.told(Progress::Suspended);
                if let Some(loan) = &crew.loan {
                    loan.lend();
                }
                signals::suspend();
                // Also where nothing was stopped, for want of a shell.
                if let Some(loan) = &crew.loan {
                    loan.take_back();
                }
            }
            Ok(News::Signal(Heard::Resumed)) => {
                if let Some(loan) = &crew.loan {
                    loan.take_back();
                }
                crew.watcher.told(Progress::Resumed);
            }
            // The inbox holds a sender itself, so the channel cannot close.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if flow.wake_at().is_some_and(|moment| moment <= crew.clock.now()) {
            return Some(Event::Woke);
        }
    }
}

/// The signal of somebody who ends a process and closes its input: which of the two is heard first is up to the system.
fn ending_to_come(crew: &Crew<'_>, inbox: &Inbox, under_way: &mut usize) -> Option<Ending> {
    let end = after(crew.clock.now(), MOMENT);
    loop {
        let left = until(crew.clock.now(), end);
        match inbox.receiver.recv_timeout(crew.clock.slice(left)) {
            Ok(News::Signal(Heard::Ending(ending))) => return Some(ending),
            Ok(News::Event(event)) => take_late(crew, event, under_way),
            Ok(_) => {}
            Err(_) if left.is_zero() => return None,
            Err(_) => {}
        }
    }
}

/// Waits for the calls that were under way when the flow ended, and gives back what they bring. Ctrl-C ends the wait.
fn await_last_calls(crew: &mut Crew<'_>, inbox: &Inbox, mut under_way: usize) {
    let end = after(crew.clock.now(), LAST_CALLS);
    while under_way > 0 {
        let left = until(crew.clock.now(), end);
        if left.is_zero() {
            return;
        }
        match inbox.receiver.recv_timeout(crew.clock.slice(left)) {
            Ok(News::Event(event)) => take_late(crew, event, &mut under_way),
            Ok(News::Signal(Heard::Ending(_))) => return,
            _ => {}
        }
    }
}

/// Takes an event that comes after the flow has ended: the answer of a call is one fewer to wait for, and a token is given back.
fn take_late(crew: &Crew<'_>, event: Event, under_way: &mut usize) {
    *under_way -= usize::from(event.is_answer_of_a_call());
    if let Event::Polled(Ok(token)) | Event::Exchanged(Ok(token)) = event {
        (crew.revoke)(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use center_client::CallError;
    use center_client::refusal::{Meaning, Refusal};
    use wire::oidc::{CreateTokenResponse, OidcError, StartDeviceAuthorizationResponse};

    use crate::flow::Client;
    use crate::flow::device::DeviceFlow;
    use crate::flow::exposure::Exposure;

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
            via: None,
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
        let mut crew = Crew {
            clock,
            ask: Arc::new(ask),
            act: &mut act,
            revoke: &|_| {},
            watcher: &mut told,
            loan: None,
            look: None,
        };
        let inbox = Inbox::new();
        if let Some(ending) = ending {
            inbox.sender().send(News::Signal(Heard::Ending(ending))).unwrap();
        }
        let result = drive(&mut flow(), &mut crew, &inbox);
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
            _ => started(),
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
    fn a_call_whose_thread_panics_ends_the_flow() {
        for panics_at in ["start", "poll"] {
            let answer = move |call| match call {
                Call::Poll(..) if panics_at == "poll" => panic!("aoa-secret"),
                Call::StartDevice(_) if panics_at == "start" => panic!("aoa-secret"),
                _ => started(),
            };
            let error = turned(&Clock::system(), answer, None).0.unwrap_err();
            assert!(matches!(error, FlowError::Call(CallError::Internal { .. })), "{error}");
            let text = error.to_string();
            assert!(text.contains("signin/src/drive.rs:") && !text.contains("secret"), "{text}");
        }
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
            _ => started(),
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

    /// A flow that answers events and wants no time.
    struct Simple(fn(Event, Timestamp) -> Vec<Action>);

    impl Flow for Simple {
        fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
            self.0(event, now)
        }

        fn wake_at(&self) -> Option<Timestamp> {
            None
        }

        fn expires_at(&self) -> Option<Timestamp> {
            None
        }
    }

    /// Ends when the input does.
    fn listening(event: Event, _now: Timestamp) -> Vec<Action> {
        match event {
            Event::InputEnded => vec![Action::End(Err(FlowError::InputEnded))],
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_signal_that_comes_with_the_end_of_the_input_is_what_counts() {
        for ending in [Some(Ending::Terminate), Some(Ending::HangUp), None] {
            let (clock, mut told, inbox) = (Clock::system(), Told::default(), Inbox::new());
            inbox.sender().send(News::Event(Event::InputEnded)).unwrap();
            inbox.sender().send(News::Progress(Progress::Resumed)).unwrap();
            ending
                .into_iter()
                .for_each(|ending| inbox.sender().send(News::Signal(Heard::Ending(ending))).unwrap());
            let mut crew = Crew {
                clock: &clock,
                ask: Arc::new(|_| unreachable!()),
                act: &mut |_| None,
                revoke: &|_| {},
                watcher: &mut told,
                loan: None,
                look: None,
            };
            let error = drive(&mut Simple(listening), &mut crew, &inbox).unwrap_err();
            match ending {
                Some(ending) => assert!(matches!(error, FlowError::Cancelled(heard) if heard == ending)),
                None => assert!(matches!(error, FlowError::InputEnded)),
            }
        }
    }

    /// Polls, and ends as the input does.
    fn polling(event: Event, _now: Timestamp) -> Vec<Action> {
        let client = Client { id: "c".into(), secret: "s".into(), expires_at: Timestamp::MAX };
        match event {
            Event::Begin => vec![Action::Call(Call::Poll(client, "d".into()))],
            Event::InputEnded => vec![Action::End(Err(FlowError::InputEnded))],
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_token_that_comes_just_after_the_end_of_the_input_is_given_back_and_not_waited_for() {
        let (clock, mut told, inbox) = (Clock::system(), Told::default(), Inbox::new());
        inbox.sender().send(News::Event(Event::InputEnded)).unwrap();
        let revoked = Mutex::new(0);
        let mut crew = Crew {
            clock: &clock,
            ask: Arc::new(|_| {
                std::thread::park_timeout(Duration::from_millis(50));
                granted()
            }),
            act: &mut |_| None,
            revoke: &|_| *revoked.lock().unwrap() += 1,
            watcher: &mut told,
            loan: None,
            look: None,
        };
        let begun = clock.now();
        let error = drive(&mut Simple(polling), &mut crew, &inbox).unwrap_err();
        assert!(matches!(error, FlowError::InputEnded) && *revoked.lock().unwrap() == 1, "{error}");
        assert!(until(begun, clock.now()) < LAST_CALLS / 2, "the answer has come: nothing is waited for");
    }

    /// Asks twice, and is content with the first answer.
    fn hasty(event: Event, now: Timestamp) -> Vec<Action> {
        let client = Client { id: "c".into(), secret: "s".into(), expires_at: Timestamp::MAX };
        let poll = |code: &str| Action::Call(Call::Poll(client.clone(), code.into()));
        match event {
            Event::Begin => vec![poll("fast"), poll("slow")],
            Event::Polled(Ok(token)) => {
                let exposure = Exposure::Hidden;
                vec![Action::End(Ok(Granted { token, client, at: now, exposure }))]
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_token_that_comes_when_another_way_has_won_is_waited_for_and_given_back() {
        let (go, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let ask = move |call| {
            let Call::Poll(_, code) = call else { unreachable!() };
            if code.expose() == "slow" {
                // Until the first answer is in.
                gate.lock().unwrap().recv().unwrap();
            } else {
                go.send(()).unwrap();
            }
            Event::Polled(Ok(CreateTokenResponse {
                access_token: code,
                token_type: None,
                expires_in: 3600,
                refresh_token: None,
            }))
        };
        let given_back = Mutex::new(Vec::new());
        let revoke = |token: CreateTokenResponse| given_back.lock().unwrap().push(token.access_token);
        let (clock, mut told) = (Clock::system(), Told::default());
        let mut crew = Crew {
            clock: &clock,
            ask: Arc::new(ask),
            act: &mut |_| None,
            revoke: &revoke,
            watcher: &mut told,
            loan: None,
            look: None,
        };
        let granted = drive(&mut Simple(hasty), &mut crew, &Inbox::new()).unwrap();
        let given_back = given_back.into_inner().unwrap();
        assert_eq!(given_back.len(), 1, "one of the two");
        assert_ne!(given_back[0], granted.token.access_token);
    }
}
