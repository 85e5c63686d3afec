//! A short run of malformed requests to every path: the center refuses each, goes on, and does not grow.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use testkit::Center;

use crate::{begin_login, decide, machine};

/// Every path of the center's table, and one that is not in it.
const PATHS: &[&str] = &[
    "/client/register",
    "/device_authorization",
    "/token",
    "/authorize",
    "/assignment/accounts",
    "/assignment/roles",
    "/federation/credentials",
    "/token/whoAmI",
    "/logout",
    "/",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/oauth/register",
    "/oauth/device_authorization",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/authorize",
    "/start",
    "/sign-in",
    "/sign-out",
    "/device",
    "/device/decide",
    "/device/done",
    "/authorize/decide",
    "/no/such/path",
];
const JSON: &str = "Content-Type: application/json\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// What may come between two looks, in KiB: the page cache of SQLite fills up to two megabytes, and no further.
const NOISE: u64 = 2560;

/// Bodies that no parser should like, with a header that asks for one.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let deep = "[".repeat(10_000);
    let deep_object = "{\"clientName\":".repeat(5_000);
    let numbers = format!("{{\"clientName\":{}}}", "9".repeat(10_000));
    let json: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{".to_vec(),
        b"{\"clientName\":\"n\",\"clientType\":\"pub".to_vec(),
        b"null".to_vec(),
        deep.clone().into_bytes(),
        deep_object.into_bytes(),
        format!("{{\"x\":{deep}").into_bytes(),
        numbers.into_bytes(),
        b"{\"clientName\":1e999999,\"clientType\":-0}".to_vec(),
        b"{\"clientName\":\"a\",\"clientName\":\"b\",\"clientType\":\"public\"}".to_vec(),
        b"{\"clientId\":[],\"clientSecret\":{},\"grantType\":7,\"startUrl\":null}".to_vec(),
        b"{\"clientId\":\"\\u0000\",\"clientSecret\":\"\\ud800\",\"grantType\":\"x\",\"startUrl\":\"x\"}".to_vec(),
        b"{\"clientId\":\"x\",\"clientSecret\":\"x\",\"grantType\":\"refresh_token\",\"refreshToken\":\"\xff\"}".to_vec(),
        b"\xef\xbb\xbf{\"clientName\":\"\0\"}".to_vec(),
        vec![b'{'; 64 * 1024 + 1],
        vec![0; 64 * 1024],
    ];
    let form: Vec<Vec<u8>> = vec![
        b"%".to_vec(),
        b"%FF=%00&%=%zz&&=&=&".to_vec(),
        b"client_id=\xff\xfe&grant_type=\0".to_vec(),
        b"client_id=a&client_id=b&token=c&token=d&grant_type=x".to_vec(),
        b"Action=GetCallerIdentity&Version=2011-06-15&Action=Nothing".to_vec(),
        b"client_id=x&grant_type=refresh_token&refresh_token=aor%20%20".to_vec(),
        "a&".repeat(30_000).into_bytes(),
        format!("client_id={}&token=x", "A".repeat(65_000)).into_bytes(),
        vec![b'='; 64 * 1024 + 1],
    ];
    let as_json = json.into_iter().map(|body| (JSON, body));
    as_json.chain(form.into_iter().map(|body| (FORM, body))).collect()
}

/// What comes after the path of a request line.
fn queries() -> Vec<String> {
    let long = "a".repeat(8_000);
    [
        "?",
        "?%",
        "?%FF=%00&=&&",
        "?client_id=a&client_id=b&redirect_uri=",
        "?user_code=%00%F0%9F%92%A9",
        "?account_id=111122223333&account_id=x&max_result=99999999999999999999",
        "?next_token=%FF%FE&max_result=-1&role_name=%0d%0aX:%20y",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([format!("?client_id={long}&scope={}", "+".repeat(8_000)), format!("?{}", "x&".repeat(4_000))])
    .collect()
}

/// Header lines, each of which ends in a line break.
fn headers() -> Vec<String> {
    let many: String = (0..90).map(|number| format!("X-{number}: {number}\r\n")).collect();
    let flood: String = (0..2_000).map(|number| format!("X-{number}: {number}\r\n")).collect();
    vec![
        "Authorization: Basic\r\n".to_owned(),
        "Authorization: Basic ====\r\nAuthorization: Bearer x\r\n".to_owned(),
        format!("Authorization: AWS4-HMAC-SHA256 Credential={}\r\n", "/".repeat(5_000)),
        "Authorization: AWS4-HMAC-SHA256 Credential=A/B/C/D/E, SignedHeaders=;;, Signature=zz\r\n".to_owned(),
        "x-amz-sso_bearer_token: \r\nx-amz-sso_bearer_token: x\r\n".to_owned(),
        format!("x-amz-sso_bearer_token: aoa{}\r\n", "A".repeat(9_000)),
        "User-Agent: \u{202e}\u{fffd}\u{1f4a9}\r\nX-Forwarded-For: ,,,\r\nForwarded: for=\"\r\n".to_owned(),
        "Cookie: a=b; a=c; =; \"\r\nOrigin: null\r\nSec-Fetch-Site: x\r\n".to_owned(),
        many,
        flood,
        format!("X-Long: {}\r\n", "x".repeat(500_000)),
    ]
}

/// Whole requests that are no HTTP, or hardly.
fn nonsense(host: &str, path: &str) -> Vec<Vec<u8>> {
    let head = |line: &str, more: &str| format!("{line}\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n");
    let post = format!("POST {path} HTTP/1.1");
    let chunked = "Transfer-Encoding: chunked\r\n";
    [
        head(&post, chunked) + "zz\r\nx\r\n0\r\n\r\n",
        head(&post, chunked) + "ffffffffffffffffff\r\nx",
        head(&post, chunked) + "1\r\nxx\r\n0\r\n\r\n",
        head(&post, chunked) + "5;ext=\"\r\n{\"a\":\r\n0\r\nX: y\r\n\r\n",
        head(&post, "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n") + "0\r\n\r\n",
        head(&post, "Content-Length: -1\r\n"),
        head(&post, "Content-Length: 99999999999999999999999\r\n"),
        head(&post, "Content-Length: 1\r\nContent-Length: 2\r\n") + "xx",
        head(&post, "Content-Length: 100\r\n") + "{",
        head(&post, "Expect: 100-continue\r\nContent-Length: 2\r\n") + "{}",
        head(&format!("GET {path}\0 HTTP/1.1"), ""),
        head(&format!("GET {path} HTTP/9.9"), ""),
        head(&format!("G\u{fc}T {path} HTTP/1.1"), ""),
        head(&format!("GET {path} HTTP/1.1"), "No colon here\r\n"),
        head(&format!("GET {path} HTTP/1.1"), " folded: x\r\n"),
        format!("GET {path}\r\n\r\n"),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}".to_owned(),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect()
}

/// A request, and whether it has the end that it announces.
struct Request {
    bytes: Vec<u8>,
    is_whole: bool,
}

/// All requests of one run.
fn requests(host: &str) -> Vec<Request> {
    let mut all = Vec::new();
    for path in PATHS {
        for method in ["GET", "POST"] {
            let mut add = |target: &str, more: &str, body: &[u8]| {
                let head =
                    format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}");
                let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
                all.push(Request { bytes: [head.as_bytes(), body].concat(), is_whole: true });
            };
            bodies().iter().for_each(|(header, body)| add(path, header, body));
            queries().iter().for_each(|query| add(&format!("{path}{query}"), "", b""));
            headers().iter().for_each(|header| add(path, header, b""));
        }
        all.extend(nonsense(host, path).into_iter().map(|bytes| Request { bytes, is_whole: false }));
    }
    all
}

/// Sends a request and hands over the status of the answer, if there is one.
fn send(host: &str, request: &Request) -> Option<u16> {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A center that has read enough closes, and what was still on the way is lost with it.
    let _ = stream.write_all(&request.bytes);
    if !request.is_whole {
        // Or the center would wait for the rest. (A whole one keeps its way back open.)
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    let status = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "))?;
    status.get(..3)?.parse().ok()
}

/// Sends all of them.
fn run(host: &str, requests: &[Request]) {
    let statuses = requests.iter().map(|request| (request, send(host, request)));
    let answered = statuses
        .filter_map(|(request, status)| {
            let begin = String::from_utf8_lossy(&request.bytes[..request.bytes.len().min(300)]);
            status.inspect(|status| assert!(*status < 500, "{status} for {begin:?}"))
        })
        .count();
    assert!(answered * 10 > requests.len() * 9, "{answered} of {} were answered", requests.len());
}

/// The memory of the center's process, in KiB.
fn resident(center: &Center) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", center.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn malformed_requests_neither_end_the_center_nor_make_it_grow() {
    let routes = include_str!("../../../center-web/src/routes.rs").matches(".route(").count();
    assert_eq!(PATHS.len() - 1, routes, "the table of routes has paths that PATHS lacks, or the reverse");

    // glibc's allocator gives back at once what is large, so that what stays is what was forgotten.
    let machine = machine().with("MALLOC_MMAP_THRESHOLD_", "16384").with("MALLOC_TRIM_THRESHOLD_", "65536");
    let center = machine.center_with(&["--listen", "127.0.0.1:0", "--output", "json"]);
    machine.configure(center.start_url());
    let host = center.url().trim_start_matches("http://").to_owned();
    let requests = requests(&host);
    run(&host, &requests);
    let before = resident(&center);
    run(&host, &requests);
    let after = resident(&center);
    assert!(after < before + NOISE, "from {before} to {after} KiB");

    let (login, code) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
    decide(&machine, "approve", &code);
    login.finish().says(&["Signed in"]);
    let outcome = center.terminate();
    assert!(outcome.code == Some(0) && !outcome.stderr.contains("panic"), "{outcome}");
}
