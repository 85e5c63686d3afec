//! Signing in with a browser that comes back: the listener on loopback, whoever else visits it, and browsers that do not do
//! what they should. The browser here is nothing but HTTP; a real one has tests of its own.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use testkit::{Center, Machine, Outcome, Run, Running};

use crate::{TOKEN, machine, machine_and_center};

/// Status, `Location` and body of an answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    head: String,
    body: String,
}

fn connect(host: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(testkit::PATIENCE))?;
    Ok(stream)
}

/// Opens an address as a browser does, without following what it answers.
pub(crate) fn visit(address: &str) -> Answer {
    let rest = address.strip_prefix("http://").expect("an http address");
    let (host, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    ask(
        host,
        &format!("GET {} HTTP/1.1\r\nHost: {host}\r\n\r\n", if target.is_empty() { "/" } else { target }),
    )
}

fn ask(host: &str, request: &str) -> Answer {
    let mut stream = connect(host).unwrap();
    stream.write_all(request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let location = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then(|| value.to_owned())
    });
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Answer { status, location, head: head.to_owned(), body: body.to_owned() }
}

/// Follows redirects to their end.
pub(crate) fn browse(address: &str) -> Answer {
    let mut answer = visit(address);
    while let Some(location) = answer.location.take() {
        answer = visit(&location);
    }
    answer
}

/// A sign-in that waits for a browser.
struct Waiting {
    running: Running,
    /// What it shows.
    link: String,
    /// Where it listens.
    host: String,
}

impl Waiting {
    fn begin(run: Run<'_>) -> Self {
        let mut running = run.start();
        let link = running.wait_for("a link", |line| {
            line.trim()
                .starts_with("http://")
                .then(|| line.trim().to_owned())
                .filter(|line| line.contains("/authorize?"))
        });
        let host = "127.0.0.1:".to_owned()
            + link.split("127.0.0.1%3A").nth(1).unwrap_or_default().split("%2F").next().unwrap_or_default();
        Self { running, link, host }
    }

    fn state(&self) -> String {
        self.link.split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned()
    }

    /// The address of an answer to it, as its center at `issuer` would give it.
    fn answer(&self, issuer: &str, members: &str) -> String {
        let issuer = issuer.replace(':', "%3A").replace('/', "%2F");
        format!("http://{}/oauth/callback?{members}&state={}&iss={issuer}", self.host, self.state())
    }
}

pub(crate) fn approving() -> (Machine, Center) {
    machine_and_center(&["--auto-approve", "demo"])
}

fn login(machine: &Machine) -> Waiting {
    Waiting::begin(machine.aldis(&["login", "--flow", "browser", "--no-browser"]))
}

/// Nobody listens there any more.
#[track_caller]
pub(crate) fn closed(host: &str) {
    let error = TcpStream::connect(host).expect_err("somebody still listens");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

/// A program in the machine's home that does what the script says.
pub(crate) fn program(machine: &Machine, name: &str, script: &str) -> String {
    machine.write(name, &format!("#!/bin/sh\n{script}\n"));
    let path = machine.home().join(name);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn registrations(machine: &Machine) -> usize {
    machine.aldis(&["center", "audit"]).ok().matches("RegisterClient").count()
}

fn no_trace_of(secrets: &[&str], outcome: &Outcome) {
    for secret in secrets {
        assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{secret}: {outcome}");
    }
}

#[test]
fn a_short_link_leads_to_the_long_one_and_a_wrong_one_closes_nothing() {
    let (machine, _center) = approving();
    // An editor's helper opens the browser where the person is, whatever machine the tests run on.
    let helper = program(&machine, "helpers/browser.sh", "exit 0");
    machine.write("hook", "");
    let hook = machine.home().join("hook").display().to_string();
    let run = machine.aldis(&["login", "--flow", "browser"]).with("BROWSER", &helper);
    let mut waiting = Waiting::begin(run.with("VSCODE_IPC_HOOK_CLI", &hook));
    let own = format!("http://{}/", waiting.host);
    let short = waiting.running.wait_for("a short link", |line| {
        line.trim().strip_prefix(&own).map(str::to_owned).filter(|path| !path.contains('/'))
    });
    assert_eq!(short.len(), 22, "128 bits in base64url: {short}");
    for wrong in ["", "x", &short[1..], &format!("{short}/"), &short.to_ascii_lowercase()] {
        assert_eq!(visit(&format!("{own}{wrong}")).status, 404, "{wrong}");
    }
    let other_host = ask(&waiting.host, &format!("GET /{short} HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
    assert_eq!((other_host.status, other_host.location), (421, None));
    let answer = visit(&format!("{own}{short}"));
    assert_eq!((answer.status, answer.location.as_deref()), (303, Some(waiting.link.as_str())));
    assert_eq!(browse(&format!("{own}{short}")).status, 200);
    waiting.running.finish().says(&["Signed in to dev"]);
    closed(&waiting.host);
}

#[test]
fn signed_in_by_a_browser_and_all_the_way_to_an_identity() {
    let (machine, center) = approving();
    let waiting = login(&machine);
    let back = visit(&waiting.link).location.unwrap();
    assert!(back.starts_with(&format!("http://{}/oauth/callback?code=", waiting.host)), "{back}");
    let page = browse(&back);
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("Signed in to dev") && page.body.contains("may close this page"),
        "{}",
        page.body
    );
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let outcome = waiting.running.finish();
    outcome.says(&["Signed in", "renewed by itself"]);
    assert_eq!(outcome.stdout, "", "words go to standard error");
    // C13: the code is nobody's business, though it works no more.
    no_trace_of(&[&code], &outcome);
    closed(&waiting.host);

    let token: Value = serde_json::from_str(&machine.read(TOKEN)).unwrap();
    assert_eq!(token["startUrl"], center.start_url());
    assert!(token["refreshToken"].is_string());
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
    let registration = machine
        .files()
        .into_iter()
        .filter(|(path, mode)| path.contains("sso/cache") && *mode == 0o600)
        .map(|(path, _)| machine.read(&path))
        .find(|text| text.contains("grantTypes"))
        .expect("a registration where the AWS CLI looks");
    assert!(
        registration.contains("\"grantTypes\": [\"authorization_code\", \"refresh_token\"]"),
        "{registration}"
    );
}

#[test]
fn c9_the_code_stays_in_no_address_bar_and_the_page_holds_nothing() {
    let (machine, _center) = approving();
    let waiting = login(&machine);
    let back = visit(&waiting.link).location.unwrap();
    let answer = visit(&back);
    assert_eq!((answer.status, answer.body.as_str()), (303, ""));
    let clean = answer.location.unwrap();
    assert_eq!(clean, format!("http://{}/oauth/end", waiting.host));
    let page = visit(&clean);
    for header in ["Cache-Control: no-store", "Referrer-Policy: no-referrer", "default-src 'none'"] {
        assert!(page.head.contains(header), "{}", page.head);
    }
    assert!(!page.body.contains("aoa") && !page.body.contains("<script"), "{}", page.body);
    waiting.running.finish().says(&["Signed in"]);
}

#[test]
fn strangers_at_the_listener_change_nothing() {
    let (machine, center) = approving();
    let waiting = login(&machine);
    // Idle and half connections, as browsers open them ahead and scanners leave them.
    let idle: Vec<TcpStream> = (0..20).map(|_| connect(&waiting.host).unwrap()).collect();
    let halves: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut half = connect(&waiting.host).unwrap();
            half.write_all(b"GET /oauth/callback?code=a&state=").unwrap();
            half
        })
        .collect();
    for (target, status) in [
        ("/favicon.ico", 404),
        ("/", 404),
        ("/oauth/callback", 400),
        ("/oauth/callback?code=stolen&state=guessed", 400),
        // C8: an error without our state is no answer either; the AWS CLI ends on it.
        ("/oauth/callback?error=access_denied", 400),
        ("/oauth/callback?error=access_denied&state=guessed", 400),
        ("/../../etc/passwd", 404),
    ] {
        assert_eq!(visit(&format!("http://{}{target}", waiting.host)).status, status, "{target}");
    }
    for wrong in [
        waiting.answer("http://evil.example", "code=stolen"),
        waiting.answer(center.url(), "code=a&error=b"),
        waiting.answer(center.url(), "code=a").replace("&state=", "&state=x"),
        waiting.answer(center.url(), "code=a") + "&state=again",
    ] {
        assert_eq!(visit(&wrong).status, 400, "{wrong}");
    }
    let rebound = waiting.answer(center.url(), "code=stolen");
    let target = rebound.split_once(&waiting.host).unwrap().1;
    for (line, host, status) in
        [("GET", "evil.example", 421), ("GET", "localhost", 421), ("POST", waiting.host.as_str(), 405)]
    {
        let request = format!("{line} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(ask(&waiting.host, &request).status, status, "{line} {host}");
    }
    for garbage in ["\u{16}\u{3}\u{1}\u{2}\r\n\r\n", "SSH-2.0-scanner\r\n\r\n", "GET\r\n\r\n"] {
        ask(&waiting.host, garbage);
    }
    assert_eq!(browse(&waiting.link).status, 200);
    waiting.running.finish().says(&["Signed in"]);
    drop((idle, halves));
}

#[test]
fn a_no_of_the_center_ends_it_in_page_and_terminal() {
    let (machine, center) = approving();
    let waiting = login(&machine);
    let no = waiting.answer(center.url(), "error=access_denied&error_description=Not%20you%1B[31m%3Cb%3E");
    let page = browse(&no);
    assert_eq!(page.status, 403);
    assert!(
        page.body.contains("Not signed in to dev") && page.body.contains("Not you[31m&lt;b&gt;"),
        "{}",
        page.body
    );
    waiting.running.finish().fails(255, &["refused: Not you[31m<b> (access_denied)", "hint:", "aldis login"]);
    closed(&waiting.host);
    assert!(!machine.home().join(TOKEN).exists());
}

#[test]
fn a_browser_that_closes_at_once_has_brought_its_answer() {
    let (machine, _center) = approving();
    let waiting = login(&machine);
    let back = visit(&waiting.link).location.unwrap();
    let target = back.split_once(&waiting.host).unwrap().1;
    let mut stream = connect(&waiting.host).unwrap();
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", waiting.host).as_bytes()).unwrap();
    drop(stream);
    waiting.running.finish().says(&["Signed in"]);
    closed(&waiting.host);
}

#[test]
fn a_second_answer_is_told_that_it_is_one() {
    let (machine, _center) = approving();
    let waiting = login(&machine);
    let backs: Vec<String> = (0..2).map(|_| visit(&waiting.link).location.unwrap()).collect();
    let first = visit(&backs[0]);
    assert_eq!(first.status, 303);
    // The listener is open until the browser that won has its page, and hears nobody else.
    let again = visit(&backs[1]);
    assert_eq!(again.status, 409);
    assert!(again.body.contains("answered before"), "{}", again.body);
    assert_eq!(browse(&first.location.unwrap()).status, 200);
    waiting.running.finish().says(&["Signed in"]);
    closed(&waiting.host);
}

#[test]
fn a_code_that_is_not_the_centers_is_no_sign_in() {
    let (machine, center) = approving();
    let waiting = login(&machine);
    let page = browse(&waiting.answer(center.url(), "code=forged"));
    assert_eq!(page.status, 403);
    waiting.running.finish().fails(254, &["refused CreateToken", "hint:", "aldis login"]);
    assert!(!machine.home().join(TOKEN).exists());
    closed(&waiting.host);
}

#[test]
fn nobody_comes_within_ten_minutes() {
    let (machine, _center) = approving();
    let clock = machine.home().join("clock").display().to_string();
    let waiting = Waiting::begin(
        machine.aldis(&["login", "--flow", "browser", "--no-browser"]).with("ALDIS_TEST_CLOCK", &clock),
    );
    machine.write("clock", "601");
    waiting.running.finish().fails(255, &["within ten minutes", "--use-device-code"]);
    closed(&waiting.host);
}

#[test]
fn ctrl_c_and_its_like_leave_nothing_that_listens() {
    let (machine, _center) = approving();
    for (signal, code) in [("INT", 130), ("HUP", 129), ("TERM", 143)] {
        let waiting = login(&machine);
        waiting.running.signal(signal);
        let outcome = waiting.running.finish();
        assert_eq!(outcome.code, Some(code), "{outcome}");
        closed(&waiting.host);
    }
    assert!(!machine.home().join(TOKEN).exists());
    assert!(machine.files().iter().all(|(path, _)| !path.ends_with(".tmp")));
}

#[test]
fn the_port_is_chosen_by_option_or_by_config() {
    let (machine, center) = approving();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let waiting = Waiting::begin(machine.aldis(&[
        "login",
        "--flow",
        "browser",
        "--no-browser",
        "--redirect-port",
        &port.to_string(),
    ]));
    assert_eq!(waiting.host, format!("127.0.0.1:{port}"));
    // Somebody else's port is told to be one, before anything is shown.
    let other = crate::machine();
    other.configure(center.start_url());
    let taken = other
        .aldis(&["login", "--flow", "browser", "--no-browser", "--redirect-port", &port.to_string()])
        .run();
    taken.fails(255, &["is taken", &port.to_string(), "--use-device-code"]);
    assert!(!taken.stderr.contains("/authorize"), "{taken}");
    browse(&waiting.link);
    waiting.running.finish().says(&["Signed in"]);

    let config = |key: &str| {
        machine.write(
            ".aws/config",
            &format!("[sso-session dev]\nsso_start_url = {}\n{key}\n", center.start_url()),
        );
    };
    config(&format!("sso_redirect_port = {port}"));
    let waiting = login(&machine);
    assert_eq!(waiting.host, format!("127.0.0.1:{port}"));
    browse(&waiting.link);
    waiting.running.finish().says(&["Signed in"]);

    config("sso_redirect_port = 70000");
    machine
        .aldis(&["login", "--flow", "browser", "--no-browser"])
        .run()
        .fails(253, &["sso_redirect_port", "65535", "line 3", "hint:"]);
    config("sso_use_device_code = true");
    let outcome = machine.aldis(&["login", "--no-browser"]).run();
    outcome.says(&["/device", "Signed in"]);
    let waiting = Waiting::begin(machine.aldis(&["login", "--no-browser", "--flow", "browser"]));
    browse(&waiting.link);
    waiting.running.finish().says(&["Signed in"]);
}

#[test]
fn c10_a_browser_first_and_a_code_where_one_is_needed_or_named() {
    let machine = machine();
    let center = machine.center(&["--auto-approve", "demo"]);
    let url = center.start_url();
    machine.write(
        ".aws/config",
        &format!(
            "[profile old]\nsso_start_url = {url}\nsso_account_id = 111122223333\nsso_role_name = Developer\n"
        ),
    );
    machine.aldis(&["login", "--profile", "old", "--no-browser"]).run().says(&["/device", "Signed in"]);
    let words = ["login", "--profile", "old", "--no-browser", "--flow", "browser"];
    let waiting = Waiting::begin(machine.aldis(&words));
    assert!(!waiting.link.contains("scope"), "a client of the old kind asks for nothing by name");
    assert_eq!(browse(&waiting.link).status, 200);
    let outcome = waiting.running.finish();
    outcome.says(&["Signed in"]);
    assert!(!outcome.stderr.contains("renewed by itself"), "{outcome}");
    machine.aldis(&["whoami", "--profile", "old"]).ok();
}

#[test]
fn switching_flows_does_not_register_again() {
    let (machine, _center) = approving();
    for _ in 0..2 {
        let waiting = login(&machine);
        browse(&waiting.link);
        waiting.running.finish().says(&["Signed in"]);
        machine.aldis(&["login", "--no-browser", "--use-device-code"]).run().says(&["Signed in"]);
    }
    assert_eq!(registrations(&machine), 2, "one for each flow");
}

#[test]
fn the_aws_spelling_prints_the_link_on_standard_output() {
    let (machine, center) = approving();
    let waiting = Waiting::begin(machine.aldis(&[
        "sso",
        "login",
        "--flow",
        "browser",
        "--sso-session",
        "dev",
        "--no-browser",
    ]));
    browse(&waiting.link);
    let outcome = waiting.running.finish();
    outcome.says(&[]);
    assert!(outcome.stdout.contains(&waiting.link), "{outcome}");
    let success = format!("Successfully logged into Start URL: {}\n", center.start_url());
    assert!(outcome.stdout.ends_with(&success), "{outcome}");
}

#[test]
fn json_names_link_and_end() {
    let (machine, _center) = approving();
    let mut running =
        machine.aldis(&["login", "--flow", "browser", "--no-browser", "--output", "json"]).start();
    let asked: Value = running.wait_for("the question", |line| {
        serde_json::from_str(line).ok().filter(|event: &Value| event["event"] != "note")
    });
    assert_eq!((&asked["event"], &asked["flow"]), (&"action_required".into(), &"browser".into()));
    browse(asked["authorization_url"].as_str().unwrap());
    let outcome = running.finish();
    outcome.says(&[]);
    let last: Value = serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "signed_in");
    assert_eq!(outcome.stdout.lines().count(), 2, "{outcome}");
}

#[test]
fn the_browser_is_opened_on_the_link_and_not_where_nobody_wants_it() {
    let (machine, _center) = approving();
    let opened = machine.home().join("opened");
    let browser = program(
        &machine,
        "browser",
        &format!("printf %s \"$1\" > {0}.new; mv {0}.new {0}", opened.display()),
    );
    let waiting = Waiting::begin(machine.aldis(&["login", "--flow", "browser"]).with("BROWSER", &browser));
    let mut running = waiting.running;
    running.wait_for("word of the browser", |line| line.contains("opened with").then_some(()));
    let end = std::time::Instant::now() + testkit::PATIENCE;
    while !opened.exists() && std::time::Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(std::fs::read_to_string(&opened).unwrap(), waiting.link);
    browse(&waiting.link);
    running.finish().says(&["Signed in"]);

    std::fs::remove_file(&opened).unwrap();
    let waiting = Waiting::begin(
        machine.aldis(&["login", "--flow", "browser", "--no-browser"]).with("BROWSER", &browser),
    );
    browse(&waiting.link);
    let outcome = waiting.running.finish();
    outcome.says(&["Signed in"]);
    assert!(!opened.exists() && !outcome.stderr.contains("opened"), "{outcome}");
}

#[test]
fn browsers_that_block_fail_or_are_missing_are_survived() {
    let (machine, _center) = approving();
    let blocks = program(&machine, "blocks", "exec sleep 60");
    let fails = program(&machine, "fails", "exit 7");
    for (browser, word) in [(blocks, "opened with"), (fails, "fails failed")] {
        let mut waiting =
            Waiting::begin(machine.aldis(&["login", "--flow", "browser"]).with("BROWSER", &browser));
        waiting.running.wait_for(word, |line| line.contains(word).then_some(()));
        assert_eq!(browse(&waiting.link).status, 200);
        waiting.running.finish().says(&["Signed in"]);
    }
    let missing = machine.home().join("no-such-browser").display().to_string();
    let waiting = Waiting::begin(machine.aldis(&["login", "--flow", "browser"]).with("BROWSER", &missing));
    assert_eq!(browse(&waiting.link).status, 200);
    let outcome = waiting.running.finish();
    outcome.says(&["Signed in"]);
    assert!(!outcome.stderr.contains("opened with"), "{outcome}");
}

#[test]
fn a_home_that_cannot_keep_the_token_is_told_to_the_browser_too() {
    let (machine, _center) = approving();
    machine.give_to_somebody();
    let waiting =
        Waiting::begin(machine.aldis(&["login", "--flow", "browser", "--no-browser"]).as_somebody());
    machine.make_read_only(".aws/sso/cache");
    let page = browse(&waiting.link);
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(page.body.contains("cannot be kept"), "{}", page.body);
    waiting.running.finish().fails(255, &["cannot be kept", "hint:"]);
    closed(&waiting.host);
}

/// A center that takes calls and never answers.
fn black_hole() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

#[test]
fn ctrl_c_and_hang_up_are_heard_while_a_call_is_under_way() {
    for (signal, code) in [("INT", 130), ("HUP", 129)] {
        // While the center is looked up: nothing is watched yet, and the signal itself ends the process.
        let machine = machine();
        let (hole, address) = black_hole();
        machine.configure(&format!("{address}/start"));
        let run = machine.aldis(&["login", "--flow", "browser", "--no-browser"]).start();
        let call = hole.accept().unwrap();
        run.signal(signal);
        let outcome = run.finish();
        assert!(outcome.code.is_none_or(|ended| ended == code), "{outcome}");
        drop(call);

        // While the client registers.
        let session = "[sso-session dev]\nsso_start_url = https://d-1234567890.awsapps.com/start\nsso_region = us-east-1\n";
        machine.write(".aws/config", session);
        let run = machine
            .aldis(&["login", "--flow", "browser", "--no-browser"])
            .with("AWS_ENDPOINT_URL", &address)
            .start();
        let call = hole.accept().unwrap();
        run.signal(signal);
        assert_eq!(run.finish().code, Some(code));
        drop(call);

        // While the code is exchanged.
        let (machine, center) = approving();
        let waiting = login(&machine);
        let back = visit(&waiting.link).location.unwrap();
        let stopped = std::process::Command::new("kill").args(["-STOP", &center.pid().to_string()]).status();
        assert!(stopped.unwrap().success());
        assert_eq!(visit(&back).status, 303);
        waiting.running.signal(signal);
        assert_eq!(waiting.running.finish().code, Some(code));
        closed(&waiting.host);
        assert!(!machine.home().join(TOKEN).exists());
    }
}

#[test]
fn c14_a_registration_that_the_center_does_not_know_is_renewed_before_the_browser_opens() {
    let (machine, center) = approving();
    let waiting = login(&machine);
    browse(&waiting.link);
    waiting.running.finish().says(&["Signed in"]);
    // Another organisation at the same place: its keys open nothing of the old one's.
    let listen = format!("127.0.0.1:{}", center.port());
    center.terminate();
    machine.write("seed.toml", crate::signing_in::SEED);
    let seed = machine.home().join("seed.toml").display().to_string();
    let words =
        ["--memory", "--listen", &listen, "--seed", &seed, "--auto-approve", "dev", "--output", "json"];
    let _center = machine.center_with(&words);
    let second = login(&machine);
    assert_eq!(browse(&second.link).status, 200);
    second.running.finish().says(&["registered anew", "Signed in"]);
    assert!(machine.aldis(&["accounts"]).ok().contains("444455556666"));
}
