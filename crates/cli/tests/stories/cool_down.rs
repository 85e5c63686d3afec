//! A tool that asks for a sign-in again and again, with nobody there: it is held back, and told until when.

use testkit::{Machine, Run};

use crate::{WIZARD, begin_login, decide, machine_and_center, shown_code};

const LOGIN: [&str; 3] = ["login", "--use-device-code", "--no-browser"];
const REFUSAL: &str = "nobody answered the last three sign-ins to dev";

struct Scene {
    machine: Machine,
    _center: testkit::Center,
}

impl Scene {
    fn new() -> Self {
        let (machine, _center) = machine_and_center(&[]);
        Self { machine, _center }
    }

    fn aldis(&self, words: &[&str]) -> Run<'_> {
        let clock = self.machine.home().join("clock").display().to_string();
        self.machine.aldis(words).with("ALDIS_TEST_CLOCK", &clock)
    }

    fn clock(&self, seconds: i64) {
        self.machine.write("clock", &seconds.to_string());
    }

    /// One that nobody answers, ended by a signal.
    fn unanswered(&self, signal: &str) {
        let (login, _) = begin_login(self.aldis(&LOGIN));
        login.signal(signal);
        login.finish();
    }

    fn three_unanswered(&self) {
        for signal in ["TERM", "INT", "KILL"] {
            self.unanswered(signal);
        }
    }

    fn codes(&self) -> usize {
        self.machine.aldis(&["center", "audit"]).ok().matches("StartDeviceAuthorization").count()
    }

    /// Where they are counted.
    fn marks(&self) -> std::path::PathBuf {
        let folder = self.machine.home().join(".local/state/aldis/unanswered");
        let mut files = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
        files.find(|path| path.extension().is_some_and(|ending| ending == "txt")).unwrap()
    }

    /// Begins one that is let in, and answers it.
    fn is_let_in(&self, words: &[&str]) {
        let (login, code) = begin_login(self.aldis(words));
        decide(&self.machine, "approve", &code);
        login.finish().says(&["Signed in"]);
    }
}

#[test]
fn three_without_an_answer_start_a_cool_down_that_names_its_end_and_now() {
    let scene = Scene::new();
    scene.three_unanswered();
    let codes = scene.codes();
    let outcome = scene.aldis(&LOGIN).run();
    outcome.fails(255, &[REFUSAL, "may begin at ", " UTC", "hint:", "aldis login --sso-session dev --now"]);
    for words in [
        &["sso", "login", "--sso-session", "dev", "--use-device-code"][..],
        &["login", "--flow", "browser", "--no-browser"],
        &WIZARD,
    ] {
        scene.aldis(words).run().fails(255, &[REFUSAL, "--now"]);
    }
    let json = scene.aldis(&["login", "--output", "json"]).run();
    json.fails(255, &["not_signed_in", "--now"]);
    assert_eq!(json.stdout, "");
    assert_eq!(scene.codes(), codes, "the center heard nothing of it");
    scene.is_let_in(&["login", "--use-device-code", "--no-browser", "--now"]);
    scene.is_let_in(&LOGIN);
}

#[test]
fn every_spelling_takes_now() {
    let scene = Scene::new();
    scene.three_unanswered();
    for words in [
        &["sso", "login", "--sso-session", "dev", "--use-device-code", "--now"][..],
        &[&WIZARD[..], &["--now"]].concat(),
    ] {
        let (login, _) = begin_login(scene.aldis(words));
        login.signal("TERM");
        assert_eq!(login.finish().code, Some(143));
    }
    scene.aldis(&LOGIN).run().fails(255, &[REFUSAL]);
}

#[test]
fn it_ends_by_itself_and_one_more_does_not_start_the_next() {
    let scene = Scene::new();
    scene.three_unanswered();
    scene.clock(595);
    scene.aldis(&LOGIN).run().fails(255, &[REFUSAL]);
    scene.clock(700);
    scene.unanswered("TERM");
    scene.is_let_in(&LOGIN);
}

#[test]
fn codes_that_expire_count_at_their_end_and_are_too_far_apart_for_it() {
    let scene = Scene::new();
    for number in 0..3 {
        let (login, _) = begin_login(scene.aldis(&LOGIN));
        scene.clock(601 * (number + 1));
        login.finish().fails(255, &["expired"]);
    }
    scene.is_let_in(&LOGIN);
}

#[test]
fn an_answer_clears_the_count() {
    for decision in ["approve", "deny"] {
        let scene = Scene::new();
        scene.unanswered("TERM");
        scene.unanswered("TERM");
        let (login, code) = begin_login(scene.aldis(&LOGIN));
        decide(&scene.machine, decision, &code);
        login.finish();
        scene.unanswered("TERM");
        scene.is_let_in(&LOGIN);
    }
}

#[test]
fn at_a_terminal_nobody_is_held_back_or_counted() {
    let scene = Scene::new();
    for _ in 0..4 {
        let mut terminal = scene.aldis(&LOGIN).in_terminal((200, 30));
        terminal.wait_for("enter this code:\n\n");
        terminal.ctrl('c');
        assert_eq!(terminal.wait(), 130);
    }
    scene.three_unanswered();
    let mut terminal = scene.aldis(&LOGIN).in_terminal((200, 30));
    let code = shown_code(&mut terminal);
    decide(&scene.machine, "approve", &code);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
    scene.is_let_in(&LOGIN);
}

#[test]
fn another_session_is_another_count() {
    let scene = Scene::new();
    scene.three_unanswered();
    let config = scene.machine.read(".aws/config").replace("dev", "other");
    scene.machine.write(".aws/config", &config);
    scene.is_let_in(&LOGIN);
}

#[test]
fn a_damaged_file_and_a_clock_that_went_back_hold_nobody_back() {
    let scene = Scene::new();
    scene.clock(90_000);
    scene.three_unanswered();
    scene.aldis(&LOGIN).run().fails(255, &[REFUSAL]);
    scene.clock(0);
    scene.is_let_in(&LOGIN);
    scene.three_unanswered();
    scene.aldis(&LOGIN).run().fails(255, &[REFUSAL]);
    std::fs::write(scene.marks(), [0xff; 100]).unwrap();
    scene.unanswered("TERM");
    scene.is_let_in(&LOGIN);
}

#[test]
fn where_nothing_can_be_kept_nobody_is_held_back() {
    let scene = Scene::new();
    let aldis = || scene.aldis(&LOGIN).with("XDG_STATE_HOME", "/dev/null/nowhere");
    for _ in 0..4 {
        let (login, _) = begin_login(aldis());
        login.signal("TERM");
        assert_eq!(login.finish().code, Some(143));
    }
    let (login, code) = begin_login(aldis());
    decide(&scene.machine, "approve", &code);
    login.finish().says(&["Signed in"]);
}
