use crate::{TOKEN, machine_and_center, sign_in};

#[test]
fn without_home_and_without_a_record_of_the_user_it_says_so() {
    if !testkit::is_root() {
        // Everybody but the made-up user has a record, which says where home is; that home is not a story's to use.
        return;
    }
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.give_to_somebody();
    let outcome =
        machine.aldis(&["login", "--use-device-code", "--no-browser"]).without("HOME").as_somebody().run();
    outcome.fails(253, &["home", "HOME"]);
}

#[test]
fn a_home_that_cannot_be_written_is_found_before_anybody_is_asked() {
    let (machine, _center) = machine_and_center(&[]);
    machine.give_to_somebody();
    machine.make_read_only("");
    let outcome = machine
        .aldis(&["login", "--use-device-code", "--sso-session", "dev", "--no-browser"])
        .as_somebody()
        .run();
    outcome.fails(255, &[".aws/sso/cache", "hint:"]);
    assert!(!outcome.stderr.contains("/device"), "nobody was asked: {outcome}");
}

#[test]
fn credentials_come_even_where_they_cannot_be_kept() {
    let (machine, _center) = machine_and_center(&[]);
    sign_in(&machine);
    machine.give_to_somebody();
    machine.make_read_only("");
    let outcome = machine.aldis(&["creds", "--profile", "dev"]).as_somebody().run();
    outcome.says(&["cannot be kept"]);
    assert!(outcome.stdout.contains("\"Version\": 1"), "{outcome}");
    assert!(machine.read(TOKEN).contains("accessToken"));
}

#[test]
fn a_full_disk_is_found_before_anybody_is_asked() {
    if !testkit::is_root() {
        // Only root can make a disk that is small enough to be full.
        return;
    }
    let (machine, _center) = machine_and_center(&[]);
    let cache = machine.home().join(".aws/sso");
    std::fs::create_dir_all(&cache).unwrap();
    let mount = |words: &[&str]| {
        assert!(std::process::Command::new("mount").args(words).arg(&cache).status().unwrap().success());
    };
    mount(&["-t", "tmpfs", "-o", "size=4k", "tmpfs"]);
    let outcome =
        machine.aldis(&["login", "--use-device-code", "--sso-session", "dev", "--no-browser"]).run();
    assert!(std::process::Command::new("umount").arg(&cache).status().unwrap().success());
    outcome.fails(255, &["No space left", "df -h"]);
    assert!(!outcome.stderr.contains("/device"), "nobody was asked: {outcome}");
}

#[test]
fn a_token_that_cannot_be_removed_is_named_and_the_center_is_asked_all_the_same() {
    let (machine, _center) = machine_and_center(&[]);
    sign_in(&machine);
    machine.give_to_somebody();
    let folder = machine.home().join(".aws/sso/cache");
    assert!(std::process::Command::new("chmod").arg("a-w").arg(&folder).status().unwrap().success());
    machine
        .aldis(&["logout"])
        .as_somebody()
        .run()
        .fails(255, &["cannot be removed", TOKEN, "hint:", "ls -ld"]);
    machine.aldis(&["accounts"]).run().fails(255, &["ended elsewhere"]);
}
