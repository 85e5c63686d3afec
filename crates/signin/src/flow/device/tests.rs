//! The device flow as tables of events.

use center_client::refusal::Refusal;
use jiff::SignedDuration;
use outside::http::HttpError;
use outside::signals::Ending;
use wire::oidc::RegisterClientResponse;

use super::*;

fn at(seconds: i64) -> Timestamp {
    "2026-11-23T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn client(id: &str) -> Client {
    Client { id: id.into(), secret: "secret".into(), expires_at: at(7_776_000) }
}

fn refused(meaning: Meaning, status: u16, retry_after: Option<u64>) -> CallError {
    CallError::Refused(Box::new(Refusal {
        operation: "CreateToken",
        origin: "https://h".into(),
        meaning,
        status,
        name: None,
        message: None,
        retry_after: retry_after.map(Duration::from_secs),
        via: None,
    }))
}

fn no(error: OidcError) -> CallError {
    refused(Meaning::Oidc(error), error.status(), None)
}

fn timed_out() -> CallError {
    CallError::Http(HttpError::TimedOut { origin: "https://h".into(), via: None })
}

fn token() -> CreateTokenResponse {
    CreateTokenResponse {
        access_token: "aoa".into(),
        token_type: Some("Bearer".into()),
        expires_in: 3600,
        refresh_token: Some("aor".into()),
    }
}

fn codes(interval: Option<i64>, expires_in: i64) -> StartDeviceAuthorizationResponse {
    StartDeviceAuthorizationResponse {
        device_code: "device".into(),
        user_code: "ABCD-EFGH".into(),
        verification_uri: "https://h/device".into(),
        verification_uri_complete: Some("https://h/device?user_code=ABCD-EFGH".into()),
        expires_in,
        interval,
    }
}

/// What actions amount to, in short words.
fn words(actions: &[Action]) -> String {
    let word = |action: &Action| match action {
        Action::Call(Call::Register(_)) => "register".to_owned(),
        Action::Call(Call::StartDevice(client)) => format!("start:{}", client.id),
        Action::Call(Call::Poll(client, _)) => format!("poll:{}", client.id),
        Action::Do(Deed::KeepRegistration(_, client)) => format!("keep:{}", client.id),
        Action::Do(Deed::DropRegistration(_)) => "drop".to_owned(),
        Action::Do(Deed::OpenBrowser(page)) => format!("open:{page}"),
        Action::Tell(Progress::ActionRequired(Offer::Codes(codes))) => format!("show:{}", codes.user_code),
        Action::Tell(Progress::SlowedDown { interval }) => format!("slower:{}", interval.as_secs()),
        Action::Tell(Progress::Trouble { pause, .. }) => format!("trouble:{}", pause.as_secs()),
        Action::Tell(Progress::RegistrationRenewed) => "renewed".to_owned(),
        Action::Tell(Progress::Waiting { left }) => format!("wait:{}", left.as_secs()),
        Action::Tell(other) => format!("{other:?}"),
        Action::End(Ok(granted)) => format!("granted:{}", granted.client.id),
        Action::End(Err(FlowError::Denied)) => "denied".to_owned(),
        Action::End(Err(FlowError::Expired)) => "expired".to_owned(),
        Action::End(Err(FlowError::Cancelled(_))) => "cancelled".to_owned(),
        Action::End(Err(FlowError::Call(_))) => "failed".to_owned(),
        other => format!("{other:?}"),
    };
    actions.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A flow whose codes are shown (asked for at 0, come at 1), with its first poll under way.
fn polling(interval: Option<i64>) -> DeviceFlow {
    let mut flow = DeviceFlow::new(Some(client("c1")), None, false);
    assert_eq!(words(&flow.on(Event::Begin, at(0))), "start:c1");
    let shown = flow.on(Event::Started(Ok(codes(interval, 600))), at(1));
    assert_eq!(words(&shown), "show:ABCD-EFGH wait:599 poll:c1");
    flow
}

/// One row: when, what happened, what is done, when to wake.
type Row = (i64, Event, &'static str, Option<i64>);

fn run(mut flow: DeviceFlow, rows: Vec<Row>) -> DeviceFlow {
    for (number, (now, event, done, wake)) in rows.into_iter().enumerate() {
        assert_eq!(words(&flow.on(event, at(now))), done, "row {number}");
        assert_eq!(flow.wake_at(), wake.map(at), "row {number}");
    }
    flow
}

fn pending() -> Event {
    Event::Polled(Err(no(OidcError::AuthorizationPending)))
}

fn slow_down() -> Event {
    Event::Polled(Err(no(OidcError::SlowDown)))
}

#[test]
fn approved_at_the_third_poll() {
    run(
        polling(Some(1)),
        vec![
            (1, pending(), "", Some(2)),
            (2, Event::Woke, "poll:c1", None),
            (3, pending(), "", Some(4)),
            (4, Event::Woke, "poll:c1", None),
            (4, Event::Polled(Ok(token())), "granted:c1", None),
            (5, Event::Woke, "", None),
        ],
    );
}

#[test]
fn five_seconds_where_the_center_names_no_interval() {
    run(polling(None), vec![(1, pending(), "", Some(6)), (6, Event::Woke, "poll:c1", None)]);
    run(polling(Some(0)), vec![(1, pending(), "", Some(2))]);
    run(polling(Some(-3)), vec![(1, pending(), "", Some(6))]);
}

#[test]
fn no_interval_of_a_center_is_longer_than_a_minute() {
    for interval in [60, 61, 3600, i64::MAX] {
        run(polling(Some(interval)), vec![(1, pending(), "", Some(61)), (61, Event::Woke, "poll:c1", None)]);
    }
    run(polling(Some(59)), vec![(1, pending(), "", Some(60))]);
    run(polling(Some(i64::MIN)), vec![(1, pending(), "", Some(6))]);
}

#[test]
fn a_poll_that_panicked_ends_the_flow() {
    let panicked = || CallError::Internal { operation: "CreateToken", place: "x.rs:1".into() };
    run(polling(Some(1)), vec![(1, Event::Polled(Err(panicked())), "failed", None)]);
}

#[test]
fn each_slow_down_lasts() {
    run(
        polling(Some(1)),
        vec![
            (1, slow_down(), "slower:6", Some(7)),
            (7, Event::Woke, "poll:c1", None),
            (7, pending(), "", Some(13)),
            (13, Event::Woke, "poll:c1", None),
            (13, slow_down(), "slower:11", Some(24)),
            (24, Event::Woke, "poll:c1", None),
            (24, pending(), "", Some(35)),
        ],
    );
}

#[test]
fn c3_failures_on_the_way_double_the_pause_until_it_works_again() {
    let trouble = |error| Event::Polled(Err(error));
    let down = || refused(Meaning::ServerFailed, 503, None);
    run(
        polling(Some(5)),
        vec![
            (1, trouble(timed_out()), "trouble:10", Some(11)),
            (11, Event::Woke, "poll:c1", None),
            (11, trouble(down()), "trouble:20", Some(31)),
            (31, Event::Woke, "poll:c1", None),
            (31, trouble(refused(Meaning::Unknown, 302, None)), "", Some(71)),
            (71, Event::Woke, "poll:c1", None),
            (71, trouble(timed_out()), "trouble:60", Some(131)),
            (131, Event::Woke, "poll:c1", None),
            (131, pending(), "", Some(136)),
            (136, Event::Woke, "poll:c1", None),
            (136, trouble(down()), "trouble:10", Some(146)),
        ],
    );
}

#[test]
fn the_same_trouble_is_told_once_until_it_works_again() {
    let trouble = || Event::Polled(Err(timed_out()));
    run(
        polling(Some(5)),
        vec![
            (1, trouble(), "trouble:10", Some(11)),
            (11, Event::Woke, "poll:c1", None),
            (11, trouble(), "", Some(31)),
            (31, Event::Woke, "poll:c1", None),
            (31, pending(), "", Some(36)),
            (36, Event::Woke, "poll:c1", None),
            (36, trouble(), "trouble:10", Some(46)),
        ],
    );
}

#[test]
fn c3_a_busy_center_is_left_alone_as_long_as_it_asks() {
    run(
        polling(Some(1)),
        vec![
            (1, Event::Polled(Err(refused(Meaning::TooFast, 429, Some(30)))), "trouble:30", Some(31)),
            (31, Event::Woke, "poll:c1", None),
            (31, Event::Polled(Err(refused(Meaning::TooFast, 429, Some(0)))), "", Some(35)),
        ],
    );
}

#[test]
fn a_no_is_a_no() {
    run(polling(Some(1)), vec![(1, Event::Polled(Err(no(OidcError::AccessDenied))), "denied", None)]);
    run(polling(Some(1)), vec![(1, Event::Polled(Err(no(OidcError::ExpiredToken))), "expired", None)]);
    run(polling(Some(1)), vec![(1, Event::Polled(Err(no(OidcError::InvalidGrant))), "failed", None)]);
    // A page on the way says so, too, but names no reason; the center's word is still to come.
    run(
        polling(Some(1)),
        vec![(1, Event::Polled(Err(refused(Meaning::Unknown, 403, None))), "trouble:2", Some(3))],
    );
}

#[test]
fn no_poll_is_sent_after_the_end_of_the_codes() {
    run(
        polling(Some(1)),
        vec![
            (598, pending(), "", Some(599)),
            (599, Event::Woke, "poll:c1", None),
            (599, pending(), "", Some(600)),
            (600, Event::Woke, "expired", None),
        ],
    );
    // The life is counted from the question, not from the answer; a long pause does not outlast it.
    run(
        polling(Some(1)),
        vec![
            (590, slow_down(), "slower:6", Some(596)),
            (596, Event::Woke, "poll:c1", None),
            (597, pending(), "", Some(600)),
        ],
    );
    // The laptop slept.
    run(polling(Some(1)), vec![(1, pending(), "", Some(2)), (9000, Event::Woke, "expired", None)]);
    // An answer that comes too late ends it, unless it brings the token.
    run(polling(Some(1)), vec![(601, pending(), "expired", None)]);
    run(polling(Some(1)), vec![(601, Event::Polled(Ok(token())), "granted:c1", None)]);
}

#[test]
fn codes_without_a_life_are_not_polled() {
    let mut flow = DeviceFlow::new(Some(client("c1")), None, false);
    flow.on(Event::Begin, at(0));
    assert_eq!(words(&flow.on(Event::Started(Ok(codes(None, 0))), at(0))), "expired");
}

#[test]
fn waking_too_early_does_nothing() {
    run(polling(Some(5)), vec![(1, pending(), "", Some(6)), (3, Event::Woke, "", Some(6))]);
}

fn registered(id: &str) -> Event {
    Event::Registered(
        GRANT,
        Ok(RegisterClientResponse {
            client_id: id.into(),
            client_secret: "secret".into(),
            client_id_issued_at: 0,
            client_secret_expires_at: at(7_776_000).as_second(),
            authorization_endpoint: None,
            token_endpoint: None,
        }),
    )
}

#[test]
fn without_a_registration_one_is_made_and_kept() {
    run(
        DeviceFlow::new(None, None, true),
        vec![
            (0, Event::Begin, "register", None),
            (0, registered("new"), "keep:new start:new", None),
            (
                1,
                Event::Started(Ok(codes(Some(1), 600))),
                "show:ABCD-EFGH open:https://h/device?user_code=ABCD-EFGH wait:599 poll:new",
                None,
            ),
        ],
    );
}

#[test]
fn a_stale_registration_is_renewed_once() {
    let stale = || no(OidcError::InvalidClient);
    let flow = run(
        DeviceFlow::new(Some(client("old")), None, false),
        vec![
            (0, Event::Begin, "start:old", None),
            (0, Event::Started(Err(stale())), "drop renewed register", None),
            (0, registered("new"), "keep:new start:new", None),
            (1, Event::Started(Ok(codes(Some(1), 600))), "show:ABCD-EFGH wait:599 poll:new", None),
        ],
    );
    // The center lost its keys meanwhile, for the second time: that is nothing to repeat for ever.
    run(flow, vec![(1, Event::Polled(Err(stale())), "failed", None)]);
    run(
        polling(Some(1)),
        vec![
            (1, Event::Polled(Err(stale())), "drop renewed register", None),
            (1, registered("new"), "keep:new start:new", None),
            (2, Event::Started(Err(stale())), "failed", None),
        ],
    );
}

#[test]
fn ctrl_c_ends_it_at_each_step() {
    let cancel = || Event::Ending(Ending::Interrupt);
    run(DeviceFlow::new(None, None, false), vec![(0, cancel(), "cancelled", None)]);
    run(
        DeviceFlow::new(None, None, false),
        vec![(0, Event::Begin, "register", None), (0, cancel(), "cancelled", None)],
    );
    run(
        DeviceFlow::new(Some(client("c")), None, false),
        vec![(0, Event::Begin, "start:c", None), (0, cancel(), "cancelled", None)],
    );
    run(polling(Some(1)), vec![(1, cancel(), "cancelled", None), (1, Event::Polled(Ok(token())), "", None)]);
}

#[test]
fn what_a_center_sends_cannot_move_the_cursor() {
    let mut flow = DeviceFlow::new(Some(client("c1")), None, false);
    flow.on(Event::Begin, at(0));
    let mut answer = codes(Some(1), 600);
    answer.user_code = "AB\u{1b}[2JCD".into();
    answer.verification_uri = "https://h/\r\nfake".into();
    let actions = flow.on(Event::Started(Ok(answer)), at(0));
    let Some(Action::Tell(Progress::ActionRequired(Offer::Codes(codes)))) = actions.first() else {
        panic!("{actions:?}")
    };
    assert_eq!((codes.user_code.as_str(), codes.verification_uri.as_str()), ("AB[2JCD", "https://h/fake"));
}
