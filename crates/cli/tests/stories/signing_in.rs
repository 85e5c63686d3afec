use serde_json::Value;

use crate::{TOKEN, begin_login, decide, machine, machine_and_center, many_accounts, seeded_center, sign_in};

#[test]
fn signed_in_and_all_the_way_to_an_identity() {
    let (machine, _center) = machine_and_center(&[]);
    let (login, code) =
        begin_login(machine.aldis(&["login", "--use-device-code", "--sso-session", "dev", "--no-browser"]));
    decide(&machine, "approve", &code);
    let outcome = login.finish();
    outcome.says(&["Signed in", "until"]);
    assert_eq!(outcome.stdout, "", "words go to standard error");

    let accounts = machine.aldis(&["accounts"]).ok();
    assert_eq!(accounts.lines().count(), 3, "{accounts}");
    assert!(accounts.contains("111122223333") && accounts.contains("development"));
    let roles = machine.aldis(&["roles", "111122223333"]).ok();
    for role in ["AdministratorAccess", "Developer", "ReadOnly"] {
        assert!(roles.contains(role), "{roles}");
    }
    let credentials: Value =
        serde_json::from_str(&machine.aldis(&["creds", "--profile", "dev"]).ok()).unwrap();
    assert_eq!(credentials["Version"], 1);
    let identity: Value =
        serde_json::from_str(&machine.aldis(&["whoami", "--profile", "dev", "--output", "json"]).ok())
            .unwrap();
    assert_eq!(identity["Account"], "111122223333");
    assert!(
        identity["Arn"].as_str().unwrap().contains("assumed-role/AWSReservedSSO_ReadOnly_"),
        "{identity}"
    );
}

#[test]
fn c1_code_and_links_are_shown_together_each_alone_on_its_line() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let outcome =
        machine.aldis(&["login", "--use-device-code", "--sso-session", "dev", "--no-browser"]).run();
    let lines: Vec<&str> = outcome.says(&[]).stderr.lines().map(str::trim).collect();
    let code = lines.iter().find_map(|line| crate::user_code(line)).expect("a code");
    assert!(lines.contains(&format!("{}/device", center.url()).as_str()), "{outcome}");
    assert!(lines.contains(&format!("{}/device?user_code={code}", center.url()).as_str()), "{outcome}");
    assert!(!outcome.stderr.contains('\u{1b}'), "no escape codes where nobody looks");
}

#[test]
fn the_aws_spelling_prints_code_and_link_on_standard_output() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let out =
        machine.aldis(&["sso", "login", "--sso-session", "dev", "--no-browser", "--use-device-code"]).ok();
    assert!(out.lines().any(|line| crate::user_code(line).is_some()), "{out}");
    assert!(out.contains(&format!("{}/device", center.url())));
    assert!(out.contains(&format!("Successfully logged into Start URL: {}", center.start_url())));
}

#[test]
fn json_is_one_object_a_line() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let out = machine.aldis(&["login", "--use-device-code", "--output", "json", "--no-browser"]).ok();
    let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2, "{out}");
    assert_eq!(events[0]["event"], "action_required");
    assert_eq!(events[0]["verification_uri"], format!("{}/device", center.url()));
    assert_eq!(events[1]["event"], "signed_in");
}

#[test]
fn denied() {
    let (machine, _center) = machine_and_center(&[]);
    let (login, code) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
    decide(&machine, "deny", &code);
    login.finish().fails(254, &["denied", "hint:", "aldis login"]);
    assert!(!machine.home().join(TOKEN).exists());
}

#[test]
fn expired_at_the_center() {
    let (machine, _center) = machine_and_center(&["--test-clock"]);
    let (login, _) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
    machine.aldis(&["center", "clock", "+10m"]).ok();
    login.finish().fails(255, &["expired", "hint:", "aldis login"]);
}

#[test]
fn c4_expired_by_the_clients_own_clock_without_another_poll() {
    let (machine, _center) = machine_and_center(&[]);
    let clock = machine.home().join("clock");
    let (login, _) = begin_login(
        machine
            .aldis(&["login", "--use-device-code", "--no-browser"])
            .with("ALDIS_TEST_CLOCK", &clock.display().to_string()),
    );
    machine.write("clock", "601");
    login.finish().fails(255, &["expired"]);
    assert!(
        !machine.aldis(&["center", "audit"]).ok().contains("ExpiredToken"),
        "the center was not asked any more"
    );
}

#[test]
fn c2_slow_down_is_obeyed_and_the_sign_in_goes_on() {
    // A client whose clock runs fast polls too early for the center, as some virtual machines do.
    let (machine, _center) = machine_and_center(&["--test-clock"]);
    let clock = machine.home().join("clock");
    let set_clock = |seconds: i64| {
        let beside = clock.with_extension("new");
        std::fs::write(&beside, seconds.to_string()).unwrap();
        std::fs::rename(&beside, &clock).unwrap();
    };
    let (mut login, code) = begin_login(
        machine
            .aldis(&["login", "--use-device-code", "--no-browser"])
            .with("ALDIS_TEST_CLOCK", &clock.display().to_string()),
    );
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            for seconds in (0..300).step_by(2) {
                set_clock(seconds);
                if stopped.recv_timeout(std::time::Duration::from_millis(50)).is_ok() {
                    return;
                }
            }
        });
        login.wait_for("word of the longer pause", |line| line.contains("6 s").then_some(()));
        let _ = stop.send(());
    });
    decide(&machine, "approve", &code);
    machine.aldis(&["center", "clock", "+5m"]).ok();
    set_clock(400);
    login.finish().says(&["Signed in"]);
}

#[test]
fn c13_no_token_and_no_secret_is_ever_shown() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let mut shown = String::new();
    for words in [
        vec!["login", "--use-device-code", "--no-browser"],
        vec!["login", "--use-device-code", "--no-browser", "--output", "json"],
        vec!["status"],
        vec!["accounts", "--output", "json"],
        vec!["whoami", "--profile", "dev"],
    ] {
        let outcome = machine.aldis(&words).run();
        outcome.says(&[]);
        shown.push_str(&outcome.to_string());
    }
    let mut secrets = Vec::new();
    for (path, mode) in machine.files().into_iter().filter(|(path, _)| path.ends_with(".json")) {
        assert_eq!(mode, 0o600, "{path}");
        let file: Value = serde_json::from_str(&machine.read(&path)).unwrap();
        let names = ["accessToken", "refreshToken", "clientSecret"];
        secrets.extend(names.iter().filter_map(|name| file[name].as_str().map(str::to_owned)));
        let names = ["SecretAccessKey", "SessionToken"];
        secrets.extend(names.iter().filter_map(|name| file["Credentials"][name].as_str().map(str::to_owned)));
    }
    assert!(secrets.len() >= 5, "{secrets:?}");
    for secret in secrets {
        assert!(!shown.contains(&secret), "{shown}");
    }
}

#[test]
fn c16_a_listing_has_as_many_pages_as_it_needs() {
    let machine = machine();
    let accounts_there = many_accounts(250);
    let center = seeded_center(&machine, &accounts_there, &["ReadOnly"]);
    machine.configure(center.start_url());
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    let accounts = machine.aldis(&["accounts"]).ok();
    assert_eq!(accounts.lines().count(), 250);
    let roles = machine.aldis(&["roles"]).ok();
    assert!(accounts_there.iter().all(|(id, _)| roles.contains(id)), "the roles of every account");
}

#[test]
fn a_code_mistyped() {
    let (machine, _center) = machine_and_center(&[]);
    let (login, code) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
    for wrong in ["BBBB-BBBB", "nonsense", ""] {
        machine
            .aldis(&["center", "device", "approve", wrong, "--person", "demo"])
            .run()
            .fails(254, &["no sign-in is waiting under that code"]);
    }
    machine
        .aldis(&["center", "device", "approve", &code, "--person", "nobody"])
        .run()
        .fails(254, &["there is no person", "demo"]);
    decide(&machine, "approve", &code.to_lowercase().replace('-', " "));
    login.finish().says(&["Signed in"]);
}

#[test]
fn a_stale_registration_is_renewed_by_itself() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    // Another organisation at the same place: its keys open nothing of the old one's.
    let port = center.port();
    center.terminate();
    machine.write("seed.toml", SEED);
    let listen = format!("127.0.0.1:{port}");
    let seed = machine.home().join("seed.toml").display().to_string();
    let _center = machine.center_with(&[
        "--memory",
        "--listen",
        &listen,
        "--seed",
        &seed,
        "--auto-approve",
        "dev",
        "--output",
        "json",
    ]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).run().says(&["Signed in"]);
    assert!(machine.aldis(&["accounts"]).ok().contains("444455556666"));
}

pub(crate) const SEED: &str = r#"
[organisation]
name = "other"

[[people]]
name = "dev"

[[accounts]]
id = "444455556666"
name = "lab"

[[permission_sets]]
name = "Developer"

[[assignments]]
person = "dev"
accounts = ["444455556666"]
permission_sets = ["Developer"]
"#;

#[test]
fn a_legacy_profile_signs_in_for_eight_hours() {
    let machine = machine();
    let center = machine.center(&["--auto-approve", "demo"]);
    let url = center.start_url();
    machine.write(
        ".aws/config",
        &format!(
            "[profile old]\nsso_start_url = {url}\nsso_account_id = 111122223333\nsso_role_name = Developer\n"
        ),
    );
    machine.aldis(&["login", "--use-device-code", "--profile", "old", "--no-browser"]).ok();
    let out = machine.aldis(&["whoami", "--profile", "old"]).ok();
    assert!(out.contains("AWSReservedSSO_Developer_"), "{out}");
    let cache: Vec<_> = machine.files().into_iter().filter(|(path, _)| path.contains("sso/cache")).collect();
    let token =
        cache.iter().map(|(path, _)| machine.read(path)).find(|text| text.contains("accessToken")).unwrap();
    assert!(!token.contains("refreshToken"), "the old kind is not renewed");
}

#[test]
fn c15_the_session_ends_and_one_line_says_what_to_type() {
    let (machine, _center) = machine_and_center(&["--test-clock", "--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    machine.aldis(&["center", "clock", "+8h"]).ok();
    let outcome = machine.aldis(&["accounts"]).run();
    outcome.fails(255, &["hint:", "aldis login"]);
    assert_eq!(outcome.stderr.lines().filter(|line| line.starts_with("error:")).count(), 1, "{outcome}");
    assert!(!outcome.stderr.contains("caused by:"), "no stack of causes: {outcome}");
}

#[test]
fn a_center_that_dies_and_comes_back() {
    let machine = machine();
    let listen = ["--memory", "--listen", "127.0.0.1:0", "--output", "json"];
    let center = machine.center_with(&listen);
    machine.configure(center.start_url());
    let port = center.port();
    let (mut login, _) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
    center.kill();
    // The wait goes on; the new center, in memory, does not know the code any more and says so.
    login.wait_for("trouble", |line| line.contains("cannot reach").then_some(()));
    let listen = format!("127.0.0.1:{port}");
    let _center =
        machine.center_with(&["--memory", "--listen", &listen, "--output", "json", "--auto-approve", "demo"]);
    login.finish().fails(254, &["hint:", "aldis login"]);
    // The registration is still good: its key lies in the state folder.
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).run().says(&["Signed in"]);
    assert!(!machine.aldis(&["center", "audit"]).ok().contains("RegisterClient"));
}

#[test]
fn credentials_of_a_center_that_lost_its_keys_are_asked_for_anew() {
    let machine = machine();
    let center = machine.center(&["--auto-approve", "demo"]);
    machine.configure(center.start_url());
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
    let listen = format!("127.0.0.1:{}", center.port());
    center.kill();
    std::fs::remove_file(machine.home().join(".local/state/aldis/center.key")).unwrap();
    let _center =
        machine.center_with(&["--memory", "--listen", &listen, "--output", "json", "--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
}

#[test]
fn c17_a_changed_start_url_hands_nothing_of_one_center_to_another() {
    let (machine, _first) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    machine.aldis(&["creds", "--profile", "dev"]).ok();
    let second = machine.center(&["--auto-approve", "demo"]);
    machine.configure(second.start_url());
    for words in [["creds", "--profile", "dev"], ["whoami", "--profile", "dev"]] {
        let outcome = machine.aldis(&words).run();
        outcome.fails(255, &["belongs to", "aldis login"]);
        assert_eq!(outcome.stdout, "");
    }
    assert_eq!(
        machine.aldis(&["center", "audit", "--center", second.url()]).ok(),
        "",
        "it was asked nothing"
    );
    // Signed in there, the first one's credentials are not used any more either.
    let before = role_files(&machine);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    assert_eq!(role_files(&machine), Vec::<String>::new());
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
    assert_ne!(role_files(&machine), before);
    let audit = machine.aldis(&["center", "audit", "--center", second.url()]).ok();
    assert!(!audit.contains("InvalidClientTokenId"), "{audit}");
}

#[test]
fn a_center_on_a_file_that_is_killed_goes_on_where_it_was() {
    let machine = machine();
    let data = machine.home().join("center.db").display().to_string();
    let first = machine.center_with(&["--data", &data, "--listen", "127.0.0.1:0", "--output", "json"]);
    machine.configure(first.start_url());
    let port = first.port();
    let (login, code) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
    first.kill();
    let listen = format!("127.0.0.1:{port}");
    let _second = machine.center_with(&["--data", &data, "--listen", &listen, "--output", "json"]);
    decide(&machine, "approve", &code);
    login.finish().says(&["Signed in"]);
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
}

#[test]
fn ctrl_c_ends_the_wait_with_130_and_leaves_nothing() {
    let (machine, _center) = machine_and_center(&[]);
    for (signal, code) in [("INT", 130), ("HUP", 129), ("TERM", 143)] {
        let (login, _) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
        login.signal(signal);
        let outcome = login.finish();
        assert_eq!(outcome.code, Some(code), "{outcome}");
    }
    assert!(!machine.home().join(TOKEN).exists());
    assert!(machine.files().iter().all(|(path, _)| !path.ends_with(".tmp")));
}

#[test]
fn a_token_that_is_due_is_refreshed_and_used() {
    let (machine, _center) = machine_and_center(&[]);
    sign_in(&machine);
    let before: Value = serde_json::from_str(&machine.read(TOKEN)).unwrap();
    machine.write("clock", "3000");
    let clock = machine.home().join("clock").display().to_string();
    machine.aldis(&["accounts"]).with("ALDIS_TEST_CLOCK", &clock).ok();
    let after: Value = serde_json::from_str(&machine.read(TOKEN)).unwrap();
    assert_ne!(before["accessToken"], after["accessToken"]);
    assert_ne!(before["refreshToken"], after["refreshToken"]);
}

fn role_files(machine: &testkit::Machine) -> Vec<String> {
    let roles = machine.files().into_iter().map(|(path, _)| path);
    roles
        .filter(|path| path.starts_with(".aws/cli/cache/") && path.ends_with(".json"))
        .map(|path| machine.read(&path))
        .collect()
}
