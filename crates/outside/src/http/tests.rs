//! Failures of calls, and the words about them.

use super::*;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

fn get(url: &str) -> Request {
    Request { method: "GET", url: url.to_owned(), headers: Vec::new(), body: Vec::new() }
}

#[test]
fn plain_http_to_another_machine_is_refused_unless_named() {
    let http = Http::new(HttpSettings::default());
    assert!(matches!(http.send(&get("http://192.0.2.1:1/x?secret")), Err(HttpError::PlainHttp { origin })
        if origin == "http://192.0.2.1:1"));
}

#[test]
fn addresses_that_mislead_are_refused_without_their_query() {
    let http = Http::new(HttpSettings::default());
    for url in ["ftp://a/", "127.0.0.1", "http://127.0.0.1@evil.example/?token=x", "http:///x"] {
        match http.send(&get(url)) {
            Err(HttpError::BadAddress(shown)) => assert!(!shown.contains("token")),
            other => panic!("{url}: {other:?}"),
        }
    }
}

#[test]
fn redirects_and_errors_are_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).unwrap();
        stream
            .write_all(b"HTTP/1.1 302 Found\r\nLocation: https://x.awsapps.com/\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
    });
    let answer = Http::new(HttpSettings::default()).send(&get(&url)).unwrap();
    server.join().unwrap();
    assert_eq!((answer.status, answer.header("location")), (302, Some("https://x.awsapps.com/")));
}

#[test]
fn what_is_in_the_way_is_told_apart() {
    let place =
        |via: Option<&str>| Place { via: via.map(proxy), ..Place::of("https://oidc.example/token").unwrap() };
    let through = place(Some("http://ann:hidden@proxy:8080"));
    let look_up = || std::io::Error::other(format!("{LOOK_UP_FAILED}Name or service not known"));
    let io = |kind: std::io::ErrorKind| ureq::Error::Io(kind.into());
    let proxy_says = |text: &str| ureq::Error::ConnectProxyFailed(text.to_owned());
    use std::io::ErrorKind;
    for (place, error, expected, words) in [
        (place(None), ureq::Error::Io(look_up()), Obstacle::Name, "looked up (Name or service not known)"),
        (place(None), ureq::Error::HostNotFound, Obstacle::Name, "its name cannot be looked up"),
        (place(None), ureq::Error::Timeout(ureq::Timeout::Resolve), Obstacle::Name, "in time"),
        (place(None), ureq::Error::Timeout(ureq::Timeout::Connect), Obstacle::NoWay, "in time"),
        (place(None), io(ErrorKind::NetworkUnreachable), Obstacle::NoWay, "unreachable"),
        (place(None), io(ErrorKind::ConnectionRefused), Obstacle::Refused, "nothing is listening there"),
        (place(None), io(ErrorKind::UnexpectedEof), Obstacle::Broken, "before an answer was whole"),
        (place(None), io(ErrorKind::ConnectionReset), Obstacle::Broken, "reset"),
    ] {
        let HttpError::Unreachable { obstacle, what, .. } = place.explain(error) else { panic!("{words}") };
        assert_eq!(obstacle, expected, "{words}");
        assert!(what.contains(words), "{what}");
    }
    for (error, words) in [
        (io(ErrorKind::ConnectionRefused), "nothing is listening at the proxy http://proxy:8080"),
        (proxy_says("proxy server responded 407/407"), "http://proxy:8080 lets nobody through (status 407)"),
        (proxy_says("proxy server did not respond"), "(proxy server did not respond)"),
    ] {
        let HttpError::Unreachable { obstacle, what, .. } = through.explain(error) else { panic!("{words}") };
        assert_eq!((obstacle, what.contains(words)), (Obstacle::Proxy, true), "{what}");
    }
    let named = through.explain(ureq::Error::Io(look_up())).to_string();
    assert!(named.contains("the name of the proxy http://proxy:8080"), "{named}");
}

fn proxy(value: &str) -> Proxy {
    let env = crate::env::Env::pretended(&[("HTTPS_PROXY", value)]);
    ProxyRule::from_env(&env).proxy_for(true, "oidc.example", 443).unwrap().parse().unwrap()
}

#[test]
fn every_error_names_the_proxy_on_the_way_without_its_password() {
    use std::io::{Error, ErrorKind};
    for (setting, shown) in [
        ("http://ann:hidden@proxy.corp:8080", "http://proxy.corp:8080"),
        ("ann:hidden@proxy.corp:8080", "http://proxy.corp:8080"),
        ("proxy.corp:8080", "http://proxy.corp:8080"),
        ("https://ann:hidden@proxy.corp:8443", "https://proxy.corp:8443"),
        ("socks5://ann:hidden@proxy.corp:1080", "socks5://proxy.corp:1080"),
        ("socks4a://proxy.corp:1080", "socks4a://proxy.corp:1080"),
    ] {
        let place = Place { via: Some(proxy(setting)), ..Place::of("https://oidc.example/token").unwrap() };
        for error in [
            ureq::Error::Timeout(ureq::Timeout::Resolve),
            ureq::Error::Timeout(ureq::Timeout::Connect),
            ureq::Error::Timeout(ureq::Timeout::Global),
            ureq::Error::Timeout(ureq::Timeout::RecvResponse),
            ureq::Error::Tls("no"),
            ureq::Error::Rustls(rustls::Error::DecryptError),
            ureq::Error::HostNotFound,
            ureq::Error::BodyExceedsLimit(7),
            ureq::Error::ConnectProxyFailed("proxy server responded 407/407".to_owned()),
            ureq::Error::ConnectionFailed,
            ureq::Error::Io(Error::other(format!("{LOOK_UP_FAILED}x"))),
            ureq::Error::Io(ErrorKind::TimedOut.into()),
            ureq::Error::Io(ErrorKind::ConnectionRefused.into()),
            ureq::Error::Io(ErrorKind::ConnectionReset.into()),
            ureq::Error::Io(ErrorKind::NetworkUnreachable.into()),
            ureq::Error::Io(ErrorKind::UnexpectedEof.into()),
            ureq::Error::Io(Error::other("general SOCKS server failure")),
        ] {
            let debug = format!("{error:?}");
            let text = place.explain(error).to_string();
            assert!(text.contains(shown) && !text.contains("hidden"), "{debug}: {text}");
        }
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_told_before_any_connection() {
    let env = crate::env::Env::pretended(&[("HTTPS_PROXY", "ftp://ann:hidden@proxy.corp:21")]);
    let settings = HttpSettings { proxy: ProxyRule::from_env(&env), ..HttpSettings::default() };
    let error = Http::new(settings).send(&get("https://oidc.us-east-1.amazonaws.com/")).unwrap_err();
    assert!(matches!(error, HttpError::BadProxy(_)), "{error}");
    assert!(!error.to_string().contains("hidden"), "{error}");
}

#[test]
fn link_local_addresses_are_no_exception_to_the_rule_on_plain_http() {
    let http = Http::new(HttpSettings::default());
    for host in ["169.254.169.254", "169.254.170.2", "169.254.170.23", "[fd00:ec2::254]", "[fd00:ec2::23]"] {
        let error = http.send(&get(&format!("http://{host}/token"))).unwrap_err();
        assert!(matches!(error, HttpError::PlainHttp { .. }), "{host}: {error}");
    }
}

#[test]
fn nothing_listening_is_said() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Http::new(HttpSettings::default())
        .send(&get(&format!("http://127.0.0.1:{port}/secret")))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot reach http://127.0.0.1:{port}: nothing is listening there")
    );
}
