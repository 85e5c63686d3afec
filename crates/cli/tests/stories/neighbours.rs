//! Other users of the same machine: they read the arguments of the browser that a sign-in starts, and must neither complete it as
//! their own person nor learn where it leads.

use std::time::{Duration, Instant};

use testkit::{Ask, Center, Machine, Run, Running, Terminal};

use crate::TOKEN;
use crate::browser_flow::{approving, browse, closed, program};
use crate::came::{sign_in_as, two_people};

/// A user who is neither root nor the one who signs in.
const NEIGHBOUR: [&str; 4] = ["--reuid=61235", "--regid=61235", "--clear-groups", "--"];
const SIZE: (u16, u16) = (200, 50);
const LOGIN: [&str; 3] = ["login", "--flow", "browser"];

/// A desktop whose `xdg-open` stays there with its arguments, as a browser does.
struct Desktop {
    machine: Machine,
    _center: Center,
}

impl Desktop {
    fn new((machine, center): (Machine, Center)) -> Self {
        let opened = machine.home().join("opened").display().to_string();
        let script = format!("printf '%s %s' $$ \"$1\" > {opened}.new; mv {opened}.new {opened}; sleep 20");
        std::fs::create_dir(machine.home().join("bin")).unwrap();
        program(&machine, "bin/xdg-open", &script);
        machine.write("wayland-0", "");
        let display = machine.home().join("wayland-0").display().to_string();
        let path = format!("{}/bin:/usr/bin:/bin", machine.home().display());
        let machine = machine.with("WAYLAND_DISPLAY", &display).with("PATH", &path).with("TERM", "xterm");
        Self { machine, _center: center }
    }

    fn aldis(&self, words: &[&str]) -> Run<'_> {
        self.machine.aldis(words)
    }

    /// The process of the browser that was started, and the address that it got.
    fn opened(&self) -> (String, String) {
        let path = self.machine.home().join("opened");
        let end = Instant::now() + testkit::PATIENCE;
        while !path.exists() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        let text = std::fs::read_to_string(&path).expect("a browser that was started");
        std::fs::remove_file(&path).unwrap();
        let (process, address) = text.split_once(' ').unwrap();
        (process.to_owned(), address.to_owned())
    }

    /// The short link that stands in the arguments.
    fn short_link(&self) -> Short {
        let (process, address) = self.opened();
        let rest = address.strip_prefix("http://127.0.0.1:").expect("an address of the listener");
        let (port, path) = rest.split_once('/').unwrap();
        assert_eq!(path.len(), 22, "128 random bits: {address}");
        Short { process, port: port.parse().unwrap(), path: format!("/{path}"), address: address.clone() }
    }
}

struct Short {
    process: String,
    port: u16,
    path: String,
    address: String,
}

impl Short {
    fn ask(&self, cookie: Option<&str>) -> testkit::Answer {
        let ask = Ask::new(self.port, &format!("GET {}", self.path));
        match cookie {
            Some(cookie) => ask.header("cookie", cookie),
            None => ask,
        }
        .send()
    }
}

/// The output of a shell of the other user.
fn neighbour(script: &str) -> String {
    let output =
        std::process::Command::new("setpriv").args(NEIGHBOUR).args(["bash", "-c", script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The answer that the neighbour gets at the short link, whose address they read in `/proc`.
fn neighbour_visits(short: &Short) -> String {
    let read = neighbour(&format!("tr '\\0' ' ' < /proc/{}/cmdline", short.process));
    assert!(read.contains(&short.address), "everybody may read the arguments: {read}");
    for secret in ["authorize", "state=", "code_challenge"] {
        assert!(!read.contains(secret), "{read}");
    }
    neighbour(&format!(
        "exec 3<>/dev/tcp/127.0.0.1/{0}; printf 'GET {1} HTTP/1.1\\r\\nHost: 127.0.0.1:{0}\\r\\n\\r\\n' >&3; cat <&3",
        short.port, short.path
    ))
}

/// The link on the screen of a terminal.
fn shown_link(terminal: &mut Terminal) -> String {
    terminal.wait_for("a browser on this computer:\n\n");
    terminal.wait_for("\n").trim().to_owned()
}

fn link_of(running: &mut Running) -> String {
    running.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()))
}

/// The address that the browser of a person ends on.
fn answer_of(machine: &Machine, link: &str, person: &str) -> String {
    machine.aldis(&["center", "authorize", link, "--person", person]).ok().trim().to_owned()
}

fn is_kept(machine: &Machine) -> bool {
    machine.home().join(TOKEN).exists()
}

fn skip_without_root() -> bool {
    let is_root = testkit::is_root();
    if !is_root {
        testkit::skip("only root can be two users");
    }
    !is_root
}

#[test]
fn c18_the_arguments_of_a_local_browser_hold_the_short_link_and_one_browser_is_led_on() {
    let desktop = Desktop::new(approving());
    let login = desktop.aldis(&LOGIN).start();
    let short = desktop.short_link();
    for wrong in ["/", "/x", &short.path[..22], &format!("{}/", short.path)] {
        assert_eq!(Ask::new(short.port, &format!("GET {wrong}")).send().status, 404, "{wrong}");
    }
    assert_eq!(Ask::new(short.port, &format!("HEAD {}", short.path)).send().status, 405);
    let first = short.ask(None);
    assert_eq!(first.status, 303);
    let cookie = first.header("set-cookie").unwrap().to_owned();
    let attributes = format!("; Path={}; Max-Age=600; HttpOnly; SameSite=Lax", short.path);
    assert!(
        cookie.starts_with(&format!("aldis_sign_in_{}=", short.port)) && cookie.ends_with(&attributes),
        "{cookie}"
    );
    let value = cookie.split(';').next().unwrap();
    assert_eq!(short.ask(Some(value)).status, 303, "a second tab");
    assert_eq!(browse(first.header("location").unwrap()).status, 200);
    let outcome = login.finish();
    outcome.says(&["Signed in to dev"]);
    assert!(!outcome.stderr.contains("warning:"), "{outcome}");
    closed(&format!("127.0.0.1:{}", short.port));
}

#[test]
fn another_user_gets_nothing_at_the_short_link_and_the_user_is_asked_before_a_token_is_kept() {
    if skip_without_root() {
        return;
    }
    for comes_first in [true, false] {
        let desktop = Desktop::new(two_people());
        let mut victim = desktop.aldis(&LOGIN).in_terminal(SIZE);
        let link = shown_link(&mut victim);
        let short = desktop.short_link();
        if !comes_first {
            assert_eq!(short.ask(None).status, 303);
        }
        let answer = neighbour_visits(&short);
        assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("not yours"), "{answer}");
        assert!(!answer.contains("authorize") && !answer.contains("ookie"), "{answer}");
        victim.wait_for("another user of this computer has opened the link");
        if comes_first {
            assert_eq!(short.ask(None).status, 303, "the browser that was started still gets there");
        }
        assert_eq!(browse(&answer_of(&desktop.machine, &link, "ann")).status, 200);
        victim.wait_for("It was completed by ann");
        victim.wait_for("Press k to keep the sign-in, or n to end it");
        assert!(!is_kept(&desktop.machine), "not before the answer");
        victim.send("k");
        victim.wait_for("Signed in to dev");
        assert_eq!(victim.wait(), 0);
        assert!(is_kept(&desktop.machine));
    }
}

#[test]
fn a_second_browser_without_the_cookie_is_told_that_the_link_was_used_and_a_no_ends_the_token() {
    let desktop = Desktop::new(two_people());
    let mut victim = desktop.aldis(&LOGIN).in_terminal(SIZE);
    let link = shown_link(&mut victim);
    let short = desktop.short_link();
    assert_eq!(short.ask(None).status, 303);
    let again = short.ask(Some("aldis_sign_in_1=x"));
    assert_eq!(again.status, 409);
    assert!(again.body.contains("already used") && !again.body.contains("authorize?"), "{}", again.body);
    victim.wait_for("a second browser, or another user");
    let page = browse(&answer_of(&desktop.machine, &link, "bob"));
    assert!(page.status == 200, "the terminal has a question");
    victim.wait_for("It was completed by bob");
    victim.wait_for("Press k to keep");
    // The keys of the prompt before do nothing here.
    victim.send("y");
    victim.send("c");
    victim.send("n");
    victim.wait_for("was not confirmed, so no token is kept");
    assert_eq!(victim.wait(), 254);
    assert!(!is_kept(&desktop.machine));
    let audit = desktop.machine.aldis(&["center", "audit"]).ok();
    assert!(audit.lines().any(|line| line.contains("Logout")), "ended at the center: {audit}");
}

#[test]
fn without_a_terminal_a_link_that_somebody_else_opened_ends_the_sign_in() {
    let desktop = Desktop::new(two_people());
    for words in [&LOGIN[..], &["login", "--flow", "browser", "--output", "json"]] {
        let login = desktop.aldis(words).start();
        let short = desktop.short_link();
        assert_eq!([short.ask(None).status, short.ask(None).status], [303, 409]);
        login.finish().fails(255, &["opened by somebody else", "no token is kept", "--no-browser"]);
        closed(&format!("127.0.0.1:{}", short.port));
        assert!(!is_kept(&desktop.machine));
    }
}

#[test]
fn the_link_on_the_screen_works_by_hand_whatever_became_of_the_short_one() {
    let desktop = Desktop::new(approving());
    let mut login = desktop.aldis(&LOGIN).start();
    let link = link_of(&mut login);
    desktop.short_link();
    assert_eq!(browse(&link).status, 200);
    let outcome = login.finish();
    outcome.says(&["Signed in to dev"]);
    assert!(!outcome.stderr.contains("warning:"), "{outcome}");
}

/// The started browser is a helper that may lead to another machine.
fn with_helper(desktop: &Desktop) -> String {
    let opened = desktop.machine.home().join("opened").display().to_string();
    let script = format!("printf '%s %s' $$ \"$1\" > {opened}.new; mv {opened}.new {opened}");
    program(&desktop.machine, "bin/open-elsewhere", &script)
}

#[test]
fn an_address_in_the_arguments_of_a_helper_asks_about_another_person_and_only_then() {
    let desktop = Desktop::new(two_people());
    let helper = with_helper(&desktop);
    let begin = || {
        let mut victim = desktop.aldis(&LOGIN).with("BROWSER", &helper).in_terminal(SIZE);
        let link = shown_link(&mut victim);
        assert_eq!(desktop.opened().1, link, "a browser elsewhere may not reach the listener");
        (victim, link)
    };
    // The first sign-in, and the same person again: nobody is asked.
    for _ in 0..2 {
        let (mut victim, link) = begin();
        assert_eq!(browse(&answer_of(&desktop.machine, &link, "ann")).status, 200);
        victim.wait_for("Signed in to dev");
        assert_eq!(victim.wait(), 0);
    }
    let before = desktop.machine.read(TOKEN);
    // The attack: a neighbour completes it as bob.
    let (mut victim, link) = begin();
    browse(&answer_of(&desktop.machine, &link, "bob"));
    victim.wait_for("It was completed by bob");
    victim.wait_for("The sign-in before was ann's");
    victim.send("n");
    assert_eq!(victim.wait(), 254);
    assert_eq!(desktop.machine.read(TOKEN), before, "ann's token stays");
    // The user is bob now, and says so; then no warning follows.
    let (mut victim, link) = begin();
    browse(&answer_of(&desktop.machine, &link, "bob"));
    victim.wait_for("Press k to keep");
    victim.send("k");
    victim.wait_for("You are bob");
    assert_eq!(victim.wait(), 0);
    assert!(!victim.plain().contains("Somebody may have planted"));
}

#[test]
fn without_a_terminal_an_exposed_address_and_another_person_are_a_warning() {
    let desktop = Desktop::new(two_people());
    let helper = with_helper(&desktop);
    sign_in_as(&desktop.machine, "ann", &["--no-browser"]);
    let mut login = desktop.aldis(&LOGIN).with("BROWSER", &helper).start();
    let link = link_of(&mut login);
    browse(&answer_of(&desktop.machine, &link, "bob"));
    login.finish().says(&["Signed in to dev", "warning: this sign-in is somebody else's", "it is bob's"]);
}

#[test]
fn ctrl_c_at_the_question_keeps_nothing_and_silence_is_no_yes() {
    let desktop = Desktop::new(two_people());
    let clock = desktop.machine.home().join("clock").display().to_string();
    for is_silent in [false, true] {
        let mut victim = desktop.aldis(&LOGIN).with("ALDIS_TEST_CLOCK", &clock).in_terminal(SIZE);
        let link = shown_link(&mut victim);
        let short = desktop.short_link();
        assert_eq!([short.ask(None).status, short.ask(None).status], [303, 409]);
        browse(&answer_of(&desktop.machine, &link, "bob"));
        victim.wait_for("Press k to keep");
        if is_silent {
            desktop.machine.write("clock", "301");
        } else {
            victim.ctrl('c');
        }
        assert_eq!(victim.wait(), if is_silent { 254 } else { 130 });
        assert!(!is_kept(&desktop.machine));
    }
}

#[test]
fn a_terminal_that_takes_over_knows_the_browser_and_the_stranger() {
    for was_opened_twice in [false, true] {
        let desktop = Desktop::new(two_people());
        let first = desktop.aldis(&LOGIN).start();
        let short = desktop.short_link();
        let visit = short.ask(None);
        assert_eq!(visit.status, 303);
        let cookie = visit.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let mut second = desktop.aldis(&LOGIN).in_terminal(SIZE);
        let link = shown_link(&mut second);
        first.signal("KILL");
        first.finish();
        second.wait_for("it goes on here");
        assert_eq!(short.ask(Some(&cookie)).status, 303, "its own browser");
        if was_opened_twice {
            assert_eq!(short.ask(None).status, 409);
        }
        assert_eq!(browse(&answer_of(&desktop.machine, &link, "ann")).status, 200);
        if was_opened_twice {
            second.wait_for("Press k to keep");
            second.send("k");
        }
        second.wait_for("Signed in to dev");
        assert_eq!(second.wait(), 0);
    }
}

#[test]
fn other_terminals_wait_while_one_asks_and_end_with_its_answer() {
    let desktop = Desktop::new(two_people());
    let mut first = desktop.aldis(&LOGIN).in_terminal(SIZE);
    let link = shown_link(&mut first);
    let short = desktop.short_link();
    let mut second = desktop.aldis(&LOGIN).in_terminal(SIZE);
    shown_link(&mut second);
    assert_eq!([short.ask(None).status, short.ask(None).status], [303, 409]);
    browse(&answer_of(&desktop.machine, &link, "bob"));
    first.wait_for("Press k to keep");
    first.send("n");
    assert_eq!(first.wait(), 254);
    second.wait_for("denied");
    assert_eq!(second.wait(), 254);
    assert!(!is_kept(&desktop.machine));
}
