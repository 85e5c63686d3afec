//! What a sign-in says of itself: who, which accounts, and whether that is somebody else than before.

use testkit::{Center, Machine, Relay};

use crate::{begin_login, machine};

pub(crate) const SEED: &str = r#"
[organisation]
name = "two"
[[people]]
name = "ann"
[[people]]
name = "bob"
[[people]]
name = "new"
[[permission_sets]]
name = "ReadOnly"
[[accounts]]
id = "100000000001"
name = "Production"
email = "a@example.com"
[[accounts]]
id = "100000000002"
name = "Sandbox"
email = "b@example.com"
[[assignments]]
person = "ann"
accounts = ["100000000001", "100000000002"]
permission_sets = ["ReadOnly"]
[[assignments]]
person = "bob"
accounts = ["100000000002"]
permission_sets = ["ReadOnly"]
"#;

pub(crate) fn two_people() -> (Machine, Center) {
    let machine = machine();
    let path = machine.folder().join("seed.toml");
    std::fs::write(&path, SEED).unwrap();
    let center = machine.center(&["--seed", &path.display().to_string()]);
    machine.configure(center.start_url());
    (machine, center)
}

/// Signs in as that person; what was said.
pub(crate) fn sign_in_as(machine: &Machine, person: &str, words: &[&str]) -> testkit::Outcome {
    let (login, code) = begin_login(machine.aldis(&[&["login", "--flow", "device"], words].concat()));
    machine.aldis(&["center", "device", "approve", &code, "--person", person]).ok();
    login.finish()
}

#[test]
fn another_person_is_noticed_at_a_center_that_a_services_section_names() {
    let (machine, center) = two_people();
    let url = center.url();
    machine.write(
        ".aws/config",
        &format!(
            "[profile dev]\nsso_session = dev\nsso_account_id = 100000000002\nsso_role_name = ReadOnly\nservices = local\n\
             [sso-session dev]\nsso_start_url = https://two.awsapps.com/start\nsso_region = us-east-1\n\
             [services local]\nsso_oidc =\n  endpoint_url = {url}\nsso =\n  endpoint_url = {url}\n"
        ),
    );
    sign_in_as(&machine, "ann", &["--profile", "dev"]).says(&["You are ann"]);
    sign_in_as(&machine, "bob", &["--profile", "dev"]).says(&["You are bob", "warning:", "ann"]);
}

#[test]
fn it_says_who_and_which_accounts() {
    let (machine, _center) = two_people();
    let outcome = sign_in_as(&machine, "ann", &[]);
    outcome.says(&[
        "Signed in to dev",
        "You are ann. 2 accounts came: Production (100000000001), Sandbox (100000000002)",
    ]);
    assert!(!outcome.stderr.contains("warning:"), "{outcome}");
    sign_in_as(&machine, "bob", &[]).says(&["You are bob. One account came: Sandbox (100000000002)"]);
    sign_in_as(&machine, "new", &[]).says(&["You are new. No account is assigned to you"]);
}

#[test]
fn somebody_else_than_before_is_said_loudly_and_once() {
    let (machine, _center) = two_people();
    sign_in_as(&machine, "ann", &[]);
    machine.aldis(&["logout"]).ok();
    sign_in_as(&machine, "bob", &[]).says(&[
        "warning: this sign-in is somebody else's than the one before: it is bob's, and that was ann's",
        "Somebody may have planted their own",
        "aldis logout --sso-session dev",
    ]);
    let again = sign_in_as(&machine, "bob", &[]);
    assert!(!again.stderr.contains("warning:"), "{again}");
    let seen: Vec<_> = machine.files().into_iter().filter(|(path, _)| path.contains("/seen/")).collect();
    assert!(matches!(seen.as_slice(), [(_, 0o600)]), "{seen:?}");
}

#[test]
fn a_second_terminal_is_warned_as_the_first_is() {
    let (machine, _center) = two_people();
    sign_in_as(&machine, "ann", &[]);
    let (first, code) = begin_login(machine.aldis(&["login", "--flow", "device"]));
    let (second, same) = begin_login(machine.aldis(&["login", "--flow", "device"]));
    assert_eq!(code, same);
    machine.aldis(&["center", "device", "approve", &code, "--person", "bob"]).ok();
    for login in [first, second] {
        login.finish().says(&["Signed in to dev", "You are bob", "Somebody may have planted their own"]);
    }
}

#[test]
fn where_the_portal_says_nothing_the_sign_in_is_good_all_the_same() {
    let (machine, center) = two_people();
    // Everything else goes to the center.
    let nobody = "http://127.0.0.1:9";
    let port = center.start_url().rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let (login, code) = begin_login(
        machine
            .aldis(&["login", "--flow", "device"])
            .with("AWS_ENDPOINT_URL_SSO", nobody)
            .with("AWS_ENDPOINT_URL_SSO_OIDC", &format!("http://127.0.0.1:{port}")),
    );
    machine.aldis(&["center", "device", "approve", &code, "--person", "ann"]).ok();
    let outcome = login.finish();
    outcome.says(&["Signed in to dev", "Which accounts came is not known: cannot reach http://127.0.0.1:9"]);
}

#[test]
fn where_nobody_is_named_a_long_list_is_looked_through_before_a_warning() {
    let machine = machine();
    let account = |number: u64| format!("1000000{number:05}");
    let accounts: Vec<String> = (0..=120).map(account).collect();
    let mut seed = "[organisation]\nname = \"many\"\n[[permission_sets]]\nname = \"ReadOnly\"\n".to_owned();
    for id in &accounts {
        seed.push_str(&format!(
            "[[accounts]]\nid = \"{id}\"\nname = \"n{id}\"\nemail = \"{id}@example.com\"\n"
        ));
    }
    // `late` has one of the second page of `big`, and `other` one that nobody else has.
    for (person, ids) in
        [("big", &accounts[..120]), ("late", &accounts[115..116]), ("other", &accounts[120..])]
    {
        seed.push_str(&format!(
            "[[people]]\nname = \"{person}\"\n[[assignments]]\nperson = \"{person}\"\naccounts = {ids:?}\n\
             permission_sets = [\"ReadOnly\"]\n"
        ));
    }
    let path = machine.folder().join("seed.toml");
    std::fs::write(&path, seed).unwrap();
    let center = machine.center(&["--seed", &path.display().to_string()]);
    machine.configure(center.start_url());
    // A portal that does not say who is there, as Amazon's.
    let portal = Relay::before(center.port());
    portal.answer(
        "GET /token/whoAmI",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    let origin = portal.url();
    let machine = machine.with("AWS_ENDPOINT_URL_SSO", &origin).with("AWS_ENDPOINT_URL_SSO_OIDC", &origin);
    let warning = "warning: this sign-in has nothing in common with the one before: none of the accounts before came again";
    for (person, is_strange) in
        [("late", false), ("big", false), ("late", false), ("other", true), ("big", true), ("other", true)]
    {
        let outcome = sign_in_as(&machine, person, &[]);
        outcome.says(&["Signed in to dev"]);
        assert!(!outcome.stderr.contains("You are"), "{outcome}");
        assert_eq!(outcome.stderr.contains(warning), is_strange, "{person}: {outcome}");
        if person == "big" {
            outcome.says(&["More than 100 accounts came: ", " and more than 97 more"]);
        }
    }
}
