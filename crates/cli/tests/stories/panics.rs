//! A panic in any call is told as an internal error, ends the command, and leaves no token that was to be removed. The variable
//! `ALDIS_TEST_PANIC` of a build for tests names the operation that panics.

use testkit::{Machine, Outcome, Run};

use crate::bad_places::{Clock, at_once};
use crate::browser_flow::browse;
use crate::network::forget_pins;
use crate::prompt::shown_link;
use crate::{TOKEN, WIZARD, machine_and_center};

const CODE: [&str; 3] = ["login", "--use-device-code", "--no-browser"];
const DOOR: &str = "ALDIS_TEST_PANIC";

/// No raw panic message has reached the terminal.
#[track_caller]
fn is_tidy(outcome: &Outcome, operation: &str) {
    for word in ["panicked", "thread '", "RUST_BACKTRACE", "a test asked"] {
        assert!(!outcome.to_string().contains(word), "{operation}: {word}: {outcome}");
    }
}

/// The command ends at once with an internal error.
#[track_caller]
fn ends(run: Run<'_>, operation: &str) -> Outcome {
    let outcome = at_once(run.with(DOOR, operation));
    is_tidy(&outcome, operation);
    assert_eq!(outcome.code, Some(255), "{operation}: {outcome}");
    let said = format!("{}{}", outcome.stderr, outcome.stdout);
    assert!(said.contains(&format!("internal error during {operation}, at ")), "{operation}: {outcome}");
    assert!(said.contains("report it"), "{operation}: {outcome}");
    outcome
}

fn signed_in() -> (Machine, testkit::Center) {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&CODE).ok();
    (machine, center)
}

#[test]
fn a_panic_in_a_call_of_a_sign_in_ends_it() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let wizard = [&WIZARD[..], &["--no-browser"]].concat();
    let sso = ["sso", "login", "--use-device-code", "--no-browser"];
    let json = [&CODE[..], &["--output", "json"]].concat();
    for operation in ["start URL", "metadata", "RegisterClient", "StartDeviceAuthorization", "CreateToken"] {
        for words in [&CODE[..], &sso, &json, &wizard] {
            ends(machine.aldis(words), operation);
            assert!(!machine.home().join(TOKEN).exists(), "{operation} {words:?}");
        }
        for line in ends(machine.aldis(&json), operation).stdout.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{operation}: {line}");
        }
    }
    for operation in ["start URL", "metadata", "RegisterClient"] {
        ends(machine.aldis(&["login", "--flow", "browser", "--no-browser"]), operation);
        ends(machine.aldis(&["login", "--flow", "browser", "--no-browser", "--output", "json"]), operation);
    }
    // A call that a sign-in can do without does not end it.
    for operation in ["WhoAmI", "ListAccounts", "revocation", "Logout"] {
        let outcome = at_once(machine.aldis(&CODE).with(DOOR, operation));
        is_tidy(&outcome, operation);
        outcome.says(&["Signed in"]);
    }
}

#[test]
fn a_panic_of_a_command_itself_is_an_internal_error() {
    let (machine, _center) = machine_and_center(&[]);
    for words in [&["status"][..], &["logout"], &["creds", "--profile", "dev"]] {
        let outcome = at_once(machine.aldis(words).with(DOOR, "command"));
        is_tidy(&outcome, "command");
        outcome.fails(255, &["error: internal error at outside/src/panics.rs:", "report it"]);
    }
}

#[test]
fn a_panic_in_the_exchange_of_a_code_ends_the_sign_in_and_the_terminal_is_given_back() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let mut login =
        machine.aldis(&["login", "--flow", "browser", "--no-browser"]).with(DOOR, "CreateToken").start();
    let link = login.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()));
    assert_eq!(browse(&link).status, 403);
    let outcome = login.finish();
    is_tidy(&outcome, "CreateToken");
    outcome.fails(255, &["internal error during CreateToken", "report it"]);

    let run = machine.aldis(&["login", "--flow", "paste"]).with(DOOR, "CreateToken").with("LANG", "C.UTF-8");
    let mut terminal = run.in_terminal((1000, 30));
    let link = shown_link(&mut terminal);
    terminal.wait_for("waiting for your address");
    let address = machine.aldis(&["center", "authorize", &link, "--person", "demo"]).ok();
    terminal.paste(address.trim());
    terminal.wait_for("internal error during CreateToken");
    assert_eq!(terminal.wait(), 255);
    let settings = terminal.settings();
    assert!(settings.contains(" icanon") && settings.contains(" echo "), "{settings}");

    // With a cached registration the center is asked first whether it knows it; the sign-in does without the answer.
    let mut login =
        machine.aldis(&["login", "--flow", "browser", "--no-browser"]).with(DOOR, "revocation").start();
    let link = login.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()));
    browse(&link);
    let outcome = login.finish();
    is_tidy(&outcome, "revocation");
    outcome.says(&["Signed in"]);
}

#[test]
fn a_panic_in_a_call_of_a_command_that_uses_a_sign_in_ends_it() {
    let (machine, _center) = signed_in();
    let creds = ["creds", "--profile", "dev"];
    let creds_env = ["creds", "--profile", "dev", "--format", "env"];
    let export = ["configure", "export-credentials", "--profile", "dev"];
    let exec = ["exec", "--profile", "dev", "--", "true"];
    let whoami = ["whoami", "--profile", "dev"];
    let list = ["configure", "list", "--profile", "dev"];
    let add = ["profiles", "add", "--sso-session", "dev", "--all", "--yes"];
    let json = |words: &[&'static str]| [words, &["--output", "json"]].concat();
    let commands: Vec<(&str, Vec<&str>)> = vec![
        ("ListAccounts", vec!["accounts"]),
        ("ListAccounts", json(&["accounts"])),
        ("ListAccountRoles", vec!["roles", "111122223333"]),
        ("ListAccountRoles", json(&["roles", "111122223333"])),
        ("GetRoleCredentials", creds.to_vec()),
        ("GetRoleCredentials", creds_env.to_vec()),
        ("GetRoleCredentials", export.to_vec()),
        ("GetRoleCredentials", exec.to_vec()),
        ("GetRoleCredentials", whoami.to_vec()),
        ("GetRoleCredentials", list.to_vec()),
        ("GetCallerIdentity", whoami.to_vec()),
        ("GetCallerIdentity", json(&whoami)),
        ("ListAccounts", add.to_vec()),
        ("ListAccountRoles", add.to_vec()),
    ];
    for operation in ["start URL", "metadata"] {
        for words in [&["accounts"][..], &["roles", "111122223333"], &list, &add] {
            ends(machine.aldis(words), operation);
        }
    }
    for (operation, words) in &commands {
        ends(machine.aldis(words), operation);
    }
    // The refresh of a token that is over, in whatever command makes it.
    let clock = Clock::of(&machine);
    clock.set(2 * 60 * 60);
    for words in [&["accounts"][..], &creds, &exec, &whoami] {
        ends(clock.on(machine.aldis(words)), "CreateToken");
    }
    assert!(machine.home().join(TOKEN).exists());
}

#[test]
fn a_panic_in_a_call_of_a_sign_out_leaves_no_token() {
    for operation in ["Logout", "start URL", "metadata"] {
        for words in [&["logout"][..], &["logout", "--sso-session", "dev"], &["sso", "logout"]] {
            let (machine, _center) = signed_in();
            // The pin would name the portal without any question.
            forget_pins(&machine);
            let outcome = at_once(machine.aldis(words).with(DOOR, operation));
            is_tidy(&outcome, operation);
            outcome.says(&[
                "warning:",
                "may go on",
                &format!("internal error during {operation}"),
                "Signed out",
            ]);
            assert!(!machine.home().join(TOKEN).exists(), "{operation} {words:?}: {outcome}");
        }
    }
}
