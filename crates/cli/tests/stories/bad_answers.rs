//! Answers that are none: pages of a network that wants a sign-in of its own, a center that answers nonsense or fails, or always
//! says to slow down. Each is told in words that end in something to type, ends a sign-in that cannot go on at once, and stops no
//! polling.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use testkit::{Center, Machine, Relay, Running, Site};

use crate::bad_places::{Clock, at_once, config, free_port, nothing_stays, whole};
use crate::browser_flow::browse;
use crate::{begin_login, decide, machine, machine_and_center};

pub(crate) const HTML: &str = "<html><title>Hotel</title>Please sign in to our network</html>";

/// An answer of HTTP.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// What somebody on the way answers who wants a sign-in to the network: a page, or where one is.
fn portals() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a page", answer("200 OK", "Content-Type: text/html\r\n", HTML)),
        ("a redirect", answer("302 Found", "Location: http://login.hotel.example/in?session=hidden\r\n", "")),
        ("a no", answer("403 Forbidden", "Content-Type: text/html\r\n", HTML)),
        ("its own status", answer("511 Network Authentication Required", "", HTML)),
    ]
}

/// What a broken center answers. No parser should like it.
fn garbage() -> Vec<(&'static str, Vec<u8>)> {
    let json = |body: &str| answer("200 OK", "Content-Type: application/json\r\n", body);
    let binary = [answer("200 OK", "", &"\0".repeat(9)), b"\xff\xfe\0".to_vec()].concat();
    vec![
        ("half of it", json(r#"{"clientId":"a","clientSecret":"#)),
        ("less than announced", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{".to_vec()),
        ("other types", json(r#"{"clientId":[],"deviceCode":{},"accessToken":7,"expiresIn":"soon"}"#)),
        (
            "nothing in it",
            json(
                r#"{"clientId":"","clientSecret":"","clientSecretExpiresAt":-9,"deviceCode":"","userCode":"",
                "verificationUri":"","expiresIn":-1,"accessToken":""}"#,
            ),
        ),
        (
            "a code that nobody sees",
            json(
                r#"{"clientId":"","deviceCode":"d","userCode":"\u202e \u0007","expiresIn":600,
                "verificationUri":"http://127.0.0.1/device"}"#,
            ),
        ),
        ("another document", json("[1, 2, 3]")),
        ("bytes", binary),
        ("too much", json(&format!("{{\"x\":\"{}\"}}", "x".repeat(9 << 20)))),
        ("no HTTP", b"SSH-2.0-x\r\n".to_vec()),
        ("nothing", Vec::new()),
        ("a failure", answer("500 Internal Server Error", "", "")),
    ]
}

#[test]
fn what_answers_for_a_start_url_and_is_no_center_is_told() {
    for (what, said) in portals().into_iter().chain(garbage()) {
        let machine = machine();
        let site = Site::saying(said);
        machine.configure(&format!("{}/start", site.url("127.0.0.1")));
        let before = config(&machine);
        let outcome = at_once(machine.aldis(&["login", "--no-browser"]));
        assert!(matches!(outcome.code, Some(253..=255)), "{what}: {outcome}");
        assert!(outcome.stderr.contains("hint: "), "{what}: {outcome}");
        assert!(
            outcome.stderr.contains(&site.url("127.0.0.1")) && outcome.stdout.is_empty(),
            "{what}: {outcome}"
        );
        assert!(!outcome.stderr.contains("hidden") && !outcome.stderr.contains("panic"), "{what}: {outcome}");
        nothing_stays(&machine, &before);
    }
}

/// A machine whose calls to SSO OIDC go through a relay.
fn machine_center_and_relay(words: &[&str]) -> (Machine, Center, Relay) {
    let (machine, center) = machine_and_center(words);
    let relay = Relay::before(center.port());
    let machine = machine.with("AWS_ENDPOINT_URL_SSO_OIDC", &relay.url());
    (machine, center, relay)
}

/// Does it for each case at the same time; most of it is waiting.
fn for_each(cases: Vec<(&'static str, Vec<u8>)>, check: impl Fn(&'static str, Vec<u8>) + Sync) {
    std::thread::scope(|scope| {
        for (what, said) in cases {
            let check = &check;
            scope.spawn(move || check(what, said));
        }
    });
}

#[test]
fn an_answer_that_is_none_ends_a_registration_and_a_start() {
    for (line, flow) in [
        ("POST /client/register", "browser"),
        ("POST /client/register", "device"),
        ("POST /device", "device"),
    ] {
        for_each(portals().into_iter().chain(garbage()).collect(), |what, said| {
            let (machine, _center, relay) = machine_center_and_relay(&[]);
            let before = config(&machine);
            relay.answer(line, said);
            let port = free_port();
            let words = ["login", "--flow", flow, "--no-browser", "--redirect-port", &port.to_string()]
                .map(str::to_owned);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let outcome = at_once(machine.aldis(&words));
            assert!(matches!(outcome.code, Some(254 | 255)), "{what}: {outcome}");
            for word in ["error: ", &relay.url(), "hint: ", "curl -sS"] {
                assert!(outcome.stderr.contains(word), "{what}, {word}: {outcome}");
            }
            for word in ["hidden", "panic", "/authorize", "enter this code"] {
                assert!(!outcome.stderr.contains(word), "{what}, {word}: {outcome}");
            }
            assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "{what}");
            nothing_stays(&machine, &before);
            // The next one finds nothing of it.
            relay.step_aside();
            let (login, code) = begin_login(machine.aldis(&["login", "--flow", "device", "--no-browser"]));
            decide(&machine, "approve", &code);
            login.finish().says(&["Signed in"]);
        });
    }
}

#[test]
fn an_answer_that_is_none_stops_no_polling_and_is_told_once() {
    for_each(portals().into_iter().chain(garbage()).collect(), |what, said| {
        let (machine, _center, relay) = machine_center_and_relay(&[]);
        let (mut login, code) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
        relay.answer("POST /token", said);
        login.wait_for("word of it", |line| line.starts_with("warning: ").then_some(()));
        let polls = relay.count("POST /token");
        wait_until(|| relay.count("POST /token") > polls);
        relay.step_aside();
        decide(&machine, "approve", &code);
        let outcome = login.finish();
        outcome.says(&["; next try in ", "Signed in"]);
        assert_eq!(outcome.stderr.matches("warning: ").count(), 1, "{what}: {outcome}");
        assert!(!outcome.stderr.contains("hidden"), "{what}: {outcome}");
        whole(&machine);
    });
}

/// Waits for something that another thread brings about.
#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + testkit::PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain");
        std::thread::yield_now();
    }
}

/// Starts `aldis login` with the browser's flow and hands over its link, and the port where it waits.
fn begin_in_browser(machine: &Machine) -> (Running, String, u16) {
    let mut login = machine.aldis(&["login", "--flow", "browser", "--no-browser"]).start();
    let link = login.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()));
    let port = link.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap().parse().unwrap();
    (login, link, port)
}

#[test]
fn an_answer_that_is_none_ends_an_exchange_which_is_never_repeated() {
    for_each(portals().into_iter().chain(garbage()).collect(), |what, said| {
        let (machine, center, relay) = machine_center_and_relay(&["--auto-approve", "demo"]);
        let before = config(&machine);
        let (login, link, port) = begin_in_browser(&machine);
        relay.answer("POST /token", said);
        // The page is the center's own; only what this machine asks goes through the relay.
        assert_eq!(browse(&link.replace(&relay.url(), center.url())).status, 403, "{what}");
        let outcome = login.finish();
        assert!(matches!(outcome.code, Some(254 | 255)), "{what}: {outcome}");
        assert!(outcome.stderr.contains("error: ") && outcome.stderr.contains("hint: "), "{what}: {outcome}");
        assert_eq!(relay.count("POST /token"), 1, "{what}");
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "{what}");
        nothing_stays(&machine, &before);
    });
}

#[test]
fn slow_down_for_ever_ends_with_the_code() {
    let (machine, _center, relay) = machine_center_and_relay(&[]);
    let (clock, before) = (Clock::of(&machine), config(&machine));
    let slow_down = answer(
        "400 Bad Request",
        "x-amzn-ErrorType: SlowDownException\r\nContent-Type: application/json\r\n",
        r#"{"error":"slow_down"}"#,
    );
    relay.answer("POST /token", slow_down);
    let (login, _) = begin_login(clock.on(machine.aldis(&["login", "--use-device-code", "--no-browser"])));
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            for seconds in (0..).step_by(2) {
                clock.set(seconds);
                if stopped.recv_timeout(Duration::from_millis(25)).is_ok() {
                    return;
                }
            }
        });
        let outcome = login.finish();
        let _ = stop.send(());
        outcome.fails(255, &["pauses of 6 s", "pauses of 11 s", "expired", "hint:", "aldis login"]);
    });
    // Ten minutes hold fifteen pauses that grow by five seconds each.
    let polls = relay.count("POST /token");
    assert!((8..=16).contains(&polls), "{polls}");
    nothing_stays(&machine, &before);
}
