//! Many processes, one sign-in: who renews, who waits, and what becomes of one that is killed or stopped in the middle.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::{Center, Machine, Relay, Run, Running};

use crate::network::forget_pins;
use crate::{TOKEN, machine, machine_and_center};

/// A signed-in machine whose clock and center are half a minute before the end of its token, or behind it.
pub(crate) struct Scene {
    pub(crate) machine: Machine,
    pub(crate) center: Center,
    pub(crate) relay: Relay,
    clock: PathBuf,
}

/// How long a sign-in of the demonstration lasts.
pub(crate) const LIFE: i64 = 3600;

impl Scene {
    pub(crate) fn new() -> Self {
        let machine = machine();
        let center = machine.center(&["--test-clock", "--auto-approve", "demo"]);
        machine.configure(center.start_url());
        let relay = Relay::before(center.port());
        let clock = machine.folder().join("clock");
        std::fs::write(&clock, "0").unwrap();
        let scene = Self { machine, center, relay, clock };
        scene.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
        scene
    }

    /// With every call through the relay, and the machine's own clock.
    pub(crate) fn aldis(&self, words: &[&str]) -> Run<'_> {
        self.with_places(self.machine.aldis(words))
    }

    fn with_places<'a>(&self, run: Run<'a>) -> Run<'a> {
        run.with("ALDIS_TEST_CLOCK", &self.clock.display().to_string())
            .with("AWS_ENDPOINT_URL_SSO_OIDC", &self.relay.url())
            .with("AWS_ENDPOINT_URL_SSO", &self.relay.url())
    }

    pub(crate) fn creds(&self) -> Run<'_> {
        self.aldis(&["creds", "--profile", "dev"])
    }

    /// Both clocks go on by so many seconds.
    pub(crate) fn advance(&self, seconds: i64) {
        let before: i64 = std::fs::read_to_string(&self.clock).unwrap().trim().parse().unwrap();
        std::fs::write(&self.clock, (before + seconds).to_string()).unwrap();
        self.advance_center(seconds);
    }

    /// The clock of the center goes on by so many seconds, and that of the machine does not.
    pub(crate) fn advance_center(&self, seconds: i64) {
        self.machine.aldis(&["center", "clock", &format!("+{seconds}s")]).ok();
    }

    pub(crate) fn audited(&self, words: &[&str]) -> usize {
        let audit = self.machine.aldis(&["center", "audit", "--output", "json"]).ok();
        audit.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    fn refresh_token(&self) -> String {
        let token: Value = serde_json::from_str(&self.machine.read(TOKEN)).unwrap();
        token["refreshToken"].as_str().unwrap().to_owned()
    }
}

/// Expects credentials of each, all the same if `same`.
fn good(all: impl IntoIterator<Item = Running>) -> Vec<Value> {
    let outcomes = all.into_iter().map(Running::finish);
    outcomes
        .map(|outcome| {
            assert!(outcome.code == Some(0), "{outcome}");
            let credentials: Value = serde_json::from_str(&outcome.stdout).unwrap();
            assert!(credentials["AccessKeyId"].is_string(), "{credentials}");
            credentials
        })
        .collect()
}

#[test]
fn fifty_at_the_moment_of_expiry_renew_once_and_fetch_once() {
    let scene = Scene::new();
    scene.creds().ok();
    scene.advance(LIFE + 1);
    let (tokens, roles) = (scene.relay.count("POST /token"), scene.relay.count("GET /federation"));
    let all = good((0..50).map(|_| scene.creds().start()).collect::<Vec<_>>());
    assert!(all.iter().all(|credentials| credentials == &all[0]));
    assert_eq!(scene.relay.count("POST /token") - tokens, 1);
    assert_eq!(scene.relay.count("GET /federation") - roles, 1);
    let locks: Vec<_> =
        scene.machine.files().into_iter().filter(|(path, _)| path.ends_with(".lock")).collect();
    assert!(locks.iter().all(|(path, _)| path.starts_with(".local/state/aldis/")), "{locks:?}");
    assert!(locks.iter().all(|(_, mode)| *mode == 0o600), "{locks:?}");
}

#[test]
fn a_holder_that_is_killed_is_no_holder_any_more() {
    let scene = Scene::new();
    scene.advance(LIFE + 1);
    scene.relay.hold("POST /token");
    let holder = scene.creds().start();
    scene.relay.wait_for_held(1);
    let waiting: Vec<_> = (0..50).map(|_| scene.creds().start()).collect();
    holder.signal("KILL");
    assert_eq!(holder.finish().code, None);
    scene.relay.release();
    // The center gave the killed one a refresh token that nobody has; it gives the next one the same.
    let all = good(waiting);
    assert!(all.iter().all(|credentials| credentials == &all[0]));
    assert_eq!(scene.relay.count("GET /federation"), 1);
    assert_eq!(scene.audited(&["SessionEnded"]), 0);
    scene.advance(LIFE + 1);
    scene.creds().ok();
}

#[test]
fn a_holder_that_was_stopped_through_two_refreshes_brings_no_old_token_back() {
    let scene = Scene::new();
    scene.advance(LIFE + 1);
    scene.relay.hold("POST /token");
    let holder = scene.creds().start();
    scene.relay.wait_for_held(1);
    holder.signal("STOP");
    scene.relay.release();
    let sent = scene.refresh_token();
    // The holder has the lock: each of them waits its quarter of a minute, then goes on.
    let others = good((0..8).map(|_| scene.creds().start()).collect::<Vec<_>>());
    assert_eq!(others.len(), 8);
    let second = scene.refresh_token();
    assert_ne!(second, sent);
    scene.advance(LIFE + 1);
    let outcome = scene.creds().run();
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert!(outcome.stderr.contains("another process has held the lock for 15 seconds"), "{outcome}");
    let third = scene.refresh_token();
    assert_ne!(third, second);
    let kept = scene.machine.read(TOKEN);
    holder.signal("CONT");
    good([holder]);
    assert_eq!(scene.machine.read(TOKEN), kept, "what the holder brought is older");
    scene.advance(LIFE + 1);
    scene.creds().ok();
}

#[test]
fn what_another_program_kept_while_a_refresh_was_under_way_stays_and_is_used() {
    let scene = Scene::new();
    scene.advance(LIFE + 1);
    let other = machine();
    other.configure(scene.center.start_url());
    scene.with_places(other.aldis(&["login", "--use-device-code", "--no-browser"])).ok();
    let newer = other.read(TOKEN);
    scene.relay.hold("POST /token");
    let holder = scene.creds().start();
    scene.relay.wait_for_held(1);
    scene.machine.write(TOKEN, &newer);
    scene.relay.release();
    good([holder]);
    assert_eq!(scene.machine.read(TOKEN), newer);
}

#[test]
fn a_sign_out_while_a_refresh_is_under_way_stays_one() {
    let scene = Scene::new();
    scene.advance(LIFE + 1);
    scene.relay.hold("POST /token");
    let holder = scene.creds().start();
    scene.relay.wait_for_held(1);
    std::fs::remove_file(scene.machine.home().join(TOKEN)).unwrap();
    scene.relay.release();
    holder.finish().fails(255, &["not signed in"]);
    assert!(!scene.machine.home().join(TOKEN).exists());
}

#[test]
fn a_network_fault_fails_nobody_whose_token_or_credentials_are_still_good() {
    let scene = Scene::new();
    scene.creds().ok();
    scene.advance(LIFE - 600);
    scene.relay.hang_up();
    let outcome = scene.creds().run();
    outcome.says(&["the token could not be renewed", "the role credentials could not be renewed"]);
    assert!(outcome.stdout.contains("AccessKeyId"), "{outcome}");
    scene.advance(601);
    let outcome = scene.creds().run();
    outcome.fails(255, &["error: the token of dev is over and could not be renewed"]);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn different_roles_wait_for_each_other_only_where_ten_are_fetched_already() {
    let scene = Scene::new();
    let role = |name: &str| scene.aldis(&["creds", "--account-id", "111122223333", "--role-name", name]);
    scene.relay.hold("GET /federation");
    let one = role("ReadOnly").start();
    scene.relay.wait_for_held(1);
    let other = role("Developer").start();
    scene.relay.wait_for_held(2);
    scene.relay.release();
    good([one, other]);
    let slots = scene.machine.home().join(".local/state/aldis/fetching");
    let holders: Vec<_> = (0..10)
        .map(|number| {
            let mut command = Command::new("flock");
            command.arg(slots.join(format!("{number}.lock"))).args(["cat"]).stdin(Stdio::piped());
            command.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    scene.advance(LIFE + 1);
    let before = scene.relay.count("GET /federation");
    let waiting = role("ReadOnly").start();
    while scene.relay.count("POST /token") < 2 {
        std::thread::yield_now();
    }
    assert_eq!(scene.relay.count("GET /federation"), before, "ten are at it");
    for mut holder in holders {
        drop(holder.stdin.take());
        holder.wait().unwrap();
    }
    good([waiting]);
    assert_eq!(scene.relay.count("GET /federation"), before + 1);
}

/// A library that says of every file what a file system without locks says.
pub(crate) fn without_locks(folder: &Path) -> PathBuf {
    let text = "#include <errno.h>\nint flock(int fd, int how) { (void)fd; (void)how; errno = ENOLCK; return -1; }\n";
    preloaded(folder, "nolocks", text)
}

/// A library of that source, for `LD_PRELOAD`.
pub(crate) fn preloaded(folder: &Path, name: &str, text: &str) -> PathBuf {
    let (source, library) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
    std::fs::write(&source, text).unwrap();
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(status.is_ok_and(|status| status.success()), "cc makes a library");
    library
}

#[test]
fn on_a_file_system_without_locks_all_go_on_and_the_center_forgives_them() {
    let scene = Scene::new();
    let library = without_locks(scene.machine.folder());
    let creds = || scene.creds().with("LD_PRELOAD", &library.display().to_string());
    scene.advance(LIFE + 1);
    let all: Vec<_> = (0..50).map(|_| creds().start()).collect();
    let outcomes: Vec<_> = all.into_iter().map(Running::finish).collect();
    for outcome in &outcomes {
        assert_eq!(outcome.code, Some(0), "{outcome}");
    }
    assert!(outcomes.iter().any(|outcome| outcome.stderr.contains("cannot be locked")), "the library works");
    assert_eq!(scene.audited(&["SessionEnded"]), 0);
    scene.advance(LIFE + 1);
    creds().ok();
}

#[test]
fn a_refresh_that_cannot_be_kept_waits_while_the_token_is_good() {
    let scene = Scene::new();
    let library = without_locks(scene.machine.folder());
    scene.advance(LIFE - 600);
    let before = scene.relay.count("POST /token");
    let outcome = scene
        .aldis(&["accounts", "--profile", "dev"])
        .with("LD_PRELOAD", &library.display().to_string())
        .run();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
    assert_eq!(scene.relay.count("POST /token"), before);
}

#[test]
fn a_sign_out_of_one_session_finds_what_was_fetched_for_it_by_hand() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    machine.aldis(&["creds", "--account-id", "111122223333", "--role-name", "Developer"]).ok();
    machine.aldis(&["logout", "--sso-session", "dev"]).run().says(&["Removed role credentials"]);
    let roles = machine.files().into_iter().filter(|(path, _)| path.contains("/aldis/roles/"));
    assert_eq!(roles.count(), 0, "and forgets them");
    let cached = machine
        .files()
        .into_iter()
        .filter(|(path, _)| path.starts_with(".aws/cli/cache/") && path.ends_with(".json"));
    assert_eq!(cached.count(), 0);
}

#[test]
fn a_sign_out_goes_where_the_token_was_given_and_nowhere_else() {
    let scene = Scene::new();
    let stranger = Relay::before(scene.center.port());
    let outcome =
        scene.machine.aldis(&["logout", "--profile", "dev"]).with("AWS_ENDPOINT_URL", &stranger.url()).run();
    outcome.says(&["Signed out"]);
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
    assert_eq!(stranger.count("POST /logout"), 0);
    assert_eq!(scene.relay.count("POST /logout"), 1);
}

#[test]
fn a_first_use_pins_only_where_it_was_answered_and_a_damaged_pin_is_no_first_use() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    forget_pins(&machine);
    let stranger = Relay::before(center.port());
    stranger.hang_up();
    let accounts = || machine.aldis(&["accounts", "--profile", "dev"]);
    accounts().with("AWS_ENDPOINT_URL", &stranger.url()).run().fails(255, &["error:"]);
    accounts().ok();
    let name = TOKEN.rsplit('/').next().unwrap().trim_end_matches(".json");
    machine.write(&format!(".local/state/aldis/pins/{name}.txt"), "garbage");
    machine.write(&format!(".aws/sso/cache/aldis-{name}.pins"), "garbage");
    let asked = stranger.count("");
    let outcome = accounts().with("AWS_ENDPOINT_URL", &stranger.url()).run();
    outcome.fails(255, &["cannot be read any more", "--endpoint-changed"]);
    assert_eq!(stranger.count(""), asked, "the token went nowhere");
    accounts().ok();
}

#[test]
fn a_sign_out_while_a_role_is_fetched_leaves_none_of_its_credentials() {
    let scene = Scene::new();
    scene.relay.hold("GET /federation");
    let late = scene.creds().start();
    scene.relay.wait_for_held(1);
    scene.aldis(&["logout"]).ok();
    scene.relay.release();
    late.finish().fails(255, &["not signed in"]);
    let role = |(path, _): &(String, u32)| path.starts_with(".aws/cli/cache/") && path.ends_with(".json");
    assert_eq!(scene.machine.files().iter().filter(|file| role(file)).count(), 0);
}

#[test]
fn a_config_file_that_makes_no_sense_keeps_nobody_signed_in() {
    let scene = Scene::new();
    scene.creds().ok();
    scene.machine.write(".aws/config", "garbage\n");
    scene.machine.aldis(&["logout"]).run().says(&[
        "warning:",
        "line 1",
        "Signed out",
        "Removed role credentials",
    ]);
    assert!(!scene.machine.home().join(TOKEN).exists());
    assert_eq!(scene.audited(&["\"Logout\""]), 1, "the token says itself where it belongs");
}
