//! `aldis profiles add`: a thousand accounts, a busy center, a kill in the middle, and a config that somebody wrote.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use testkit::{Center, Machine, Relay, Run};

use crate::{machine, machine_and_center, many_accounts, seeded_center};

const ROLES: &str = "GET /assignment/roles";

/// A signed-in machine and a center with so many accounts, behind a relay.
fn wide(count: u64) -> (Machine, Center, Relay) {
    let machine = machine();
    let center = seeded_center(&machine, &many_accounts(count), &["ReadOnly"]);
    machine.configure(center.start_url());
    let relay = Relay::before(center.port());
    through(&relay, machine.aldis(&["login", "--use-device-code", "--no-browser"])).ok();
    (machine, center, relay)
}

fn through<'a>(relay: &Relay, run: Run<'a>) -> Run<'a> {
    run.with("AWS_ENDPOINT_URL_SSO_OIDC", &relay.url()).with("AWS_ENDPOINT_URL_SSO", &relay.url())
}

/// A signed-in machine and the built-in organisation: three accounts with three roles.
fn small() -> (Machine, Center) {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    (machine, center)
}

#[test]
fn a_thousand_accounts_are_written_after_a_kill_at_most_ten_asked_at_once_and_once() {
    let (machine, _center, relay) = wide(1000);
    let before = format!("# mine\n{}\n  # and this\n", machine.read(".aws/config"));
    machine.write(".aws/config", &before);
    relay.be_busy(ROLES, 70);
    let add = || through(&relay, machine.aldis(&["profiles", "add", "--all", "--yes", "--output", "json"]));
    let killed = add().start();
    while relay.count(ROLES) < 500 {
        std::thread::yield_now();
    }
    killed.signal("KILL");
    assert_eq!(killed.finish().code, None);
    assert_eq!(machine.read(".aws/config"), before);

    let asked = relay.count(ROLES);
    let said: Value = serde_json::from_str(&add().ok()).unwrap();
    assert_eq!(said["added"].as_array().unwrap().len(), 1000);
    assert!(relay.count(ROLES) - asked < 700, "what was listed before the kill is known");
    assert!(relay.most_at_once() <= 10, "{}", relay.most_at_once());
    let after = machine.read(".aws/config");
    assert!(after.starts_with(&before), "nothing that was there is another");
    for number in 0..1000 {
        let id = 100_000_000_000_u64 + number;
        let section = format!(
            "[profile account-{id}-ReadOnly]\nsso_session = dev\nsso_account_id = {id}\nsso_role_name = ReadOnly\nregion = us-east-1\n"
        );
        assert!(after.contains(&section), "{id}");
    }
    let left: Vec<_> = machine.files().into_iter().filter(|(path, _)| path.contains("/listings/")).collect();
    assert!(left.is_empty(), "{left:?}");

    let asked = relay.count(ROLES);
    let said: Value = serde_json::from_str(&add().ok()).unwrap();
    assert!(relay.count(ROLES) - asked > 1000, "some were refused, and asked again");
    assert_eq!((said["added"].as_array().unwrap().len(), said["kept"].as_array().unwrap().len()), (0, 1000));
    assert_eq!(machine.read(".aws/config"), after);
    machine.aldis(&["configure", "get", "sso_account_id", "--profile", "account-100000000999-ReadOnly"]).ok();
}

#[test]
fn without_a_terminal_it_writes_only_when_it_is_told_to() {
    let (machine, _center) = small();
    let before = machine.read(".aws/config");
    machine.aldis(&["profiles", "add", "--all"]).run().fails(252, &["--yes", "--dry-run"]);
    machine.aldis(&["profiles", "add"]).run().fails(252, &["--all"]);
    machine
        .aldis(&["profiles", "add", "--all", "--yes", "--template", "{x}"])
        .run()
        .fails(252, &["{account_name}"]);
    let shown = machine.aldis(&["profiles", "add", "--all", "--dry-run", "--region", "eu-west-1"]).ok();
    assert!(shown.contains("+ [profile staging-Developer]\n+ sso_session = dev\n"), "{shown}");
    assert!(shown.contains("+ region = eu-west-1\n"), "{shown}");
    assert!(!shown.contains("development-ReadOnly"), "it has a profile, dev: {shown}");
    assert_eq!(machine.read(".aws/config"), before);
}

#[test]
fn a_person_sees_the_difference_and_is_asked() {
    let (machine, _center) = small();
    let before = machine.read(".aws/config");
    for (answer, code) in [("n", 1), ("", 1), ("y", 0)] {
        assert_eq!(machine.read(".aws/config"), before);
        let run = machine.aldis(&["profiles", "add", "--all"]).with("TERM", "xterm");
        let mut terminal = run.in_terminal((200, 60));
        terminal.wait_for("3 of 3 accounts");
        terminal.wait_for("+ [profile staging-Developer]");
        terminal.wait_for("Write these 8 profiles to ");
        terminal.wait_for("[y/N] ");
        terminal.line(answer);
        assert_eq!(terminal.wait(), code, "{answer:?}");
    }
    let after = machine.read(".aws/config");
    assert!(after.starts_with(&before) && after.matches("[profile ").count() == 9, "{after}");
}

#[test]
fn a_profile_of_somebody_else_is_left_alone() {
    let (machine, _center) = small();
    let mine = format!("{}\n[profile staging-Developer]\nregion = x # mine\n", machine.read(".aws/config"));
    machine.write(".aws/config", &mine);
    let outcome = machine.aldis(&["profiles", "add", "--all", "--yes"]).run();
    outcome.says(&["1 profile got the account's id", "Added 8 profiles", "1 there already"]);
    let after = machine.read(".aws/config");
    assert!(
        after.starts_with(&mine) && after.contains("[profile staging-Developer-222233334444]"),
        "{after}"
    );
}

#[test]
fn a_config_that_may_not_be_written_is_not() {
    let (machine, _center) = small();
    let path = machine.home().join(".aws/config");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    let before = machine.read(".aws/config");
    machine.aldis(&["profiles", "add", "--all", "--yes"]).run().fails(255, &["read-only", "chmod u+w"]);
    assert_eq!(machine.read(".aws/config"), before);
}

#[test]
fn a_profile_with_a_start_url_of_its_own_has_no_session_for_others() {
    let (machine, center) = small();
    let legacy = format!(
        "[profile old]\nsso_start_url = {}\nsso_region = us-east-1\nsso_account_id = 111122223333\nsso_role_name = R\n",
        center.start_url()
    );
    machine.write(".aws/config", &legacy);
    let outcome = machine.aldis(&["profiles", "add", "--all", "--yes", "--profile", "old"]).run();
    outcome.fails(253, &["an sso-session", "aldis configure sso"]);
}

#[test]
fn a_refused_account_keeps_no_other_from_its_profiles() {
    let machine = machine();
    let accounts = [("100000000001", "ok"), ("100000000002", "locked"), ("100000000003", "日本 本番")];
    let accounts = accounts.map(|(id, name)| (id.to_owned(), name.to_owned()));
    let center = seeded_center(&machine, &accounts, &["ReadOnly"]);
    machine.configure(center.start_url());
    let relay = Relay::before(center.port());
    through(&relay, machine.aldis(&["login", "--use-device-code", "--no-browser"])).ok();
    let body = r#"{"message":"No access"}"#;
    let refusal = format!(
        "HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: ForbiddenException\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    relay.answer("GET /assignment/roles?account_id=100000000002", refusal);
    let add =
        |more: &[&str]| through(&relay, machine.aldis(&[&["profiles", "add", "--all"], more].concat())).run();
    let before = machine.read(".aws/config");
    let tried = add(&["--dry-run"]);
    tried.fails(254, &["100000000002 (locked)", "No access"]);
    assert!(tried.stdout.contains("+ [profile Ri-Ben-Ben-Fan-ReadOnly]"), "{tried}");
    assert_eq!(machine.read(".aws/config"), before);

    let added = add(&["--yes", "--output", "json"]);
    assert_eq!(added.code, Some(254), "{added}");
    let said: Value = serde_json::from_str(&added.stdout).unwrap();
    let names = |list: &str, member: &str| -> Vec<String> {
        let list = said[list].as_array().unwrap();
        list.iter().map(|entry| entry[member].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("added", "profile"), ["ok-ReadOnly", "Ri-Ben-Ben-Fan-ReadOnly"]);
    assert_eq!(names("refused", "account_id"), ["100000000002"]);
    assert_eq!(names("refused", "account_name"), ["locked"]);
    assert!(names("refused", "why")[0].contains("No access"));
    let after = machine.read(".aws/config");
    for name in names("added", "profile") {
        let read = machine.program("aws", &["configure", "get", "region", "--profile", &name]).ok();
        assert_eq!(read, "us-east-1\n", "{name}");
    }
    // The listing of roles is as patient with it.
    let roles = through(&relay, machine.aldis(&["roles"])).run();
    roles.fails(254, &["100000000002 (locked)", "1 of 3 accounts was refused"]);
    assert!(roles.stdout.contains("100000000001  ReadOnly  ok\n"), "{roles}");
    assert!(roles.stdout.contains("100000000003  ReadOnly  日本 本番\n"), "{roles}");
    through(&relay, machine.aldis(&["roles", "100000000002"])).run().fails(254, &["No access"]);

    add(&["--yes"]).fails(254, &["Nothing to add: 2 profiles there already", "100000000002 (locked)"]);
    assert_eq!(machine.read(".aws/config"), after);
    relay.step_aside();
    add(&["--yes"]).says(&["Added 1 profile to", "2 there already"]);
    add(&["--yes"]).says(&["Nothing to add: 3 profiles there already"]);
    let said: Value = serde_json::from_str(&add(&["--yes", "--output", "json"]).says(&[]).stdout).unwrap();
    assert_eq!((said["added"].as_array().unwrap().len(), said["refused"].as_array().unwrap().len()), (0, 0));
}

#[test]
fn new_profiles_have_a_region_unless_none_is_wanted() {
    let (machine, _center) = small();
    let lines = |more: &[&str]| {
        let shown = machine.aldis(&[&["profiles", "add", "--all", "--dry-run"], more].concat()).ok();
        shown.lines().filter(|line| line.starts_with("+ region")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(&[])[0], "+ region = us-east-1");
    assert_eq!(lines(&["--region", "eu-west-1"])[0], "+ region = eu-west-1");
    assert!(lines(&["--region", ""]).is_empty());
    let refused = machine.aldis(&["profiles", "add", "--all", "--yes", "--region", "euwest1"]).run();
    refused.fails(252, &["is not a region", "did you mean: --region eu-west-1"]);
}

#[test]
fn an_account_may_be_meant_by_its_name() {
    let machine = machine();
    let accounts = [("100000000001", "development"), ("100000000002", "twin"), ("100000000003", "twin")];
    let accounts = accounts.map(|(id, name)| (id.to_owned(), name.to_owned()));
    let center = seeded_center(&machine, &accounts, &["ReadOnly"]);
    machine.configure(center.start_url());
    let run = |words: &[&str]| machine.aldis(words).run();
    let role = ["--role-name", "ReadOnly", "--sso-session", "dev"];
    run(&[&["creds", "--account-id", "development"], &role[..]].concat()).fails(255, &["not signed in"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    let creds = machine.aldis(&[&["creds", "--account-id", "development"], &role[..]].concat()).ok();
    assert!(creds.contains("AccessKeyId"));
    let who = machine.aldis(&[&["whoami", "--account-id", "Development"], &role[..]].concat()).ok();
    assert!(who.contains("100000000001"), "{who}");
    let command = ["--", "sh", "-c", "echo keys of ${AWS_ACCESS_KEY_ID:+somebody}"];
    let exec = machine.aldis(&[&["exec", "--account-id", "development"], &role[..], &command].concat()).ok();
    assert_eq!(exec, "keys of somebody\n");
    let roles = machine.aldis(&["roles", "development", "--sso-session", "dev"]).ok();
    assert_eq!(roles, "100000000001  ReadOnly  development\n");
    assert_eq!(machine.aldis(&["roles", "100000000002"]).ok(), "100000000002  ReadOnly\n");
    run(&["roles", "1000-0000-0002"]).fails(252, &["did you mean 100000000002"]);
    for command in [&["creds", "--account-id", "twin"][..], &["whoami", "--account-id", "twin"]] {
        let ambiguous = run(&[command, &role[..]].concat());
        ambiguous.fails(
            252,
            &["2 of your accounts are named twin", "--account-id 100000000002 twin", "100000000003"],
        );
    }
    run(&["roles", "developmnt"])
        .fails(252, &["is not one of your 3", "aldis roles 100000000001 development"]);
    run(&[&["creds", "--account-id", "12345678901"], &role[..]].concat()).fails(252, &["twelve digits"]);
}
