use crate::{TOKEN, machine_and_center, sign_in};

/// Somebody who is not root: root writes everywhere.
const SOMEBODY: u32 = 61234;

fn owned_by_somebody(machine: &testkit::Machine) {
    for path in ["chown", "chmod"] {
        let value = if path == "chown" { format!("{SOMEBODY}:{SOMEBODY}") } else { "go+rX".to_owned() };
        let status = std::process::Command::new(path).arg("-R").arg(&value).arg(machine.folder()).status();
        assert!(status.unwrap().success());
    }
    // A private folder is one that nobody else may enter.
    let status =
        std::process::Command::new("chmod").arg("-R").arg("700").arg(machine.folder().join("run")).status();
    assert!(status.unwrap().success());
}

fn is_root() -> bool {
    let output = std::process::Command::new("id").arg("-u").output().unwrap();
    output.stdout == b"0\n"
}

#[test]
fn without_home_the_users_record_says_where_it_is() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    if !is_root() {
        return;
    }
    // A user of that number has no record, so there is no home at all.
    owned_by_somebody(&machine);
    machine
        .aldis(&["login", "--no-browser"])
        .without("HOME")
        .as_user(SOMEBODY)
        .run()
        .fails(253, &["home", "HOME"]);
}

#[test]
fn a_home_that_cannot_be_written_is_found_before_anybody_is_asked() {
    let (machine, _center) = machine_and_center(&[]);
    if !is_root() {
        return;
    }
    owned_by_somebody(&machine);
    let read_only = |path: &str| {
        let path = machine.home().join(path);
        assert!(
            std::process::Command::new("chmod").arg("-R").arg("a-w").arg(&path).status().unwrap().success()
        );
    };
    read_only("");
    let outcome = machine.aldis(&["login", "--sso-session", "dev", "--no-browser"]).as_user(SOMEBODY).run();
    outcome.fails(255, &[".aws/sso/cache", "hint:"]);
    assert!(!outcome.stderr.contains("/device"), "nobody was asked: {outcome}");
}

#[test]
fn credentials_come_even_where_they_cannot_be_kept() {
    let (machine, _center) = machine_and_center(&[]);
    if !is_root() {
        return;
    }
    sign_in(&machine);
    owned_by_somebody(&machine);
    assert!(
        std::process::Command::new("chmod")
            .args(["-R", "a-w"])
            .arg(machine.home())
            .status()
            .unwrap()
            .success()
    );
    let outcome = machine.aldis(&["creds", "--profile", "dev"]).as_user(SOMEBODY).run();
    outcome.says(&["cannot be kept"]);
    assert!(outcome.stdout.contains("\"Version\": 1"), "{outcome}");
    assert!(machine.read(TOKEN).contains("accessToken"));
}

#[test]
fn a_token_that_cannot_be_removed_is_named_and_the_center_is_asked_all_the_same() {
    let (machine, _center) = machine_and_center(&[]);
    if !is_root() {
        return;
    }
    sign_in(&machine);
    owned_by_somebody(&machine);
    let folder = machine.home().join(".aws/sso/cache");
    assert!(std::process::Command::new("chmod").arg("a-w").arg(&folder).status().unwrap().success());
    machine
        .aldis(&["logout"])
        .as_user(SOMEBODY)
        .run()
        .fails(255, &["cannot be removed", TOKEN, "hint:", "ls -ld"]);
    machine.aldis(&["accounts"]).run().fails(255, &["ended elsewhere"]);
}
