//! Several terminals that sign in to one session at once: one sign-in, which any of them may finish, and which outlives the one
//! that began it.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use testkit::{Center, Machine, Relay, Run, Running, Terminal};

use crate::browser_flow::{approving, browse, closed, visit};
use crate::prompt::{code_of, ends_on, over_ssh, over_ssh_says};
use crate::races::without_locks;
use crate::{TOKEN, WIZARD, begin_login, decide, machine_and_center, shown_code};

const CODE: [&str; 3] = ["login", "--use-device-code", "--no-browser"];
const BROWSER: [&str; 4] = ["login", "--flow", "browser", "--no-browser"];
const JOINED: &str = "Another terminal signs in to dev already";

/// How often the center was asked for that.
fn audited(machine: &Machine, operation: &str) -> usize {
    machine.aldis(&["center", "audit"]).ok().matches(operation).count()
}

/// One that waits for a browser: it, its link, and where it waits.
fn begin_browser(run: Run<'_>) -> (Running, String, String) {
    let mut running = run.start();
    let link =
        running.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()));
    let port = link.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap().to_owned();
    (running, link, format!("127.0.0.1:{port}"))
}

fn signal(name: &str, terminal: &Terminal) {
    let words = [format!("-{name}"), terminal.pid().to_string()];
    let status = std::process::Command::new("kill").args(words).status();
    assert!(status.unwrap().success());
}

/// Two of them over SSH, and their link.
fn two_over_ssh(machine: &Machine, words: &[&str]) -> (Terminal, Terminal, String) {
    let (first, link) = over_ssh(machine, words, &[]);
    let (mut second, same) = over_ssh_says(JOINED, machine, words, &[]);
    assert_eq!(link, same);
    // It shows what the first one shows before it listens to keys.
    let end = std::time::Instant::now() + testkit::PATIENCE;
    while !second.screen().contains("\u{1b}[?2004h") {
        assert!(std::time::Instant::now() < end, "it asks for no marks of pastes: {}", second.plain());
        std::thread::yield_now();
    }
    (first, second, link)
}

/// Nothing lies there but empty locks, and nobody but their owner may look.
#[track_caller]
fn tidy(machine: &Machine) {
    let folder = machine.home().join(".local/state/aldis/signing-in");
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let metadata = entry.metadata().unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(name.ends_with(".lock") && metadata.len() == 0, "{name} is left");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert!(machine.files().iter().all(|(path, _)| !path.ends_with(".tmp")));
}

#[test]
fn the_second_shows_the_same_code_and_both_end_with_one_approval() {
    let (machine, _center) = machine_and_center(&[]);
    let (first, code) = begin_login(machine.aldis(&CODE));
    let (second, same) = begin_login(machine.aldis(&CODE));
    assert_eq!(code, same);
    let kept: Vec<_> =
        machine.files().into_iter().filter(|(path, _)| path.contains("/signing-in/")).collect();
    assert!(
        kept.iter().all(|(_, mode)| *mode == 0o600) && kept.iter().any(|(path, _)| path.ends_with(".txt"))
    );
    decide(&machine, "approve", &code);
    first.finish().says(&["Signed in to dev"]);
    second.finish().says(&[JOINED, "Signed in to dev", "renewed by itself"]);
    assert_eq!(audited(&machine, "StartDeviceAuthorization"), 1);
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
    tidy(&machine);
}

#[test]
fn a_browser_that_comes_back_ends_both() {
    let (machine, _center) = approving();
    let (first, link, host) = begin_browser(machine.aldis(&BROWSER));
    let (second, same, _) = begin_browser(machine.aldis(&BROWSER));
    assert_eq!(link, same);
    assert_eq!(browse(&link).status, 200);
    first.finish().says(&["Signed in to dev"]);
    second.finish().says(&[JOINED, "Signed in to dev"]);
    closed(&host);
    tidy(&machine);
}

#[test]
fn when_the_first_is_killed_the_same_code_still_signs_in() {
    let (machine, _center) = machine_and_center(&[]);
    let (first, code) = begin_login(machine.aldis(&CODE));
    let (mut second, _) = begin_login(machine.aldis(&CODE));
    first.signal("KILL");
    assert_eq!(first.finish().code, None);
    second.wait_for("the lead", |line| line.contains("it goes on here").then_some(()));
    // Who comes now takes part in it, too.
    let (third, same) = begin_login(machine.aldis(&CODE));
    assert_eq!(code, same);
    decide(&machine, "approve", &code);
    second.finish().says(&["Signed in to dev"]);
    third.finish().says(&["Signed in to dev"]);
    assert_eq!(audited(&machine, "StartDeviceAuthorization"), 1);
    tidy(&machine);
}

#[test]
fn when_the_first_is_killed_the_same_link_still_comes_back() {
    let (machine, _center) = approving();
    let (first, link, host) = begin_browser(machine.aldis(&BROWSER));
    let (mut second, _, _) = begin_browser(machine.aldis(&BROWSER));
    first.signal("KILL");
    assert_eq!(first.finish().code, None);
    second.wait_for("the lead", |line| line.contains("it goes on here").then_some(()));
    assert_eq!(browse(&link).status, 200);
    let outcome = second.finish();
    outcome.says(&["Signed in to dev"]);
    assert_eq!(outcome.stderr.matches("/authorize?").count(), 1, "shown once: {outcome}");
    closed(&host);
    tidy(&machine);
}

#[test]
fn whoever_leads_on_listens_where_the_first_did_and_warns_of_it() {
    let (machine, _center) = approving();
    let elsewhere = [&BROWSER[..], &["--callback-listen", "0.0.0.0"]].concat();
    let (first, link, host) = begin_browser(machine.aldis(&elsewhere));
    let (mut second, _, _) = begin_browser(machine.aldis(&BROWSER));
    first.signal("KILL");
    first.finish();
    second.wait_for("a warning", |line| line.contains("is waited for on 0.0.0.0").then_some(()));
    let other = host.replace("127.0.0.1", "127.0.0.2");
    assert!(std::net::TcpStream::connect(&other).is_ok(), "as a published port comes in");
    assert_eq!(browse(&link).status, 200);
    second.finish().says(&["Signed in to dev"]);
    closed(&other);
}

#[test]
fn a_browser_that_is_on_its_way_when_the_first_is_killed_finds_the_second() {
    let (machine, _center) = approving();
    let (first, link, host) = begin_browser(machine.aldis(&BROWSER));
    let (mut second, _, _) = begin_browser(machine.aldis(&BROWSER));
    let back = visit(&link).location.unwrap();
    first.signal("KILL");
    first.finish();
    second.wait_for("the lead", |line| line.contains("it goes on here").then_some(()));
    assert_eq!(browse(&back).status, 200);
    second.finish().says(&["Signed in to dev"]);
    closed(&host);
}

#[test]
fn a_paste_into_the_second_ends_both() {
    let (machine, _center) = approving();
    let (mut first, mut second, link) = two_over_ssh(&machine, &[]);
    second.paste(&ends_on(&link));
    for terminal in [&mut first, &mut second] {
        terminal.wait_for("Signed in to dev");
        assert_eq!(terminal.wait(), 0);
    }
    tidy(&machine);
}

#[test]
fn a_code_that_the_center_does_not_know_is_given_in_one_and_the_answer_in_the_other() {
    let (machine, _center) = approving();
    let (mut first, mut second, link) = two_over_ssh(&machine, &[]);
    let address = ends_on(&link);
    let unknown: String = code_of(&address).chars().rev().collect();
    second.paste(&unknown);
    second.wait_for("press Enter");
    second.send("\r");
    second.wait_for("the center does not know that code");
    first.paste(&address);
    first.wait_for("Signed in to dev");
    second.wait_for("Signed in to dev");
    assert_eq!((first.wait(), second.wait()), (0, 0));
    tidy(&machine);
}

#[test]
fn a_paste_ends_the_second_when_the_first_is_killed() {
    let (machine, _center) = approving();
    let (first, mut second, link) = two_over_ssh(&machine, &["--flow", "paste"]);
    signal("KILL", &first);
    second.wait_for("it goes on here");
    second.paste(&ends_on(&link));
    second.wait_for("Signed in to dev");
    assert_eq!(second.wait(), 0);
    tidy(&machine);
}

#[test]
fn a_code_that_the_second_begins_ends_both() {
    let (machine, _center) = machine_and_center(&[]);
    let (mut first, mut second, _) = two_over_ssh(&machine, &[]);
    second.send("c");
    let code = shown_code(&mut second);
    decide(&machine, "approve", &code);
    for terminal in [&mut second, &mut first] {
        terminal.wait_for("Signed in to dev");
        assert_eq!(terminal.wait(), 0);
    }
    tidy(&machine);
}

#[test]
fn a_code_of_the_seconds_own_stays_when_the_first_begins_one_too() {
    let (machine, _center) = machine_and_center(&[]);
    let (mut first, mut second, _) = two_over_ssh(&machine, &[]);
    let codes = [&mut second, &mut first].map(|terminal| {
        terminal.send("c");
        shown_code(terminal)
    });
    assert_ne!(codes[0], codes[1]);
    // Long enough for a look.
    for _ in 0..20 {
        machine.aldis(&["center", "audit"]).ok();
    }
    decide(&machine, "approve", &codes[0]);
    for terminal in [&mut second, &mut first] {
        terminal.wait_for("Signed in to dev");
        assert_eq!(terminal.wait(), 0);
    }
    assert!(!second.plain().contains(&codes[1]), "one code is enough");
}

#[test]
fn a_code_that_the_first_begins_is_shown_by_the_second_too() {
    let (machine, _center) = machine_and_center(&[]);
    let (mut first, mut second, _) = two_over_ssh(&machine, &[]);
    first.send("c");
    let codes = [&mut first, &mut second].map(shown_code);
    assert_eq!(codes[0], codes[1]);
    assert_eq!(
        second.plain().matches("open this page in any browser, then").count(),
        1,
        "the link is not shown again"
    );
    decide(&machine, "approve", &codes[0]);
    for terminal in [&mut second, &mut first] {
        terminal.wait_for("Signed in to dev");
        assert_eq!(terminal.wait(), 0);
    }
}

#[test]
fn only_the_first_polls() {
    let (machine, center) = machine_and_center(&[]);
    let relay = Relay::before(center.port());
    let login = || machine.aldis(&CODE).with("AWS_ENDPOINT_URL_SSO_OIDC", &relay.url());
    relay.hold("POST /token");
    let (first, code) = begin_login(login());
    relay.wait_for_held(1);
    let others: Vec<Running> = (0..3)
        .map(|_| {
            let mut other = login().start();
            other.wait_for("the wait", |line| line.contains("Waiting for your approval").then_some(()));
            other
        })
        .collect();
    decide(&machine, "approve", &code);
    assert_eq!(relay.count("POST /token"), 1);
    relay.release();
    first.finish();
    for other in others {
        other.finish().says(&["Signed in to dev"]);
    }
}

#[test]
fn an_exchange_that_is_under_way_is_not_left_for_the_lead() {
    let (machine, center) = approving();
    let relay = Relay::before(center.port());
    let machine = machine.with("AWS_ENDPOINT_URL_SSO_OIDC", &relay.url());
    let (mut first, mut second, link) = two_over_ssh(&machine, &[]);
    relay.hold("POST /token");
    second.paste(&ends_on(&link));
    relay.wait_for_held(1);
    // The answer is the second's; here it is not exchanged again.
    first.paste(&ends_on(&link));
    first.wait_for("another terminal has taken an answer");
    signal("KILL", &first);
    // Long enough for a look.
    for _ in 0..20 {
        machine.aldis(&["center", "audit"]).ok();
    }
    relay.release();
    second.wait_for("Signed in to dev");
    assert_eq!(second.wait(), 0);
    assert_eq!(relay.count("POST /token"), 1);
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
    tidy(&machine);
}

#[test]
fn a_first_that_stands_still_blocks_nobody_and_ends_when_it_goes_on() {
    let (machine, _center) = machine_and_center(&[]);
    let (first, code) = begin_login(machine.aldis(&CODE));
    let (mut second, _) = begin_login(machine.aldis(&CODE));
    first.signal("STOP");
    second.wait_for("patience", |line| line.contains("stands still").then_some(()));
    decide(&machine, "approve", &code);
    second.finish().says(&["Signed in to dev"]);
    first.signal("CONT");
    first.finish().says(&["Signed in to dev"]);
    assert_eq!(audited(&machine, "StartDeviceAuthorization"), 1);
    tidy(&machine);
}

#[test]
fn a_first_that_stands_still_keeps_its_port_and_the_second_shows_another_link() {
    let (machine, _center) = approving();
    let (first, link, host) = begin_browser(machine.aldis(&BROWSER));
    let (mut second, _, _) = begin_browser(machine.aldis(&BROWSER));
    first.signal("STOP");
    second.wait_for("patience", |line| line.contains("leads nowhere any more").then_some(()));
    let other =
        second.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()));
    assert_ne!(link, other);
    assert_eq!(browse(&other).status, 200);
    second.finish().says(&["Signed in to dev"]);
    first.signal("CONT");
    first.finish().says(&["Signed in to dev"]);
    closed(&host);
    tidy(&machine);
}

#[test]
fn a_port_that_a_first_keeps_that_stands_still_keeps_nobody_from_the_code() {
    let (machine, _center) = machine_and_center(&[]);
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (mut first, mut second, _) = two_over_ssh(&machine, &["--redirect-port", &port]);
    first.send("c");
    let code = shown_code(&mut second);
    signal("STOP", &first);
    second.wait_for("the way \"open\" is closed");
    decide(&machine, "approve", &code);
    second.wait_for("Signed in to dev");
    assert_eq!(second.wait(), 0);
    signal("CONT", &first);
    first.wait_for("Signed in to dev");
    assert_eq!(first.wait(), 0);
    closed(&format!("127.0.0.1:{port}"));
    tidy(&machine);
}

#[test]
fn ctrl_c_ends_only_the_one_that_it_was_pressed_in() {
    let (machine, _center) = machine_and_center(&[]);
    let (first, code) = begin_login(machine.aldis(&CODE));
    let (second, _) = begin_login(machine.aldis(&CODE));
    let (mut third, _) = begin_login(machine.aldis(&CODE));
    second.signal("INT");
    assert_eq!(second.finish().code, Some(130));
    first.signal("INT");
    assert_eq!(first.finish().code, Some(130));
    third.wait_for("the lead", |line| line.contains("it goes on here").then_some(()));
    decide(&machine, "approve", &code);
    third.finish().says(&["Signed in to dev"]);
    assert_eq!(audited(&machine, "StartDeviceAuthorization"), 1);
    tidy(&machine);
}

#[test]
fn after_ctrl_c_in_all_of_them_nothing_is_left() {
    let (machine, _center) = approving();
    let (first, _, host) = begin_browser(machine.aldis(&BROWSER));
    let (second, _, _) = begin_browser(machine.aldis(&BROWSER));
    for running in [first, second] {
        running.signal("INT");
        assert_eq!(running.finish().code, Some(130));
    }
    closed(&host);
    tidy(&machine);
    assert!(!machine.home().join(TOKEN).exists());
}

#[test]
fn a_no_ends_both() {
    let (machine, center) = machine_and_center(&[]);
    let (first, code) = begin_login(machine.aldis(&CODE));
    let (second, _) = begin_login(machine.aldis(&CODE));
    decide(&machine, "deny", &code);
    for running in [first, second] {
        running.finish().fails(254, &["the sign-in to dev was denied", "hint:"]);
    }
    tidy(&machine);

    let (first, link, host) = begin_browser(machine.aldis(&BROWSER));
    let (second, _, _) = begin_browser(machine.aldis(&BROWSER));
    let state = link.split("&state=").nth(1).unwrap().split('&').next().unwrap();
    let issuer = center.url().replace(':', "%3A").replace('/', "%2F");
    let no = format!(
        "http://{host}/oauth/callback?error=access_denied&error_description=Not%20now&state={state}&iss={issuer}"
    );
    assert_eq!(browse(&no).status, 403);
    for running in [first, second] {
        running.finish().fails(255, &["Not now (access_denied)"]);
    }
    closed(&host);
    tidy(&machine);
}

#[test]
fn five_at_once_are_one_sign_in() {
    let (machine, _center) = machine_and_center(&[]);
    let all: Vec<Running> = (0..5).map(|_| machine.aldis(&CODE).start()).collect();
    let mut codes = Vec::new();
    let all: Vec<Running> = all
        .into_iter()
        .map(|mut running| {
            codes.push(running.wait_for("a user code", crate::user_code));
            running
        })
        .collect();
    assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
    decide(&machine, "approve", &codes[0]);
    for running in all {
        running.finish().says(&["Signed in to dev"]);
    }
    assert_eq!(audited(&machine, "StartDeviceAuthorization"), 1);
    tidy(&machine);
}

#[test]
fn whoever_asks_for_another_flow_goes_another_way_to_the_same_end() {
    let (machine, _center) = machine_and_center(&[]);
    let (first, _, host) = begin_browser(machine.aldis(&BROWSER));
    let (second, code) = begin_login(machine.aldis(&CODE));
    decide(&machine, "approve", &code);
    let outcome = second.finish();
    outcome.says(&["Another terminal signs in to dev already, in another way", "Signed in to dev"]);
    first.finish().says(&["Signed in to dev"]);
    closed(&host);
    tidy(&machine);

    // The other way round; and a no ends but the way that it was said to.
    let (first, link, host) = begin_browser(machine.aldis(&BROWSER));
    let (denied, code) = begin_login(machine.aldis(&CODE));
    decide(&machine, "deny", &code);
    denied.finish().fails(254, &["denied"]);
    let (second, _) = begin_login(machine.aldis(&CODE));
    let address = machine.aldis(&["center", "authorize", &link, "--person", "demo"]).ok();
    assert_eq!(browse(address.trim()).status, 200);
    first.finish().says(&["Signed in to dev"]);
    second.finish().says(&["Signed in to dev"]);
    closed(&host);
    tidy(&machine);
}

#[test]
fn another_center_behind_the_same_name_is_another_sign_in() {
    let (machine, _first) = machine_and_center(&[]);
    let (first, code) = begin_login(machine.aldis(&CODE));
    let other = machine.center(&["--auto-approve", "demo"]);
    machine.configure(other.start_url());
    let outcome = machine.aldis(&CODE).run();
    outcome.says(&["Signed in to dev"]);
    assert!(!outcome.stderr.contains(&code), "{outcome}");
    first.signal("INT");
    first.finish();
}

#[test]
fn programs_are_told_the_same_and_the_aws_spellings_take_part() {
    let (machine, center) = machine_and_center(&[]);
    let json = ["login", "--use-device-code", "--no-browser", "--output", "json"];
    let begin = || {
        let mut running = machine.aldis(&json).start();
        let object = running.wait_for("an object", |line| {
            serde_json::from_str::<Value>(line).ok().filter(|object| object["event"] == "action_required")
        });
        (running, object)
    };
    let (first, object) = begin();
    let (second, same) = begin();
    assert_eq!(object, same);
    let code = object["user_code"].as_str().unwrap().to_owned();
    let aws = ["sso", "login", "--sso-session", "dev", "--use-device-code", "--no-browser"];
    let (aws, seen) = begin_login(machine.aldis(&aws));
    assert_eq!(seen, code);
    let wizard = [&WIZARD[..], &["--no-browser"]].concat();
    let (wizard, seen) = begin_login(machine.aldis(&wizard));
    assert_eq!(seen, code);
    decide(&machine, "approve", &code);
    for running in [first, second] {
        let outcome = running.finish();
        outcome.says(&[]);
        let last: Value = serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(last["event"], "signed_in");
        assert!(
            outcome.stderr.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
            "each line is an object: {outcome}"
        );
    }
    let outcome = aws.finish();
    outcome.says(&[]);
    let success = format!("Successfully logged into Start URL: {}\n", center.start_url());
    assert!(outcome.stdout.contains(&code) && outcome.stdout.ends_with(&success), "{outcome}");
    wizard.finish().says(&[]);
    assert_eq!(audited(&machine, "StartDeviceAuthorization"), 1);
    tidy(&machine);
}

#[test]
fn both_end_when_their_time_is_over() {
    let (machine, _center) = machine_and_center(&[]);
    let clock = machine.home().join("clock").display().to_string();
    let begin = || begin_login(machine.aldis(&CODE).with("ALDIS_TEST_CLOCK", &clock)).0;
    let (first, second) = (begin(), begin());
    machine.write("clock", "601");
    for running in [first, second] {
        running.finish().fails(255, &["expired", "hint:"]);
    }
    tidy(&machine);
}

#[test]
fn where_there_are_no_locks_each_signs_in_by_itself() {
    let (machine, _center) = machine_and_center(&[]);
    let library = without_locks(machine.folder());
    let begin = || begin_login(machine.aldis(&CODE).with("LD_PRELOAD", &library.display().to_string()));
    let ((first, code), (second, other)) = (begin(), begin());
    assert_ne!(code, other);
    for (running, code) in [(first, code), (second, other)] {
        decide(&machine, "approve", &code);
        running.finish().says(&["Signed in to dev"]);
    }
}

#[test]
fn what_all_that_were_killed_left_behind_is_nobodys() {
    let (machine, _center): (Machine, Center) = machine_and_center(&[]);
    let (first, code) = begin_login(machine.aldis(&CODE));
    let (second, _) = begin_login(machine.aldis(&CODE));
    for running in [&second, &first] {
        running.signal("KILL");
    }
    drop((first, second));
    let secrets =
        || machine.files().iter().any(|(path, _)| path.contains("/signing-in/") && path.ends_with(".txt"));
    assert!(secrets(), "nobody could remove them");
    machine.aldis(&["logout"]).ok();
    assert!(!secrets(), "a sign-out does");
    let (third, other) = begin_login(machine.aldis(&CODE));
    assert_ne!(code, other, "nobody sees the old one any more");
    decide(&machine, "approve", &other);
    let outcome = third.finish();
    outcome.says(&["Signed in to dev"]);
    assert!(!outcome.stderr.contains(JOINED), "{outcome}");
    tidy(&machine);
}

#[test]
fn other_sessions_and_other_homes_have_nothing_to_do_with_it() {
    let (machine, center) = machine_and_center(&[]);
    let (first, code) = begin_login(machine.aldis(&CODE));
    let other = crate::machine();
    other.configure(center.start_url());
    // The same state folder, and another home: its token would lie elsewhere.
    let state = machine.home().join(".local/state").display().to_string();
    let (second, own) = begin_login(other.aldis(&CODE).with("XDG_STATE_HOME", &state));
    assert_ne!(code, own);
    decide(&machine, "approve", &own);
    second.finish().says(&["Signed in to dev"]);
    first.signal("INT");
    first.finish();
}
