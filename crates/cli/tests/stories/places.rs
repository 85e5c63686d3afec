use crate::network::forget_pins;
use crate::{TOKEN, machine_and_center, sign_in};

#[test]
fn without_home_and_without_a_record_of_the_user_it_says_so() {
    if !testkit::is_root() {
        // That home is not a story's to use.
        return testkit::skip(
            "everybody but the made-up user, as whom only root can run, has a record with a home",
        );
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
    if let Some(why) = testkit::Place::why_not() {
        // Nor can a disk be made that is small enough to be full.
        return testkit::skip(&why);
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
    machine.aldis(&["logout"]).as_somebody().run().fails(
        255,
        &["was ended at its center, for all who share", "cannot be removed", TOKEN, "hint:", "ls -ld"],
    );
    machine.aldis(&["accounts"]).run().fails(255, &["ended elsewhere"]);
}

/// With the variables that send everything to that center.
fn at<'a>(run: testkit::Run<'a>, center: &testkit::Center) -> testkit::Run<'a> {
    run.with("AWS_ENDPOINT_URL_SSO_OIDC", center.url())
        .with("AWS_ENDPOINT_URL_SSO", center.url())
        .with("AWS_ENDPOINT_URL_STS", center.url())
}

/// A machine whose session has a start URL that is but a name, and two centers that answer to it.
fn machine_and_two_centers() -> (testkit::Machine, testkit::Center, testkit::Center) {
    let machine = crate::machine();
    let [first, second] = [(); 2].map(|()| machine.center(&["--auto-approve", "demo"]));
    machine.write(
        ".aws/config",
        "[profile dev]\nsso_session = dev\nsso_account_id = 111122223333\nsso_role_name = ReadOnly\n\
         [sso-session dev]\nsso_start_url = https://d-1234567890.awsapps.com/start\nsso_region = us-east-1\n",
    );
    (machine, first, second)
}

const LOGIN: [&str; 3] = ["login", "--use-device-code", "--no-browser"];

#[test]
fn c17_a_left_over_address_is_handed_no_token() {
    let (machine, first, second) = machine_and_two_centers();
    at(machine.aldis(&LOGIN), &first).ok();
    for words in [
        vec!["accounts"],
        vec!["roles", "111122223333"],
        vec!["creds", "--profile", "dev"],
        vec!["whoami", "--profile", "dev"],
        vec!["exec", "--profile", "dev", "--", "true"],
    ] {
        let outcome = at(machine.aldis(&words), &second).run();
        outcome.fails(255, &["was made at", first.url(), second.url(), "AWS_ENDPOINT_URL_SSO", "hint:"]);
        assert_eq!(outcome.stdout, "");
    }
    // Nor the refresh token, when it is due.
    let clock = machine.folder().join("clock");
    std::fs::write(&clock, (2 * 3600).to_string()).unwrap();
    let due = machine.aldis(&["accounts"]).with("ALDIS_TEST_CLOCK", &clock.display().to_string());
    at(due, &second).run().fails(255, &["was made at", "AWS_ENDPOINT_URL_SSO_OIDC"]);
    let audit = machine.aldis(&["center", "audit", "--center", second.url()]).ok();
    assert_eq!(audit, "", "it was asked nothing");

    // Whoever says that it is meant is warned, and the other center says no.
    let words = ["accounts", "--endpoint-changed"];
    at(machine.aldis(&words), &second).run().fails(255, &["warning", "goes to", "does not accept the token"]);
    // Where it was made all is as it was, and signing in elsewhere pins anew.
    at(machine.aldis(&["accounts"]), &first).ok();
    at(machine.aldis(&LOGIN), &second).run().says(&["Signed in"]);
    at(machine.aldis(&["accounts"]), &second).ok();
    at(machine.aldis(&["accounts"]), &first).run().fails(255, &["was made at", second.url()]);
}

#[test]
fn c17_a_session_of_another_tool_is_pinned_by_its_first_use() {
    let (machine, center, _other) = machine_and_two_centers();
    let pins = machine.home().join(".local/state/aldis/pins");
    let lines = |run: testkit::Run<'_>| {
        let outcome = run.run();
        outcome.says(&[]);
        outcome.stderr.lines().filter(|line| line.contains("from now on")).count()
    };
    at(machine.aldis(&LOGIN), &center).ok();
    forget_pins(&machine);
    assert_eq!(lines(at(machine.aldis(&["accounts"]), &center)), 1);
    assert_eq!(lines(at(machine.aldis(&["accounts"]), &center)), 0);
    // Where nothing is in the way of the center's own address, there is nothing to say.
    machine.configure(center.start_url());
    machine.aldis(&LOGIN).ok();
    forget_pins(&machine);
    assert_eq!(lines(machine.aldis(&["accounts"])), 0);
    assert!(pins.exists());
    // Signing out forgets them.
    machine.aldis(&["logout", "--sso-session", "dev"]).ok();
    assert_eq!(std::fs::read_dir(&pins).unwrap().count(), 0);
}
