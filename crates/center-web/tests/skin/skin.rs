//! What holds for every request: names, headers, pages, connections, the end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use center_web::ListenError;
use serde_json::json;

use crate::http::{Answer, raw, read, send};
use crate::running::{Center, Wishes};

#[track_caller]
fn page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let policy = answer.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action '"] {
        assert!(policy.contains(part), "{policy}");
    }
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(answer.body.is_empty() || answer.body.contains(&format!("<style nonce=\"{nonce}\">")));
    assert!(!answer.body.contains("<script") && !answer.body.contains("style="), "{}", answer.body);
}

#[test]
fn s51_only_the_centers_own_names_are_answered() {
    let center = Center::start();
    let port = center.address.port();
    let (localhost, elsewhere) = (format!("localhost:{port}"), format!("evil.example:{port}"));
    for host in ["evil.example", &elsewhere, &localhost, "127.0.0.1", "127.0.0.1:1", ""] {
        for line in ["GET /", "POST /token", "GET /assignment/accounts", "GET /no/such"] {
            let answer = send(center.address, line, &[("Host", host)], b"{}").is(421);
            assert!(answer.header("x-amzn-RequestId").is_some());
            assert!(!answer.body.contains(&center.url), "{answer:?}");
        }
    }
    let own = center.address.to_string();
    send(center.address, "GET /", &[("Host", &own), ("Host", "evil.example")], b"").is(421);
    send(center.address, "GET http://evil.example/", &[("Host", &own)], b"").is(421);
    raw(center.address, b"GET / HTTP/1.0\r\n\r\n").is(421);

    let proxied =
        Center::with(Wishes { url: Some("https://center.example".to_owned()), ..Wishes::default() });
    for host in ["center.example", "Center.Example:443", &proxied.address.to_string()] {
        send(proxied.address, "GET /", &[("Host", host)], b"").is(200);
    }
    send(proxied.address, "GET /", &[("Host", "center.example:80")], b"").is(421);
    let metadata = proxied.get("/.well-known/oauth-authorization-server").is(200);
    assert_eq!(metadata.json()["issuer"], "https://center.example");
}

#[test]
fn s25_pages_say_what_to_do_and_run_nothing() {
    let center = Center::start();
    for path in ["/", "/start", "/start?x=y", "/device", "/sign-in"] {
        let answer = center.get(path);
        page(&answer, 200);
        assert!(answer.body.contains("action=\"/sign-in\""), "{}", answer.body);
        assert!(!answer.body.contains("TEST"));
    }
    let head = send(center.address, "HEAD /start", &[], b"");
    page(&head, 200);
    assert_eq!(head.body, "");

    let answer = center.get("/device?user_code=bcdf-ghjk");
    page(&answer, 200);
    assert!(answer.body.contains("aldis center device approve BCDF-GHJK --person NAME"), "{}", answer.body);
    assert!(answer.body.contains("aldis center device deny BCDF-GHJK --person NAME"));
    for query in ["user_code=%3Cscript%3Ealert(1)%3C/script%3E", "user_code=BCDF-GHJ1", "user_code=%FF"] {
        let answer = center.get(&format!("/device?{query}"));
        page(&answer, 200);
        assert!(answer.body.contains("approve CODE") && !answer.body.contains("<script"), "{}", answer.body);
    }
}

#[test]
fn s60_a_test_center_says_so_on_every_page() {
    let center = Center::with(Wishes { is_test_center: true, auto_approve: true, ..Wishes::default() });
    for (path, status) in [("/", 200), ("/device", 200), ("/no/such", 404), ("/token", 405)] {
        let answer = center.get(path);
        page(&answer, status);
        assert!(answer.body.contains("TEST center"), "{}", answer.body);
    }
    assert!(center.get("/device").body.contains("approves every sign-in by itself"));
}

#[test]
fn unknown_paths_and_wrong_methods() {
    let center = Center::start();
    for path in ["/no/such", "/favicon.ico", "/Token", "/token/", "/..", "/oauth", "//token"] {
        page(&center.get(path), 404);
        let answer = center.post(path, &json!({})).is(404);
        assert_eq!(answer.header("x-amzn-ErrorType"), Some("UnknownOperationException"));
    }
    for path in ["/token", "/client/register", "/device_authorization", "/logout", "/oauth/register"] {
        let answer = center.get(path);
        page(&answer, 405);
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    for path in ["/assignment/accounts", "/federation/credentials", "/device/done", "/start"] {
        let answer = center.post(path, &json!({})).is(405);
        assert_eq!(answer.header("allow"), Some("GET,HEAD"));
        assert_eq!(answer.json()["__type"], "UnknownOperationException");
    }
    send(center.address, "DELETE /", &[], b"").is(405);
    let answer = send(center.address, "OPTIONS /token", &[("Origin", "https://evil.example")], b"").is(405);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn every_answer_has_an_id_of_its_own() {
    let center = Center::start();
    let ids: Vec<String> = ["/", "/no/such", "/token", "/assignment/accounts", "/device"]
        .iter()
        .map(|path| center.get(path).header("x-amzn-RequestId").unwrap().to_owned())
        .collect();
    for (place, id) in ids.iter().enumerate() {
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
        assert!(!ids[..place].contains(id));
    }
}

#[test]
fn a_connection_serves_many_requests_without_delay() {
    let center = Center::start();
    let mut stream = TcpStream::connect(center.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let body = json!({ "clientName": "n", "clientType": "public" }).to_string();
    let request = format!(
        "POST /client/register HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}",
        center.address,
        body.len()
    );
    let begun = Timer::start();
    for _ in 0..50 {
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
    }
    // With delayed acknowledgements it would take two seconds.
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
}

/// The time that a test takes by the system's clock.
struct Timer(jiff::Timestamp);

impl Timer {
    fn start() -> Self {
        Self(outside::Clock::system().now())
    }

    fn elapsed(&self) -> Duration {
        outside::clock::until(self.0, outside::Clock::system().now())
    }
}

#[test]
fn it_stops_at_once_with_idle_connections_and_within_five_seconds_with_stuck_ones() {
    let center = Center::start();
    let mut idle = TcpStream::connect(center.address).unwrap();
    idle.write_all(format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", center.address).as_bytes()).unwrap();
    let mut first = [0; 16];
    idle.read_exact(&mut first).unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200"));
    let begun = Timer::start();
    let address = center.address;
    let folder = center.socket_folder();
    center.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(TcpStream::connect(address).is_err());
    assert!(!folder.exists(), "the administration socket is gone");

    let center = Center::start();
    let mut stuck = TcpStream::connect(center.address).unwrap();
    let half = format!("POST /token HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\n{{", center.address);
    stuck.write_all(half.as_bytes()).unwrap();
    center.get("/").is(200);
    let begun = Timer::start();
    center.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_request_that_was_begun_is_answered_before_the_end() {
    let center = Center::start();
    let mut stream = TcpStream::connect(center.address).unwrap();
    let body = json!({ "clientName": "n", "clientType": "public" }).to_string();
    let head = format!(
        "POST /client/register HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
        center.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // By now the center has read the head.
    center.get("/").is(200);
    center.stopper.stop();
    stream.write_all(body.as_bytes()).unwrap();
    read(&mut stream).is(200);
    center.stop().unwrap();
}

#[test]
fn a_socket_that_cannot_be_had_is_named() {
    let taken = center_web::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = taken.address();
    let error = center_web::listen(address).unwrap_err();
    assert!(matches!(error, ListenError::Taken(_)));
    assert!(error.to_string().contains(&format!("{address} is taken")), "{error}");
    let error = center_web::listen("192.0.2.1:1".parse().unwrap()).unwrap_err();
    assert!(matches!(error, ListenError::NotHere(_)), "{error}");
}
