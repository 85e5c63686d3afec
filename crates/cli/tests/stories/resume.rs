//! Sign-ins that one command shows and another one finishes: the first was killed, or was told not to wait.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use testkit::{Center, Machine, Outcome, Run};

use crate::browser_flow::{browse, closed};
use crate::{TOKEN, begin_login, decide, machine_and_center};

const CODE: [&str; 3] = ["login", "--use-device-code", "--no-browser"];
const NO_WAIT: [&str; 4] = ["login", "--no-wait", "--flow", "device"];
const RESUME: [&str; 2] = ["login", "--resume"];

struct Scene {
    machine: Machine,
    _center: Center,
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

    /// Shows a code and is ended by that signal.
    fn killed(&self, signal: &str) -> String {
        let (login, code) = begin_login(self.aldis(&CODE));
        login.signal(signal);
        login.finish();
        code
    }

    /// Shows a code without waiting for it.
    fn shown(&self) -> String {
        let outcome = self.aldis(&NO_WAIT).run();
        outcome.says(&["This command does not wait", "aldis login --sso-session dev --resume"]);
        outcome.stderr.lines().find_map(crate::user_code).expect("a code")
    }

    fn audited(&self, operation: &str) -> usize {
        self.machine.aldis(&["center", "audit"]).ok().matches(operation).count()
    }

    fn is_signed_in(&self) -> bool {
        self.machine.home().join(TOKEN).exists()
    }

    fn records(&self) -> Vec<String> {
        let files = self.machine.files().into_iter();
        files
            .map(|(path, _)| path)
            .filter(|path| path.contains("/signing-in/") && path.ends_with(".txt"))
            .collect()
    }
}

#[track_caller]
fn events(outcome: &Outcome) -> Vec<Value> {
    outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

#[test]
fn a_code_that_is_approved_after_its_command_was_killed_signs_in_the_next_one() {
    for signal in ["KILL", "TERM", "HUP"] {
        let scene = Scene::new();
        let code = scene.killed(signal);
        decide(&scene.machine, "approve", &code);
        let outcome = scene.aldis(&CODE).run();
        outcome.says(&["that an earlier command showed was approved", "Signed in to dev"]);
        assert!(!outcome.stderr.contains("enter this code"), "{signal}: {outcome}");
        assert_eq!(scene.audited("StartDeviceAuthorization"), 1, "{signal}");
        assert!(scene.records().is_empty());
    }
}

#[test]
fn approved_ones_do_not_count_as_unanswered() {
    let scene = Scene::new();
    let codes: Vec<String> = (0..3).map(|_| scene.killed("KILL")).collect();
    assert!(codes.iter().all(|code| *code == codes[0]), "the person sees one code, not three: {codes:?}");
    scene.aldis(&CODE).run().fails(255, &["nobody answered the last three"]);
    assert_eq!(scene.records().len(), 1, "a command that is held back loses nothing");
    decide(&scene.machine, "approve", &codes[0]);
    scene.aldis(&CODE).run().says(&["Signed in to dev"]);
    scene.machine.aldis(&["logout"]).ok();
    let (login, code) = begin_login(scene.aldis(&CODE));
    decide(&scene.machine, "approve", &code);
    login.finish().says(&["Signed in to dev"]);
}

#[test]
fn a_code_that_still_waits_is_shown_again_and_its_approval_counts_whenever_it_comes() {
    let scene = Scene::new();
    let code = scene.killed("KILL");
    let (login, again) = begin_login(scene.aldis(&CODE));
    assert_eq!(code, again);
    decide(&scene.machine, "approve", &code);
    login.finish().says(&["An earlier sign-in to dev still waits", "Signed in to dev"]);
    assert_eq!(scene.audited("StartDeviceAuthorization"), 1);
}

#[test]
fn a_code_with_little_time_left_and_one_that_was_denied_are_followed_by_a_new_one() {
    let scene = Scene::new();
    let code = scene.killed("KILL");
    scene.clock(500);
    let (login, other) = begin_login(scene.aldis(&CODE));
    assert_ne!(code, other);
    login.signal("KILL");
    login.finish();
    decide(&scene.machine, "deny", &other);
    let (login, third) = begin_login(scene.aldis(&CODE));
    assert_ne!(third, other);
    decide(&scene.machine, "approve", &third);
    login.finish().says(&["showed was denied; this is a new sign-in", "Signed in to dev"]);
}

#[test]
fn ctrl_c_drops_the_code() {
    let scene = Scene::new();
    let code = scene.killed("INT");
    assert!(scene.records().is_empty());
    assert_ne!(code, scene.killed("INT"));
}

#[test]
fn another_flow_redeems_an_approved_code_too() {
    let scene = Scene::new();
    let code = scene.killed("KILL");
    decide(&scene.machine, "approve", &code);
    let outcome = scene.aldis(&["login", "--flow", "browser", "--no-browser"]).run();
    outcome.says(&["Signed in to dev"]);
    assert!(!outcome.stderr.contains("/authorize"), "{outcome}");
}

#[test]
fn one_command_shows_the_code_and_another_finishes_it() {
    let scene = Scene::new();
    let json = ["--output", "json"];
    let outcome = scene.aldis(&[&NO_WAIT[..], &json].concat()).run();
    outcome.says(&[]);
    let shown = events(&outcome);
    assert_eq!(shown.len(), 2, "{outcome}");
    assert_eq!((&shown[0]["event"], &shown[1]["event"]), (&"action_required".into(), &"pending".into()));
    assert_eq!(shown[1]["resume"], "aldis login --sso-session dev --resume");
    assert_eq!(shown[0]["expires_at"], shown[1]["expires_at"]);
    assert_eq!(scene.audited("CreateToken"), 0, "an approval would be spent for nobody");
    let code = shown[0]["user_code"].as_str().unwrap();
    // It may run before the approval.
    let mut resumed = scene.aldis(&[&RESUME[..], &json].concat()).start();
    let again: Value = resumed.wait_for("the code", |line| {
        serde_json::from_str(line).ok().filter(|event: &Value| event["event"] == "action_required")
    });
    assert_eq!(again, shown[0]);
    decide(&scene.machine, "approve", code);
    let outcome = resumed.finish();
    assert_eq!(events(&outcome).last().unwrap()["event"], "signed_in", "{outcome}");
    // Or after it, in words.
    let code = scene.shown();
    decide(&scene.machine, "approve", &code);
    scene.aldis(&RESUME).run().says(&["was approved", "Signed in to dev"]);
    assert!(scene.records().is_empty());
    scene
        .aldis(&RESUME)
        .run()
        .fails(255, &["no sign-in to dev waits to be finished", "aldis login --sso-session dev"]);
}

#[test]
fn every_spelling_shows_and_resumes_and_if_needed_comes_first() {
    let scene = Scene::new();
    let session = ["sso", "login", "--sso-session", "dev"];
    let outcome = scene.aldis(&[&session[..], &["--no-wait", "--use-device-code"]].concat()).run();
    outcome.says(&[]);
    let code = outcome.stdout.lines().find_map(crate::user_code).expect("data on standard output");
    decide(&scene.machine, "approve", &code);
    scene.aldis(&[&session[..], &["--resume", "--if-needed"]].concat()).run().says(&["Signed in to dev"]);
    scene.aldis(&["login", "--resume", "--if-needed"]).run().says(&["Still signed in to dev"]);
    scene.aldis(&["login", "--no-wait", "--if-needed"]).run().says(&["Still signed in to dev"]);
    for words in [&["--no-wait", "--resume"][..], &["--resume", "--flow", "device"], &["--resume", "--now"]] {
        scene.aldis(&[&["login"], words].concat()).run().fails(252, &["cannot be used with"]);
    }
    scene.aldis(&["configure", "sso", "--resume"]).run().fails(252, &["--resume"]);
}

#[test]
fn without_a_named_flow_it_shows_a_code_and_in_a_job_it_must_be_named() {
    let scene = Scene::new();
    let outcome = scene.aldis(&["login", "--no-wait"]).run();
    outcome.says(&["a code can be approved in any browser", "--resume"]);
    let job = |words: &[&str]| scene.aldis(words).with("CI", "true").with("GITHUB_ACTIONS", "true").run();
    job(&["login", "--no-wait"]).fails(255, &["GitHub Actions", "--flow device"]);
    let outcome = job(&NO_WAIT);
    let code = outcome.stderr.lines().find_map(crate::user_code).expect("a code");
    decide(&scene.machine, "approve", &code);
    job(&RESUME).says(&["Signed in to dev"]);
}

#[test]
fn the_answer_to_a_link_comes_to_the_resumed_command_as_a_line_or_by_the_browser() {
    for is_line in [true, false] {
        let scene = Scene::new();
        let outcome = scene.aldis(&["login", "--no-wait", "--flow", "browser"]).run();
        outcome.says(&["This command does not wait: open the link", "--resume"]);
        let link =
            outcome.stderr.lines().find(|line| line.contains("/authorize?")).unwrap().trim().to_owned();
        let port = link.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap().to_owned();
        closed(&format!("127.0.0.1:{port}"));
        let answer = scene.machine.aldis(&["center", "authorize", &link, "--person", "demo"]).ok();
        if is_line {
            scene.aldis(&RESUME).input(&answer).run().says(&["Signed in to dev"]);
        } else {
            let mut resumed = scene.aldis(&RESUME).start();
            resumed.wait_for("the link", |line| line.contains("/authorize?").then_some(()));
            assert_eq!(browse(answer.trim()).status, 200);
            resumed.finish().says(&["Signed in to dev"]);
        }
        assert!(scene.records().is_empty());
    }
}

#[test]
fn a_port_that_is_taken_meanwhile_leaves_the_paste() {
    let scene = Scene::new();
    let outcome = scene.aldis(&["login", "--no-wait", "--flow", "paste"]).run();
    let link = outcome.stderr.lines().find(|line| line.contains("/authorize?")).unwrap().trim().to_owned();
    let port = link.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap().to_owned();
    let _taken = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let answer = scene.machine.aldis(&["center", "authorize", &link, "--person", "demo"]).ok();
    scene.aldis(&RESUME).input(&answer).run().says(&["cannot come back here by itself", "Signed in to dev"]);
}

#[test]
fn what_cannot_be_kept_is_not_begun() {
    let scene = Scene::new();
    let nowhere = |words: &[&str]| scene.aldis(words).with("XDG_STATE_HOME", "/dev/null/nowhere").run();
    nowhere(&NO_WAIT).fails(255, &["cannot be kept for a later command", "hint:"]);
    assert_eq!(scene.audited("StartDeviceAuthorization"), 0);
    nowhere(&RESUME).fails(255, &["no sign-in to dev waits"]);
}

#[test]
fn an_approval_is_not_spent_where_its_token_cannot_be_kept() {
    let scene = Scene::new();
    let code = scene.shown();
    decide(&scene.machine, "approve", &code);
    scene.machine.give_to_somebody();
    scene.machine.make_read_only(".aws/sso/cache");
    scene.aldis(&RESUME).as_somebody().run().fails(255, &["cannot be kept"]);
    assert_eq!(scene.records().len(), 1);
    let cache = scene.machine.home().join(".aws/sso/cache");
    std::fs::set_permissions(cache, std::fs::Permissions::from_mode(0o700)).unwrap();
    scene.aldis(&RESUME).as_somebody().run().says(&["Signed in to dev"]);
}

#[test]
fn resume_takes_part_in_a_sign_in_that_another_terminal_waits_for() {
    let scene = Scene::new();
    let (first, code) = begin_login(scene.aldis(&CODE));
    let (resumed, same) = begin_login(scene.aldis(&RESUME));
    assert_eq!(code, same);
    // And the first may end without an answer.
    first.signal("KILL");
    first.finish();
    decide(&scene.machine, "approve", &code);
    resumed.finish().says(&["Signed in to dev"]);
}

/// The states of an earlier sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Earlier {
    None,
    Pending,
    Approved,
    Denied,
    Expired,
    /// Its token went to somebody else.
    Consumed,
    /// The record is half a text.
    Torn,
}

/// Brings it about; the code that was shown.
fn prepare(scene: &Scene, earlier: Earlier) -> String {
    if earlier == Earlier::None {
        return String::new();
    }
    let code = scene.shown();
    let record = scene.machine.home().join(scene.records().pop().expect("a record"));
    match earlier {
        Earlier::None | Earlier::Pending => {}
        Earlier::Approved => decide(&scene.machine, "approve", &code),
        Earlier::Denied => decide(&scene.machine, "deny", &code),
        Earlier::Expired => scene.clock(601),
        Earlier::Consumed => {
            decide(&scene.machine, "approve", &code);
            let kept = std::fs::read(&record).unwrap();
            scene.aldis(&RESUME).run().says(&["Signed in"]);
            std::fs::write(&record, kept).unwrap();
            std::fs::remove_file(scene.machine.home().join(TOKEN)).unwrap();
        }
        Earlier::Torn => {
            let text = std::fs::read_to_string(&record).unwrap();
            std::fs::write(&record, &text[..text.len() / 2]).unwrap();
        }
    }
    code
}

/// Whether a command shows a code, and the earlier one at that.
#[track_caller]
fn shows(outcome: &Outcome, code: &str) -> Option<bool> {
    let shown = outcome.stderr.lines().find_map(crate::user_code)?;
    Some(shown == code)
}

/// Tries every command after an earlier sign-in in that state: none hangs, none loops, and none loses an approval.
fn every_command_after(earlier: Earlier) {
    use Earlier::{Approved, Consumed, Denied, Expired, None as Nothing, Pending, Torn};

    // Commands that wait for an answer get one.
    for words in [&["login"][..], &["login", "--if-needed"]] {
        let scene = Scene::new();
        let code = prepare(&scene, earlier);
        if earlier == Approved {
            scene.aldis(words).run().says(&["Signed in to dev"]);
        } else {
            let (login, shown) = begin_login(scene.aldis(words));
            assert_eq!(shown == code, earlier == Pending, "{earlier:?} {words:?}");
            decide(&scene.machine, "approve", &shown);
            login.finish().says(&["Signed in to dev"]);
        }
        assert!(scene.is_signed_in() && scene.records().is_empty(), "{earlier:?} {words:?}");
    }

    let scene = Scene::new();
    let code = prepare(&scene, earlier);
    match earlier {
        Approved => drop(scene.aldis(&RESUME).run().says(&["Signed in to dev"])),
        Pending => {
            let (login, shown) = begin_login(scene.aldis(&RESUME));
            assert_eq!(shown, code);
            decide(&scene.machine, "approve", &code);
            login.finish().says(&["Signed in to dev"]);
        }
        Nothing | Torn => drop(scene.aldis(&RESUME).run().fails(255, &["no sign-in to dev waits"])),
        Denied => drop(scene.aldis(&RESUME).run().fails(254, &["was denied"])),
        Expired => drop(scene.aldis(&RESUME).run().fails(255, &["expired"])),
        Consumed => {
            let outcome = scene.aldis(&RESUME).run();
            assert!(matches!(outcome.code, Some(254 | 255)) && outcome.stderr.contains("hint:"), "{outcome}");
        }
    }
    assert_eq!(scene.is_signed_in(), matches!(earlier, Approved | Pending));
    assert!(scene.records().is_empty(), "{earlier:?}");

    let scene = Scene::new();
    let code = prepare(&scene, earlier);
    let outcome = scene.aldis(&NO_WAIT).run();
    outcome.says(&[]);
    match earlier {
        Approved => assert!(scene.is_signed_in() && shows(&outcome, &code).is_none(), "{outcome}"),
        Pending => assert_eq!(shows(&outcome, &code), Some(true), "{outcome}"),
        Nothing | Torn | Denied | Expired | Consumed => {
            assert_eq!(shows(&outcome, &code), Some(false), "{outcome}");
        }
    }
    assert_eq!(scene.records().len(), usize::from(earlier != Approved), "{earlier:?}");

    let scene = Scene::new();
    prepare(&scene, earlier);
    scene.aldis(&["status"]).ok();
    scene
        .aldis(&["creds", "--account-id", "111122223333", "--role-name", "ReadOnly", "--sso-session", "dev"])
        .run();
    assert!(!scene.is_signed_in(), "nothing in the background finishes a sign-in");
    if earlier == Approved {
        scene.aldis(&RESUME).run().says(&["Signed in to dev"]);
    } else {
        scene.aldis(&["logout"]).ok();
        assert!(scene.records().is_empty(), "{earlier:?}");
        scene.aldis(&RESUME).run().fails(255, &["no sign-in to dev waits"]);
    }
}

macro_rules! earlier {
    ($($name:ident $earlier:ident)*) => {
        $(#[test] fn $name() { every_command_after(Earlier::$earlier); })*
    };
}

earlier! {
    every_command_after_none None
    every_command_after_a_pending_one Pending
    every_command_after_an_approved_one Approved
    every_command_after_a_denied_one Denied
    every_command_after_an_expired_one Expired
    every_command_after_a_consumed_one Consumed
    every_command_after_a_torn_one Torn
}
