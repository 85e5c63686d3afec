//! State folders that another user made, as two real users: their pins, records and locks are nothing to this one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use testkit::{Center, Machine, Run, is_root};

use crate::{TOKEN, behind, machine, machine_and_center};

const STRANGER: &str = "61235";
const SOMEBODY: &str = "61234";
const STATE: &str = ".local/state/aldis";

/// A machine whose center keeps its keys elsewhere, so that its state folder is the client's alone.
fn machine_without_state() -> (Machine, Center) {
    let machine = machine();
    let elsewhere = machine.folder().join("center").display().to_string();
    let words =
        ["serve", "--memory", "--listen", "127.0.0.1:0", "--output", "json", "--auto-approve", "demo"];
    let center = Center::from_run(machine.aldis(&words).with("XDG_STATE_HOME", &elsewhere));
    machine.configure(center.start_url());
    (machine, center)
}

/// As the other user.
fn as_stranger(run: Run<'_>) -> Run<'_> {
    let user = [format!("--reuid={STRANGER}"), format!("--regid={STRANGER}")];
    behind(run, &["setpriv", &user[0], &user[1], "--clear-groups", "env", "--chdir=/"].map(str::to_owned))
}

/// A home in which everybody may write, as a shared place for scratch files is.
fn share(machine: &Machine, folders: &[&str]) {
    for folder in folders {
        let path = machine.home().join(folder);
        std::fs::create_dir_all(&path).unwrap();
        open_up(&path, "0777");
    }
    open_up(machine.folder(), "0777");
}

fn open_up(path: &Path, mode: &str) {
    let mode = u32::from_str_radix(mode, 8).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn shell(script: &str, folder: &Path) {
    let status = std::process::Command::new("sh").args(["-ec", script]).current_dir(folder).status();
    assert!(status.unwrap().success(), "{script}");
}

#[test]
fn a_sign_in_that_another_user_recorded_is_not_adopted() {
    if !is_root() {
        return testkit::skip("only root can be two other users");
    }
    let (machine, _center) = machine_without_state();
    share(&machine, &["", ".aws", ".aws/sso", ".aws/sso/cache", ".local", ".local/state"]);
    open_up(&machine.home().join(".aws/config"), "0644");
    let words = ["login", "--flow", "browser", "--no-browser"];
    let mut theirs = as_stranger(machine.aldis(&words)).start();
    theirs.wait_for("a link", |line| line.contains("/authorize?").then_some(()));
    // They let everybody read the record, and put a link of theirs into it.
    let script = "chmod -R a+rwX .; sed -i 's|^link.address .*|link.address https://evil.example/authorize|' signing-in/*.txt; \
                  chown -R 61235:61235 .; chmod -R a+rwX .";
    shell(script, &machine.home().join(STATE));
    let planted = std::fs::read_to_string(record(&machine)).unwrap();
    assert!(planted.contains("evil.example"), "{planted}");

    let mut ours = machine.aldis(&words).as_somebody().start();
    let link = ours.wait_for("a link", |line| {
        assert!(!line.contains("evil.example") && !line.contains("Another terminal"), "{line}");
        line.contains("/authorize?").then(|| line.trim().to_owned())
    });
    assert_eq!(crate::browser_flow::browse(&link).status, 200);
    let outcome = ours.finish();
    outcome.says(&["warning: no state is kept or read", "belongs to user 61235", "Signed in to dev"]);
    assert_eq!(outcome.stderr.matches("no state is kept").count(), 1, "{outcome}");
    assert_eq!(std::fs::read_to_string(record(&machine)).unwrap(), planted);
    theirs.signal("KILL");
    theirs.finish();

    let json = machine.aldis(&["login", "--use-device-code", "--no-browser", "--output", "json"]);
    let outcome = json.as_somebody().run();
    let warnings: Vec<&str> = outcome
        .stdout
        .lines()
        .chain(outcome.stderr.lines())
        .filter(|line| line.contains("no state is kept"))
        .collect();
    assert_eq!(warnings.len(), 1, "{outcome}");
    assert!(serde_json::from_str::<serde_json::Value>(warnings[0]).is_ok(), "{outcome}");
}

fn record(machine: &Machine) -> std::path::PathBuf {
    let folder = machine.home().join(STATE).join("signing-in");
    let mut entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.find(|path| path.extension().is_some_and(|ending| ending == "txt")).expect("a record")
}

#[test]
fn a_pin_that_another_user_made_sends_no_token_anywhere() {
    if !is_root() {
        return testkit::skip("only root can be two other users");
    }
    let (machine, center) = machine_without_state();
    machine.give_to_somebody();
    let run = |words: &[&str]| machine.aldis(words).as_somebody().run();
    run(&["login", "--use-device-code", "--no-browser"]).says(&["Signed in"]);
    let pins = machine.home().join(STATE).join("pins");
    let pin = std::fs::read_dir(&pins).unwrap().next().unwrap().unwrap().path();
    // Those beside the token have the rights of the token.
    let beside = machine.files().into_iter().map(|(path, _)| path).find(|path| path.ends_with(".pins"));
    std::fs::remove_file(machine.home().join(beside.expect("pins beside the token"))).unwrap();
    let stranger = testkit::Relay::before(center.port());
    let text = std::fs::read_to_string(&pin).unwrap();
    let origin = center.url().trim_end_matches('/');
    assert!(text.contains(origin), "{text} {origin}");
    let text = text.replace(&format!("sso {origin}"), &format!("sso {}", stranger.url()));
    std::fs::write(&pin, text).unwrap();
    let accounts = || machine.aldis(&["accounts", "--profile", "dev"]).as_somebody();
    // It is read as long as it is this user's own,
    accounts().run().fails(255, &["was made at"]);
    // and is nobody's when it is another's.
    std::os::unix::fs::chown(&pin, Some(61_235), None).unwrap();
    open_up(&pin, "0644");
    assert!(machine.files().iter().all(|(path, _)| !path.ends_with(".pins")));
    accounts().ok();
    assert_eq!(stranger.count(""), 0);
}

#[test]
fn root_leaves_the_state_of_a_user_alone_and_makes_none_in_a_users_home() {
    if !is_root() {
        return testkit::skip("only root can be root");
    }
    let (machine, _center) = machine_without_state();
    machine.give_to_somebody();
    let login = ["login", "--use-device-code", "--no-browser"];
    // As `sudo` does without -H.
    let outcome = machine.aldis(&login).run();
    outcome.says(&["no state is kept or read", &format!("belongs to user {SOMEBODY}"), "Signed in"]);
    assert!(!machine.home().join(".local").exists(), "the user could not use it");
    machine.give_to_somebody();
    machine.aldis(&login).as_somebody().run().says(&["Signed in"]);
    assert!(machine.home().join(STATE).exists());
    let outcome = machine.aldis(&["accounts", "--profile", "dev"]).run();
    assert!(
        outcome.code == Some(0) && outcome.stderr.contains(&format!("belongs to user {SOMEBODY}")),
        "{outcome}"
    );
    // A command that needs no state does not speak of it.
    machine.aldis(&["creds", "--profile", "dev"]).run();
    let outcome = machine.aldis(&["creds", "--profile", "dev"]).run();
    assert!(outcome.code == Some(0) && outcome.stderr.is_empty(), "{outcome}");
}

#[test]
fn a_state_folder_that_others_may_write_counts_as_missing() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let login = || machine.aldis(&["login", "--use-device-code", "--no-browser"]);
    let silent = login().run();
    silent.says(&["Signed in"]);
    assert!(!silent.stderr.contains("no state is kept"), "{silent}");
    open_up(&machine.home().join(STATE), "0777");
    login().run().says(&["writable by others (mode 0777)", "XDG_STATE_HOME", "Signed in"]);
    machine.aldis(&["logout"]).run().says(&["writable by others", "Signed out"]);
    assert!(!machine.home().join(TOKEN).exists());
    // Another folder, as the line says; a relative one is none.
    let own = machine.folder().join("own").display().to_string();
    let outcome = login().with("XDG_STATE_HOME", &own).run();
    assert!(!outcome.stderr.contains("no state is kept"), "{outcome}");
    assert!(machine.folder().join("own/aldis/pins").exists());
    login().with("XDG_STATE_HOME", "own").run().says(&["writable by others"]);
}
