//! Stories of people and their browser: Debian's Chromium on the pages of a real center, with mouse and keys. Each page that
//! they come past is looked at on a phone and a laptop, light and dark, and axe-core has nothing to say against it; pictures
//! are in `target/screens`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a story that cannot go on may panic, and sets its machine up from outside"
)]

mod code;
mod device;
mod pages;
mod strangers;

use std::net::Ipv4Addr;
use std::sync::Mutex;

use serde_json::{Value, json};
use testkit::{Ask, Center, Machine, Page, Running, Site, screens};

const PHONE: (u32, u32) = (390, 844);
const LAPTOP: (u32, u32) = (1280, 800);

/// A machine with the binary of this build, configured for a center of its own.
fn machine_and_center(words: &[&str]) -> (Machine, Center) {
    let machine = Machine::new(env!("CARGO_BIN_EXE_aldis"));
    let center = machine.center(words);
    machine.configure(center.start_url());
    (machine, center)
}

/// The password of `demo`.
fn password(center: &Center) -> &str {
    center.ready["people"][0]["password"].as_str().expect("a password")
}

/// Looks at the page in all four variants: takes its picture, and expects that nothing is wrong with it and nothing is cut off.
fn look(page: &Page<'_>, name: &str) {
    for (device, (width, height)) in [("phone", PHONE), ("laptop", LAPTOP)] {
        page.resize(width, height);
        for scheme in ["light", "dark"] {
            page.prefers(scheme);
            page.screenshot(&screens().join(format!("{name}-{device}-{scheme}.png")));
            assert_eq!(page.axe(), [""; 0], "{name}, {device}, {scheme}");
            let overhang = page.eval("document.documentElement.scrollWidth - innerWidth");
            assert!(overhang.as_i64().unwrap() <= 0, "{name}, {device}: {overhang} pixels too wide");
        }
    }
}

/// Expects that the browser complained of nothing but refusals that are meant, and asked nobody but these.
fn nothing_else(page: &Page<'_>, sites: &[&str]) {
    let errors = page.errors();
    let faults: Vec<&String> =
        errors.iter().filter(|error| !error.contains("the server responded with a status of")).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    for url in page.requests() {
        assert!(
            url == "about:blank" || sites.iter().any(|site| url.starts_with(&format!("{site}/"))),
            "{url}"
        );
    }
}

/// Signs in as `demo` with the mouse; the page must be the one for it.
fn sign_in(page: &Page<'_>, center: &Center) {
    page.type_into("username", "demo");
    page.type_into("password", password(center));
    page.lead_on(|page| page.click("Sign in"));
}

/// Starts `aldis login` and waits until it shows its code.
fn begin_login(machine: &Machine) -> (Running, String) {
    let mut running = machine.aldis(&["login", "--use-device-code", "--no-browser"]).start();
    let code = running.wait_for("a user code", |line| {
        let is_code = line.len() == 9
            && line
                .bytes()
                .enumerate()
                .all(|(place, byte)| if place == 4 { byte == b'-' } else { byte.is_ascii_uppercase() });
        is_code.then(|| line.to_owned())
    });
    (running, code)
}

/// A terminal that waits for an authorization code; what listens for it answers with a page of its own.
struct Terminal {
    client: Value,
    listener: Site,
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Terminal {
    /// A registration as the AWS CLI makes it, under that name.
    fn begin(center: &Center, name: &str) -> Self {
        let request = json!({
            "clientName": name, "clientType": "public",
            "grantTypes": ["authorization_code", "refresh_token"],
            "redirectUris": ["http://127.0.0.1/oauth/callback"],
            "issuerUrl": center.start_url(), "scopes": ["sso:account:access"],
        });
        let client = Ask::new(center.port(), "POST /client/register").json(&request).send().json();
        assert!(client["clientId"].is_string(), "{client}");
        let listener =
            Site::of("<!DOCTYPE html><html lang=en><title>Back</title><h1>Back in the terminal</h1>");
        Self { client, listener }
    }

    fn redirect_uri(&self) -> String {
        format!("{}/oauth/callback", self.listener.url("127.0.0.1"))
    }

    /// The address that it opens.
    fn question(&self, center: &Center) -> String {
        format!(
            "{}/authorize?response_type=code&client_id={}&redirect_uri={}&state=5b9d&code_challenge_method=S256\
             &scopes=sso%3Aaccount%3Aaccess&code_challenge={CHALLENGE}",
            center.url(),
            self.client["clientId"].as_str().unwrap(),
            self.redirect_uri().replace(':', "%3A").replace('/', "%2F"),
        )
    }

    /// What it gets for an answer at its listener.
    fn exchange(&self, center: &Center, answer: &str) -> Value {
        let (_, query) = answer.split_once("?code=").expect("a code");
        let (code, rest) = query.split_once('&').unwrap();
        assert!(rest.starts_with("state=5b9d"), "{answer}");
        let request = json!({
            "clientId": self.client["clientId"], "clientSecret": self.client["clientSecret"],
            "grantType": "authorization_code", "code": code, "redirectUri": self.redirect_uri(),
            "codeVerifier": VERIFIER,
        });
        Ask::new(center.port(), "POST /token").json(&request).send().json()
    }
}

/// A device that starts a sign-in from that address of this computer under that name.
fn start_device(center: &Center, name: &str, from: Ipv4Addr) -> Value {
    let ask = |path: &str, body: Value| {
        let answer = Ask::new(center.port(), &format!("POST {path}")).json(&body).from(from).send();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let client = ask("/client/register", json!({ "clientName": name, "clientType": "public" }));
    ask(
        "/device_authorization",
        json!({
            "clientId": client["clientId"], "clientSecret": client["clientSecret"], "startUrl": center.start_url(),
        }),
    )
}

/// One test at a time where nothing else sees to it: a browser is several processes.
static ONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
