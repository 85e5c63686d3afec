//! The authorization code grant of the center, asked for by a client that is nothing but HTTP: a terminal that listens on a
//! loopback port and opens an address in a browser.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use testkit::Center;

use crate::machine;

const REDIRECT_URI: &str = "http://127.0.0.1:38381/oauth/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Head and body of an answer.
pub(crate) fn ask(center: &Center, line: &str, body: &str) -> (String, String) {
    ask_with(center, line, "Accept: */*", body)
}

/// The same with more header lines.
pub(crate) fn ask_with(center: &Center, line: &str, headers: &str, body: &str) -> (String, String) {
    let host = center.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

pub(crate) fn post(center: &Center, path: &str, body: &Value) -> Value {
    serde_json::from_str(&ask(center, &format!("POST {path}"), &body.to_string()).1).unwrap()
}

/// A registration as the AWS CLI makes it, and the path that it opens in the browser.
fn register(center: &Center) -> (Value, String) {
    let client = post(
        center,
        "/client/register",
        &json!({
            "clientName": "botocore-client-dev", "clientType": "public",
            "grantTypes": ["authorization_code", "refresh_token"],
            "redirectUris": ["http://127.0.0.1/oauth/callback"],
            "issuerUrl": center.start_url(), "scopes": ["sso:account:access"],
        }),
    );
    let path = format!(
        "/authorize?response_type=code&client_id={}&redirect_uri={}&state=5b9d&code_challenge_method=S256\
         &scopes=sso%3Aaccount%3Aaccess&code_challenge={CHALLENGE}",
        client["clientId"].as_str().unwrap(),
        REDIRECT_URI.replace(':', "%3A").replace('/', "%2F"),
    );
    (client, path)
}

fn exchange(center: &Center, client: &Value, redirect: &str) -> Value {
    let (uri, query) = redirect.split_once("?code=").unwrap();
    let (code, rest) = query.split_once('&').unwrap();
    assert_eq!((uri, rest.split('&').next().unwrap()), (REDIRECT_URI, "state=5b9d"));
    let request = json!({
        "clientId": client["clientId"], "clientSecret": client["clientSecret"], "grantType": "authorization_code",
        "code": code, "redirectUri": REDIRECT_URI, "codeVerifier": VERIFIER,
    });
    post(center, "/token", &request)
}

#[test]
fn with_auto_approval_a_browser_goes_straight_back_to_the_terminal() {
    let machine = machine();
    let center = machine.center(&["--auto-approve", "demo"]);
    let (client, path) = register(&center);
    let (head, _) = ask(&center, &format!("GET {path}"), "");
    assert!(head.starts_with("HTTP/1.1 303"), "{head}");
    let redirect = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let tokens = exchange(&center, &client, redirect);
    assert!(tokens["accessToken"].as_str().unwrap().starts_with("aoa"), "{tokens}");
    assert!(tokens["refreshToken"].as_str().unwrap().starts_with("aor"), "{tokens}");
}

#[test]
fn an_administrator_lets_a_terminal_in_and_carries_the_answer() {
    let machine = machine();
    let center = machine.center(&[]);
    let (client, path) = register(&center);
    let (head, page) = ask(&center, &format!("GET {path}"), "");
    assert!(head.starts_with("HTTP/1.1 200") && page.contains("Sign in"), "{head}\n{page}");

    let url = format!("{}{path}", center.url());
    let outcome = machine.aldis(&["center", "authorize", &url, "--person", "demo"]).run();
    outcome.says(&[]);
    let redirect = outcome.stdout.strip_suffix('\n').unwrap();
    let tokens = exchange(&center, &client, redirect);
    assert!(tokens["accessToken"].is_string(), "{tokens}");
    assert_eq!(exchange(&center, &client, redirect)["error"], "invalid_grant");

    let words =
        ["center", "authorize", &url, "--person", "demo", "--center", center.url(), "--output", "json"];
    let out: Value = serde_json::from_str(&machine.aldis(&words).ok()).unwrap();
    let tokens = exchange(&center, &client, out["redirect"].as_str().unwrap());
    assert!(tokens["accessToken"].is_string(), "{tokens}");

    let log = machine.aldis(&["center", "audit", "--output", "json"]).ok();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let approved = events.iter().find(|event| event["eventName"] == "Authorize").unwrap();
    assert!(approved["userIdentity"]["uid"].is_u64(), "{approved}");
    assert_eq!(approved["additionalEventData"]["UserName"], "demo");
}

#[test]
fn what_cannot_be_let_in_is_told_why() {
    let machine = machine();
    let center = machine.center(&[]);
    let (_, path) = register(&center);
    let url = format!("{}{path}", center.url());
    let authorize =
        |url: &str, person: &str| machine.aldis(&["center", "authorize", url, "--person", person]).run();
    authorize(&url, "nobody").fails(254, &["nobody", "demo"]);
    authorize(&url.replace("client_id=", "client_id=x"), "demo").fails(254, &["not registered here"]);
    authorize(&url.replace("S256", "plain"), "demo").fails(254, &["S256"]);
    authorize(center.url(), "demo").fails(254, &["/authorize", "hint:"]);
}
