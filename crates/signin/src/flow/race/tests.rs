//! The race as tables of events.

use jiff::SignedDuration;
use outside::http::HttpError;
use outside::signals::Ending;
use wire::authorize::Denial;
use wire::oidc::{CreateTokenResponse, StartDeviceAuthorizationResponse};

use super::*;
use crate::flow::pkce::Asking;
use crate::flow::{Call, Client, Deed};
use center_client::CallError;

fn at(seconds: i64) -> Timestamp {
    "2026-11-25T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn client(id: &str) -> Client {
    Client { id: id.into(), secret: "secret".into(), expires_at: at(7_776_000) }
}

fn race(first: Way) -> Race {
    let asking = Asking {
        authorize: "https://h/authorize".into(),
        scopes: None,
        redirect_uri: "http://127.0.0.1:1/oauth/callback".into(),
        state: "state".into(),
        short: None,
        opens_short: false,
        verifier: "verifier".into(),
    };
    let browser = PkceFlow::new(Some(client("b")), asking, false, false);
    Race::new(Some(browser), Some(DeviceFlow::new(Some(client("d")), None, false)), first)
}

fn token() -> CreateTokenResponse {
    CreateTokenResponse {
        access_token: "aoa".into(),
        token_type: None,
        expires_in: 3600,
        refresh_token: None,
    }
}

fn started() -> Event {
    Event::Started(Ok(StartDeviceAuthorizationResponse {
        device_code: "device".into(),
        user_code: "ABCD-EFGH".into(),
        verification_uri: "https://h/device".into(),
        verification_uri_complete: None,
        expires_in: 300,
        interval: Some(5),
    }))
}

fn failed() -> CallError {
    CallError::Http(HttpError::TimedOut { origin: "https://h".into(), via: None })
}

/// What actions amount to, in short words.
fn words(actions: &[Action]) -> String {
    let word = |action: &Action| match action {
        Action::Call(Call::StartDevice(_)) => "start".to_owned(),
        Action::Call(Call::Poll(..)) => "poll".to_owned(),
        Action::Call(Call::Exchange(_)) => "exchange".to_owned(),
        Action::Call(_) => "call".to_owned(),
        Action::Do(Deed::DropRegistration(grant)) => format!("drop:{grant:?}"),
        Action::Do(_) => "do".to_owned(),
        Action::Tell(Progress::CodesEnded) => "ended".to_owned(),
        Action::Tell(Progress::WayClosed { way, .. }) => format!("closed:{}", way.name()),
        Action::Tell(Progress::ActionRequired(crate::progress::Offer::Link(_))) => "link".to_owned(),
        Action::Tell(Progress::ActionRequired(_)) => "codes".to_owned(),
        Action::Tell(_) => "tell".to_owned(),
        Action::End(Ok(granted)) => format!("token:{}", granted.client.id),
        Action::End(Err(error)) => format!("end: {error}"),
    };
    actions.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn walk(first: Way, steps: Vec<(i64, Event, &str)>) {
    let mut race = race(first);
    for (place, (seconds, event, expected)) in steps.into_iter().enumerate() {
        let told = format!("{place}: {event:?}");
        assert_eq!(words(&race.on(event, at(seconds))), expected, "{told}");
    }
}

/// The link waits, and so does a code.
fn both_wait() -> Vec<(i64, Event, &'static str)> {
    vec![
        (0, Event::Begin, "link tell"),
        (1, Event::Wanted(Way::Code), "start"),
        (2, started(), "codes tell poll"),
    ]
}

#[test]
fn a_code_is_started_only_when_it_is_asked_for() {
    walk(
        Way::Open,
        vec![
            (0, Event::Begin, "link tell"),
            (1, Event::Woke, ""),
            (2, Event::Wanted(Way::Code), "start"),
            (2, Event::Wanted(Way::Code), ""),
            (3, started(), "codes tell poll"),
        ],
    );
    walk(
        Way::Code,
        vec![
            (0, Event::Begin, "start"),
            (1, started(), "codes tell poll"),
            (2, Event::Wanted(Way::Paste), "link tell"),
            (2, Event::Wanted(Way::Paste), ""),
        ],
    );
}

#[test]
fn each_way_wins_while_the_other_is_pending() {
    let mut by_browser = both_wait();
    by_browser.extend([
        (5, Event::Arrived(Ok("code".into())), "exchange"),
        (6, Event::Exchanged(Ok(token())), "token:b"),
    ]);
    walk(Way::Open, by_browser);
    let mut by_code = both_wait();
    by_code.push((5, Event::Polled(Ok(token())), "token:d"));
    walk(Way::Open, by_code);
}

#[test]
fn what_fails_closes_its_own_way_and_the_last_one_ends_it() {
    walk(
        Way::Open,
        vec![
            (0, Event::Begin, "link tell"),
            (1, Event::Wanted(Way::Code), "start"),
            (2, Event::Started(Err(failed())), "closed:code"),
            (601, Event::Woke, "drop:AuthorizationCode end: the sign-in was not finished in the browser"),
        ],
    );
    let mut one_fails = both_wait();
    one_fails.extend([
        (3, Event::Arrived(Ok("code".into())), "exchange"),
        (4, Event::Exchanged(Err(failed())), "drop:AuthorizationCode closed:open"),
        (5, Event::Polled(Ok(token())), "token:d"),
    ]);
    walk(Way::Open, one_fails);
    walk(
        Way::Open,
        vec![
            (0, Event::Begin, "link tell"),
            (1, Event::Exchanged(Err(failed())), ""),
            (601, Event::Woke, "drop:AuthorizationCode end: the sign-in was not finished in the browser"),
        ],
    );
}

#[test]
fn codes_that_ended_can_be_had_anew_as_long_as_the_link_lives() {
    let mut steps = both_wait();
    steps.extend([
        (3, Event::Polled(Err(failed())), "tell"),
        (301, Event::Woke, "ended"),
        (302, Event::Woke, ""),
        (303, Event::Wanted(Way::Code), "start"),
        (304, started(), "codes tell poll"),
        (305, Event::Polled(Ok(token())), "token:d"),
    ]);
    walk(Way::Open, steps);
    let expired = vec![
        (0, Event::Begin, "start"),
        (1, started(), "codes tell poll"),
        (2, Event::Polled(Err(failed())), "tell"),
        (301, Event::Woke, "end: the code expired before it was approved"),
    ];
    walk(Way::Code, expired);
}

#[test]
fn a_no_and_an_end_end_both() {
    let denial = Denial { error: "access_denied".into(), description: None };
    let mut denied = both_wait();
    let end = "drop:AuthorizationCode end: the center refused: access_denied";
    denied.push((3, Event::Arrived(Err(denial)), end));
    walk(Way::Open, denied);
    walk(
        Way::Open,
        vec![
            (0, Event::Begin, "link tell"),
            (1, Event::Wanted(Way::Code), "start"),
            (2, Event::Ending(Ending::Interrupt), "drop:AuthorizationCode end: cancelled end: cancelled"),
        ],
    );
    walk(
        Way::Code,
        vec![(0, Event::Begin, "start"), (2, Event::Ending(Ending::Interrupt), "end: cancelled")],
    );
}

#[test]
fn it_wakes_for_the_nearest_and_lasts_as_long_as_the_longest() {
    let mut race = race(Way::Open);
    race.on(Event::Begin, at(0));
    assert_eq!((race.wake_at(), race.expires_at()), (Some(at(600)), Some(at(600))));
    race.on(Event::Wanted(Way::Code), at(400));
    race.on(started(), at(400));
    race.on(Event::Polled(Err(failed())), at(401));
    assert_eq!((race.wake_at(), race.expires_at()), (Some(at(411)), Some(at(700))));
}

#[test]
fn a_command_that_does_not_wait_ends_when_something_is_shown_and_does_not_poll() {
    use crate::flow::under_way::Shared;

    let mut flow = Shared::new(race(Way::Code), UnderWay::default()).leaving_pending(true);
    flow.on(Event::Begin, at(0));
    let actions = flow.on(started(), at(1));
    assert!(matches!(actions.first(), Some(Action::Do(Deed::Share(_)))), "kept before it is shown");
    assert!(!actions.iter().any(|action| matches!(action, Action::Call(Call::Poll(..)))), "{actions:?}");
    assert!(matches!(actions.last(), Some(Action::End(Err(FlowError::LeftPending)))), "{actions:?}");
    let mut waits = Shared::new(race(Way::Code), UnderWay::default());
    waits.on(Event::Begin, at(0));
    assert!(waits.on(started(), at(1)).iter().any(|action| matches!(action, Action::Call(Call::Poll(..)))));
}
