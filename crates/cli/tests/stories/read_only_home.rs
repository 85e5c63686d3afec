//! A refresh token is spent only if its successor can be written to the file that it came from: a container that mounts the
//! host's `~/.aws` read-only, a full disk, or a token file that is mounted by itself must never end the host's sign-in.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;

use testkit::{Machine, Outcome, Run, is_root};

use crate::aws_cli::Office;
use crate::bad_places::{FILL, on_small_disks, whole};
use crate::races::{LIFE, Scene};
use crate::{TOKEN, apart, apart_why_not, behind, machine};

/// Every command that renews a token, with a role that is in no cache.
const COMMANDS: [&[&str]; 7] = [
    &["creds", "--profile", "dev"],
    &["exec", "--profile", "dev", "--", "true"],
    &["whoami", "--profile", "dev"],
    &["accounts", "--profile", "dev"],
    &["roles", "111122223333", "--profile", "dev"],
    &["configure", "export-credentials", "--profile", "dev"],
    &["configure", "list", "--profile", "dev"],
];

/// The words about a read-only file system.
const READ_ONLY: [&str; 3] =
    ["cannot be written", "Read-only file system", "renew on the host, or mount it writable"];

/// Runs in a mount namespace in which `setup` was run; `{aws}` is the machine's `~/.aws` there, `{token}` the token file. The
/// state folder is its own.
fn contained<'a>(machine: &Machine, run: Run<'a>, setup: &str) -> Run<'a> {
    let path = |path: &str| machine.home().join(path).display().to_string();
    let setup = setup.replace("{aws}", &path(".aws")).replace("{token}", &path(TOKEN));
    let state = machine.folder().join("container-state").display().to_string();
    behind(run.with("XDG_STATE_HOME", &state), &apart("m", &setup))
}

const MOUNTED_READ_ONLY: &str = "mount --bind {aws} {aws}; mount -o remount,bind,ro {aws}";

/// An office with a movable center, signed in by Aldis.
fn office() -> Office {
    let office = Office::with_center(machine(), &["--test-clock"]);
    office.aldis_login();
    office
}

impl Office {
    fn center_clock(&self, step: &str) {
        self.machine.aldis(&["center", "clock", step]).ok();
    }

    fn contained(&self, words: &[&str]) -> Outcome {
        contained(&self.machine, self.machine.aldis(words), MOUNTED_READ_ONLY).run()
    }

    /// The number of times a refresh token was presented, and whether that ended a session.
    fn refreshes(&self) -> (usize, bool) {
        let audit = self.machine.aldis(&["center", "audit", "--output", "json"]).ok();
        (audit.matches("\"grantType\":\"refresh_token\"").count(), audit.contains("SessionEnded"))
    }
}

#[test]
fn a_container_that_mounts_the_home_read_only_never_ends_the_sign_in_of_the_host() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let office = office();
    let mut spent = 0;
    for host in ["aws", "aldis"] {
        office.end_in(-1);
        let before = office.machine.read(TOKEN);
        for words in COMMANDS {
            office.contained(words).fails(255, &READ_ONLY);
        }
        office.contained(&["login", "--if-needed", "--use-device-code"]).fails(255, &["cannot be kept"]);
        let status = office.contained(&["status"]);
        assert!(
            status.stdout.contains("not renewed here") && status.stdout.contains(READ_ONLY[2]),
            "{status}"
        );
        assert_eq!(office.machine.read(TOKEN), before);
        assert_eq!(office.refreshes(), (spent, false), "nothing was presented");
        // Beyond the minute in which a center forgives a token that is presented twice.
        office.center_clock("+2m");
        let keys = match host {
            "aws" => office.aws_keys(),
            _ => office.aldis_keys(),
        };
        assert!(keys["SessionToken"].is_string(), "{keys}");
        spent += 1;
        assert_eq!(office.refreshes(), (spent, false));
        let renewed = office.machine.read(TOKEN);
        assert_ne!(renewed, before, "the host renewed it");
        office.drop_role_files();
        // And the container goes on with what the host renewed.
        office.contained(&["accounts", "--profile", "dev"]).says(&[]);
        office.contained(&["exec", "--profile", "dev", "--", "true"]).says(&[]);
        assert_eq!((office.machine.read(TOKEN), office.refreshes()), (renewed, (spent, false)));
    }
    whole(&office.machine);
}

#[test]
fn a_token_that_cannot_be_renewed_here_is_used_while_it_is_valid_with_one_warning() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let office = office();
    office.end_in(5);
    let outcome = office.contained(&["accounts", "--profile", "dev"]);
    outcome.says(&["the token could not be renewed; what there is can be used until", "cannot be written"]);
    assert_eq!(outcome.stderr.matches("warning:").count(), 1, "{outcome}");
    assert_eq!(office.refreshes(), (0, false));
}

#[test]
fn on_a_full_disk_no_refresh_token_is_spent() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let office = office();
    office.end_in(-1);
    let home = office.machine.home();
    let copy = office.machine.folder().join("copy");
    let status = Command::new("cp").arg("-r").arg(home.join(".aws")).arg(&copy).status();
    assert!(status.unwrap().success());
    let before = format!("cp -r {}/. .aws/; {}", copy.display(), FILL.replace("{}", ".aws"));
    for words in COMMANDS {
        let outcome = on_small_disks(&office.machine, office.machine.aldis(words), &[".aws"], &before).run();
        outcome.fails(255, &["cannot be written", "No space left", "make room: df -h"]);
        assert!(!outcome.stdout.contains(".tmp"), "{outcome}");
    }
    assert_eq!(office.refreshes(), (0, false));
    office.center_clock("+2m");
    assert!(office.aws_keys()["SessionToken"].is_string());
    office.end_in(-1);
    assert!(office.aldis_keys()["SessionToken"].is_string());
    assert_eq!(office.refreshes(), (2, false));
}

#[test]
fn a_token_file_that_is_mounted_by_itself_read_only_is_not_renewed_and_not_signed_in_to() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let office = office();
    office.end_in(-1);
    let setup = "mount --bind {token} {token}; mount -o remount,bind,ro {token}";
    let run = |words: &[&str]| contained(&office.machine, office.machine.aldis(words), setup).run();
    for words in COMMANDS {
        run(words).fails(255, &READ_ONLY);
    }
    let login = run(&["login", "--use-device-code", "--no-browser"]);
    login.fails(255, &["cannot be kept", "sign in on the host, or mount it writable"]);
    assert!(!login.stderr.contains("enter this code"), "found before anybody is asked: {login}");
    assert_eq!(office.refreshes(), (0, false));
    office.center_clock("+2m");
    assert!(office.aldis_keys()["SessionToken"].is_string());
}

/// The container has the file that was there when it was started. The host has renewed its token since, into another file, as
/// every tool does that replaces files.
#[test]
fn a_mounted_token_file_that_the_host_has_replaced_is_not_renewed() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let office = office();
    let home = office.machine.home().display().to_string();
    let container = office.machine.folder().join("container").display().to_string();
    let host = office.machine.binary().display().to_string();
    let copy = format!(
        "mkdir -p $(dirname {container}/{TOKEN}); cp {home}/.aws/config {container}/.aws/; touch {container}/{TOKEN}"
    );
    let mount = format!("mount --bind {home}/{TOKEN} {container}/{TOKEN}");
    let renew = format!("HOME={home} {host} accounts --profile dev >/dev/null");
    let setup = [copy, mount, renew].join("; ");
    for (number, words) in COMMANDS.into_iter().enumerate() {
        office.end_in(-1);
        let run = office.machine.aldis(words).with("HOME", &container);
        let outcome = behind(run, &apart("m", &setup)).run();
        let words = [
            "cannot be written",
            "replaced where it is mounted from",
            "mount the folder instead of the file",
        ];
        outcome.fails(255, &words);
        assert_eq!(office.refreshes(), (number + 1, false), "only the host presented one");
        office.center_clock("+2m");
    }
    office.end_in(-1);
    assert!(office.aldis_keys()["SessionToken"].is_string());
    assert_eq!(office.refreshes(), (COMMANDS.len() + 1, false));
}

#[test]
fn root_that_renews_a_token_of_a_user_leaves_it_the_users() {
    if !is_root() {
        return testkit::skip("only root can renew the token of another user");
    }
    let scene = Scene::new();
    give_home_to_somebody(&scene.machine);
    scene.advance(LIFE + 1);
    // The view of a container that runs as root and mounts the home writable.
    scene.creds().ok();
    let owner = |path: &str| std::fs::metadata(scene.machine.home().join(path)).unwrap().uid();
    assert_ne!(owner(TOKEN), 0);
    let roles = scene.machine.files().into_iter().filter(|(path, _)| path.starts_with(".aws/cli/cache/"));
    assert!(roles.filter(|(path, _)| path.ends_with(".json")).count() == 1);
    scene.aldis(&["accounts", "--profile", "dev"]).as_somebody().ok();
}

/// Gives the home, and not the center's sockets, to the user as whom `as_somebody` runs; the clock can be read by all.
fn give_home_to_somebody(machine: &Machine) {
    machine.give_to_somebody();
    if is_root() {
        let status = Command::new("chown").arg("-R").arg("0:0").arg(machine.folder().join("run")).status();
        assert!(status.unwrap().success());
    }
    std::fs::set_permissions(machine.folder(), std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_successor_that_cannot_be_kept_after_all_is_not_presented_and_comes_again() {
    let scene = Scene::new();
    give_home_to_somebody(&scene.machine);
    scene.advance(LIFE + 1);
    scene.relay.hold("POST /token");
    let holder = scene.creds().as_somebody().start();
    scene.relay.wait_for_held(1);
    let folder = scene.machine.home().join(".aws/sso/cache");
    let set_mode = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o500);
    scene.relay.release();
    holder.finish().fails(255, &["warning: the token cannot be kept", "is over, and is not renewed here"]);
    assert_eq!(scene.relay.count("GET /federation"), 0, "the successor went nowhere");
    set_mode(0o700);
    // Beyond the minute of grace: the answer counts as lost, because neither of its tokens was seen.
    scene.advance(120);
    scene.creds().as_somebody().ok();
    assert_eq!(scene.audited(&["SessionEnded"]), 0);
}
