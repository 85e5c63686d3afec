//! The browser flow as tables of events.

use center_client::refusal::Refusal;
use jiff::SignedDuration;
use outside::http::{HttpError, Obstacle};
use outside::signals::Ending;
use wire::oidc::{CreateTokenResponse, RegisterClientResponse};

use super::*;

fn at(seconds: i64) -> Timestamp {
    "2026-11-23T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn client(id: &str) -> Client {
    Client { id: id.into(), secret: "secret".into(), expires_at: at(7_776_000) }
}

fn registered(id: &str) -> Event {
    Event::Registered(
        GRANT,
        Ok(RegisterClientResponse {
            client_id: id.into(),
            client_secret: "secret".into(),
            client_id_issued_at: at(0).as_second(),
            client_secret_expires_at: at(7_776_000).as_second(),
            authorization_endpoint: None,
            token_endpoint: None,
        }),
    )
}

fn refused(error: OidcError) -> CallError {
    CallError::Refused(Box::new(Refusal {
        operation: "CreateToken",
        origin: "https://h".into(),
        meaning: Meaning::Oidc(error),
        status: error.status(),
        name: None,
        message: None,
        retry_after: None,
        via: None,
    }))
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

fn flow(cached: Option<&str>, can_check: bool) -> PkceFlow {
    let asking = Asking {
        authorize: "https://h/authorize".into(),
        scopes: Some(vec!["sso:account:access".into()]),
        redirect_uri: "http://127.0.0.1:38381/oauth/callback".into(),
        state: "5b9d".into(),
        short: Some("http://127.0.0.1:38381/Zm9v".into()),
        opens_short: true,
        // RFC 7636, appendix B.
        verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
    };
    PkceFlow::new(cached.map(client), asking, true, can_check)
}

/// What actions amount to, in short words.
fn words(actions: &[Action]) -> String {
    let word = |action: &Action| match action {
        Action::Call(Call::Register(_)) => "register".to_owned(),
        Action::Call(Call::Check(client)) => format!("check:{}", client.id),
        Action::Call(Call::Exchange(exchange)) => format!("exchange:{}", exchange.client.id),
        Action::Do(Deed::KeepRegistration(_, client)) => format!("keep:{}", client.id),
        Action::Do(Deed::DropRegistration(_)) => "drop".to_owned(),
        Action::Do(Deed::LeadTo(_)) => "lead".to_owned(),
        Action::Do(Deed::ReleaseAnswer) => "release".to_owned(),
        Action::Tell(Progress::CodeUnknown) => "unknown".to_owned(),
        Action::Do(Deed::OpenBrowser(_)) => "open".to_owned(),
        Action::Tell(Progress::ActionRequired(Offer::Link(_))) => "show".to_owned(),
        Action::Tell(Progress::RegistrationRenewed) => "renewed".to_owned(),
        Action::Tell(Progress::Waiting { left }) => format!("wait:{}", left.as_secs()),
        Action::End(Ok(granted)) => format!("granted:{}", granted.client.id),
        Action::End(Err(error)) => format!("end: {error}"),
        other => format!("{other:?}"),
    };
    actions.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn on(flow: &mut PkceFlow, event: Event, second: i64, expected: &str) {
    assert_eq!(words(&flow.on(event, at(second))), expected);
}

fn denial() -> Event {
    Event::Arrived(Err(Denial { error: "access_denied\u{1b}[31m".into(), description: None }))
}

const ASKED: &str = "lead, show, open, wait:600";

#[test]
fn from_a_new_client_to_a_token() {
    let mut flow = flow(None, true);
    on(&mut flow, Event::Begin, 0, "register");
    on(&mut flow, registered("new"), 1, &format!("keep:new, {ASKED}"));
    assert_eq!(flow.wake_at(), Some(at(601)));
    on(&mut flow, Event::Arrived(Ok("code".into())), 2, "exchange:new");
    assert_eq!(flow.wake_at(), None, "an exchange under way is waited for");
    on(&mut flow, Event::Arrived(Ok("other".into())), 2, "");
    on(&mut flow, Event::Exchanged(Ok(token())), 3, "granted:new");
    on(&mut flow, Event::Woke, 700, "");
}

#[test]
fn c7_the_browser_gets_the_hash_and_the_center_the_verifier() {
    let mut flow = flow(Some("cached"), false);
    let shown = flow.on(Event::Begin, at(0)).into_iter().find_map(|action| match action {
        Action::Tell(Progress::ActionRequired(Offer::Link(link))) => Some(link),
        _ => None,
    });
    let address = shown.unwrap().address;
    assert!(address.starts_with("https://h/authorize?response_type=code&client_id=cached&"), "{address}");
    assert!(address.contains("&code_challenge_method=S256&"), "{address}");
    assert!(address.ends_with("&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), "{address}");
    assert!(address.contains("&state=5b9d&") && !address.contains("dBjft"), "{address}");
    let actions = flow.on(Event::Arrived(Ok("code".into())), at(1));
    let Action::Call(Call::Exchange(exchange)) = &actions[0] else { panic!("{actions:?}") };
    assert_eq!(exchange.verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(exchange.redirect_uri, "http://127.0.0.1:38381/oauth/callback");
}

#[test]
fn c14_a_client_that_the_center_does_not_know_is_replaced_before_the_person_is_asked() {
    let mut flow = flow(Some("stale"), true);
    on(&mut flow, Event::Begin, 0, "check:stale");
    on(&mut flow, Event::Checked(Err(refused(OidcError::InvalidClient))), 1, "drop, renewed, register");
    on(&mut flow, registered("new"), 2, &format!("keep:new, {ASKED}"));
}

#[test]
fn a_check_that_says_nothing_keeps_nobody_waiting() {
    let mut good = flow(Some("cached"), true);
    on(&mut good, Event::Begin, 0, "check:cached");
    on(&mut good, Event::Checked(Ok(())), 1, ASKED);
    let mut silent = flow(Some("cached"), true);
    on(&mut silent, Event::Begin, 0, "check:cached");
    on(&mut silent, Event::Checked(Err(timed_out())), 1, ASKED);
    on(&mut silent, Event::Woke, 601, "drop, end: the sign-in was not finished in the browser");
}

#[test]
fn a_cached_client_is_not_met_again_after_a_sign_in_that_failed() {
    type Case = (Event, i64, &'static str);
    let cases: [fn() -> Case; 3] = [
        || (denial(), 1, "end: the center refused: access_denied[31m"),
        || (Event::Woke, 600, "end: the sign-in was not finished in the browser"),
        || (Event::Ending(Ending::Interrupt), 1, "end: cancelled"),
    ];
    for case in cases {
        let (event, second, end) = case();
        let mut cached = flow(Some("cached"), false);
        on(&mut cached, Event::Begin, 0, ASKED);
        on(&mut cached, event, second, &format!("drop, {end}"));
        let (event, second, _) = case();
        let mut new = flow(None, false);
        on(&mut new, Event::Begin, 0, "register");
        on(&mut new, registered("new"), 0, &format!("keep:new, {ASKED}"));
        on(&mut new, event, second, end);
    }
}

#[test]
fn nobody_waits_for_a_browser_longer_than_ten_minutes() {
    let mut flow = flow(None, false);
    on(&mut flow, Event::Begin, 0, "register");
    on(&mut flow, registered("new"), 0, &format!("keep:new, {ASKED}"));
    on(&mut flow, Event::Woke, 599, "");
    on(&mut flow, Event::Woke, 600, "end: the sign-in was not finished in the browser");
}

#[test]
fn an_exchange_is_made_once() {
    for (error, end) in [
        (timed_out(), "end: https://h did not answer in time"),
        (refused(OidcError::InvalidGrant), "end: https://h refused CreateToken: status 400"),
        (refused(OidcError::InvalidClient), "drop, end: https://h refused CreateToken: status 401"),
    ] {
        let mut flow = flow(None, false);
        on(&mut flow, Event::Begin, 0, "register");
        on(&mut flow, registered("new"), 0, &format!("keep:new, {ASKED}"));
        on(&mut flow, Event::Arrived(Ok("code".into())), 1, "exchange:new");
        on(&mut flow, Event::Exchanged(Err(error)), 2, end);
    }
}

#[test]
fn a_code_without_its_address_that_the_center_does_not_know_ends_nothing() {
    let unknown = || Event::Exchanged(Err(refused(OidcError::InvalidGrant)));
    let guessing = || {
        let mut flow = flow(None, false);
        on(&mut flow, Event::Begin, 0, "register");
        on(&mut flow, registered("new"), 0, &format!("keep:new, {ASKED}"));
        on(&mut flow, Event::Guessed("kubernetes".into()), 1, "exchange:new");
        flow
    };
    let mut twice = guessing();
    on(&mut twice, unknown(), 2, "unknown, release, wait:598");
    assert!(twice.pending().is_some(), "on the same link");
    on(&mut twice, Event::Guessed("code".into()), 3, "exchange:new");
    on(&mut twice, Event::Exchanged(Ok(token())), 4, "granted:new");

    let mut overtaken = guessing();
    on(&mut overtaken, Event::Arrived(Ok("code".into())), 2, "");
    on(&mut overtaken, unknown(), 3, "unknown, exchange:new");
    on(&mut overtaken, Event::Exchanged(Ok(token())), 4, "granted:new");
    let mut denied = guessing();
    on(&mut denied, denial(), 2, "");
    on(&mut denied, unknown(), 3, "unknown, end: the center refused: access_denied[31m");

    let mut again = guessing();
    on(&mut again, Event::Guessed("another".into()), 2, "");
    on(&mut again, Event::InputEnded, 2, "");
    on(&mut again, unknown(), 3, "unknown, exchange:new");
    on(&mut again, unknown(), 4, "unknown, end: standard input ended before an answer came");

    let mut last = guessing();
    on(&mut last, Event::InputEnded, 2, "");
    on(&mut last, unknown(), 3, "unknown, end: standard input ended before an answer came");
    let mut late = guessing();
    on(&mut late, unknown(), 601, "unknown, release, wait:0");
    on(&mut late, Event::Woke, 601, "end: the sign-in was not finished in the browser");
    // What says nothing of the code is an end, as for any other.
    on(&mut guessing(), Event::Exchanged(Err(timed_out())), 2, "end: https://h did not answer in time");
}

#[test]
fn an_exchange_that_did_not_reach_the_center_is_made_again_for_a_while() {
    let no_network = |obstacle| {
        let what = "the network is down".to_owned();
        Event::Exchanged(Err(CallError::Http(HttpError::Unreachable {
            origin: "https://h".into(),
            obstacle,
            what,
        })))
    };
    let exchanging = || {
        let mut flow = flow(None, false);
        on(&mut flow, Event::Begin, 0, "register");
        on(&mut flow, registered("new"), 0, &format!("keep:new, {ASKED}"));
        on(&mut flow, Event::Arrived(Ok("code".into())), 1, "exchange:new");
        flow
    };
    let mut flow = exchanging();
    let told = words(&flow.on(no_network(Obstacle::NoWay), at(2)));
    assert!(told.contains("Trouble") && told.contains("the network is down"), "{told}");
    assert_eq!(flow.wake_at(), Some(at(4)));
    on(&mut flow, Event::Woke, 3, "");
    on(&mut flow, Event::Woke, 4, "exchange:new");
    assert_eq!(flow.wake_at(), None);
    on(&mut flow, no_network(Obstacle::Name), 5, "");
    on(&mut flow, Event::Woke, 7, "exchange:new");
    on(&mut flow, Event::Exchanged(Ok(token())), 8, "granted:new");

    let mut lost = exchanging();
    on(&mut lost, no_network(Obstacle::Broken), 2, "end: cannot reach https://h: the network is down");
    let mut late = exchanging();
    late.on(no_network(Obstacle::NoWay), at(2));
    on(&mut late, Event::Woke, 121, "exchange:new");
    on(&mut late, no_network(Obstacle::NoWay), 122, "end: cannot reach https://h: the network is down");
    let mut cancelled = exchanging();
    cancelled.on(no_network(Obstacle::NoWay), at(2));
    on(&mut cancelled, Event::Ending(Ending::Interrupt), 3, "end: cancelled");
}

#[test]
fn an_exchange_that_a_busy_center_refused_is_made_again_and_after_other_failures_is_not() {
    let failed = |status, meaning, retry_after: Option<u64>| {
        let refusal = Refusal {
            operation: "CreateToken",
            origin: "https://h".into(),
            meaning,
            status,
            name: None,
            message: None,
            retry_after: retry_after.map(Duration::from_secs),
            via: None,
        };
        Event::Exchanged(Err(CallError::Refused(Box::new(refusal))))
    };
    let exchanging = || {
        let mut flow = flow(None, false);
        on(&mut flow, Event::Begin, 0, "register");
        on(&mut flow, registered("new"), 0, &format!("keep:new, {ASKED}"));
        on(&mut flow, Event::Arrived(Ok("code".into())), 1, "exchange:new");
        flow
    };
    for (event, again) in [
        (failed(429, Meaning::TooFast, None), 4),
        (failed(503, Meaning::ServerFailed, None), 4),
        (failed(429, Meaning::TooFast, Some(7)), 9),
        (failed(429, Meaning::TooFast, Some(9999)), 122),
    ] {
        let mut flow = exchanging();
        let told = words(&flow.on(event, at(2)));
        assert!(told.contains("Trouble"), "{told}");
        assert_eq!(flow.wake_at(), Some(at(again)));
        on(&mut flow, Event::Woke, again, "exchange:new");
        on(&mut flow, Event::Exchanged(Ok(token())), again, "granted:new");
    }
    for status in [500, 502, 504] {
        let end = format!("end: https://h failed at CreateToken: status {status}");
        on(&mut exchanging(), failed(status, Meaning::ServerFailed, None), 2, &end);
    }
}

#[test]
fn an_end_is_an_end_at_every_step() {
    let mut ready = flow(None, false);
    on(&mut ready, Event::Ending(Ending::HangUp), 0, "end: cancelled");
    let mut registering = flow(None, false);
    on(&mut registering, Event::Begin, 0, "register");
    on(&mut registering, Event::Ending(Ending::Terminate), 0, "end: cancelled");
    on(&mut registering, registered("new"), 1, "");
    let mut failing = flow(None, false);
    on(&mut failing, Event::Begin, 0, "register");
    on(&mut failing, Event::Registered(GRANT, Err(timed_out())), 0, "end: https://h did not answer in time");
}

#[test]
fn a_browser_here_gets_the_short_link_and_one_that_may_be_elsewhere_the_address() {
    let opened = |flow: &mut PkceFlow| {
        let actions = flow.on(Event::Begin, at(0));
        actions.iter().find_map(|action| match action {
            Action::Do(Deed::OpenBrowser(page)) => Some(page.clone()),
            _ => None,
        })
    };
    let mut local = flow(Some("c"), false);
    assert_eq!(opened(&mut local).as_deref(), Some("http://127.0.0.1:38381/Zm9v"));
    assert_eq!(local.pending().unwrap().exposure, Exposure::ShortLink);
    let mut elsewhere = flow(Some("c"), false);
    elsewhere.asking.opens_short = false;
    assert!(opened(&mut elsewhere).unwrap().starts_with("https://h/authorize?"));
    assert_eq!(elsewhere.pending().unwrap().exposure, Exposure::Address);
    let mut by_hand = flow(Some("c"), false);
    by_hand.open_browser = false;
    assert_eq!(opened(&mut by_hand), None);
    assert_eq!(by_hand.pending().unwrap().exposure, Exposure::Hidden);
}

#[test]
fn a_stranger_at_the_short_link_is_told_once_and_counts_until_the_token_comes() {
    let visited = |flow: &mut PkceFlow, visit| flow.on(Event::LinkVisited(visit), at(1)).len();
    let mut flow_ = flow(Some("c"), false);
    flow_.on(Event::Begin, at(0));
    assert_eq!(visited(&mut flow_, LinkVisit::First), 0);
    assert_eq!(visited(&mut flow_, LinkVisit::ByOtherUser), 1);
    assert_eq!(visited(&mut flow_, LinkVisit::WithoutCookie), 0, "once is enough");
    flow_.on(Event::Arrived(Ok("code".into())), at(2));
    let ended = flow_.on(Event::Exchanged(Ok(token())), at(3)).pop();
    let Some(Action::End(Ok(granted))) = ended else { panic!("{ended:?}") };
    assert_eq!(granted.exposure, Exposure::ShortLinkReused);

    // One who comes while the code is exchanged is not too late.
    let mut late = flow(Some("c"), false);
    late.on(Event::Begin, at(0));
    late.on(Event::LinkVisited(LinkVisit::First), at(1));
    late.on(Event::Arrived(Ok("code".into())), at(2));
    assert_eq!(visited(&mut late, LinkVisit::WithoutCookie), 1);
    let ended = late.on(Event::Exchanged(Ok(token())), at(3)).pop();
    assert!(matches!(ended, Some(Action::End(Ok(granted))) if granted.exposure == Exposure::ShortLinkReused));

    let mut alone = flow(Some("c"), false).ending_when_reused(true);
    alone.on(Event::Begin, at(0));
    let ended = alone.on(Event::LinkVisited(LinkVisit::WithoutCookie), at(1)).pop();
    assert!(matches!(ended, Some(Action::End(Err(FlowError::LinkReused)))), "nobody can be asked");
}
