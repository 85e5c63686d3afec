//! Cached role credentials are those of the person who is signed in now, whichever tool signed them in.

use testkit::{Machine, Outcome, Relay};

use crate::aws_cli::Office;
use crate::came::{SEED, sign_in_as, two_people};
use crate::races::{LIFE, Scene};
use crate::{TOKEN, begin_login, machine};

/// The names in the identity that STS tells.
fn is_of(machine: &Machine, person: &str) -> Outcome {
    let whoami = machine.aldis(&["whoami", "--profile", "dev"]).run();
    assert!(whoami.says(&[]).stdout.contains(&format!("/{person}")), "{person}: {whoami}");
    whoami
}

fn keys(machine: &Machine) -> String {
    machine.aldis(&["creds", "--profile", "dev"]).ok()
}

fn use_account(machine: &Machine, id: &str) {
    let config = machine.read(".aws/config").replace("111122223333", id);
    machine.write(".aws/config", &config);
}

#[test]
fn a_sign_in_of_another_person_drops_the_role_credentials_of_the_first() {
    let (machine, _center) = two_people();
    use_account(&machine, "100000000002");
    sign_in_as(&machine, "ann", &[]);
    is_of(&machine, "ann");
    let first = keys(&machine);
    assert_eq!(keys(&machine), first, "they are cached");
    sign_in_as(&machine, "bob", &[]);
    let is_role = |path: &str| path.starts_with(".aws/cli/cache/") && path.ends_with(".json");
    let left = machine.files().into_iter().filter(|(path, _)| is_role(path)).count();
    assert_eq!(left, 0, "the AWS CLI would use them");
    is_of(&machine, "bob");
    assert_ne!(keys(&machine), first);
    let seen = machine.aldis(&["exec", "--profile", "dev", "--", "env"]).ok();
    let own: serde_json::Value = serde_json::from_str(&keys(&machine)).unwrap();
    assert!(seen.contains(own["AccessKeyId"].as_str().unwrap()), "{seen}");
}

#[test]
fn a_role_that_the_new_person_lacks_is_refused_though_the_first_ones_credentials_lie_there() {
    let (machine, _center) = two_people();
    use_account(&machine, "100000000001");
    sign_in_as(&machine, "ann", &[]);
    keys(&machine);
    sign_in_as(&machine, "bob", &[]);
    for words in [
        &["creds", "--profile", "dev"][..],
        &["exec", "--profile", "dev", "--", "true"],
        &["whoami", "--profile", "dev"],
        &["configure", "list", "--profile", "dev"],
    ] {
        machine.aldis(words).run().fails(254, &["no access to the role ReadOnly"]);
    }
}

#[test]
fn a_sign_in_by_the_aws_cli_drops_them_too_and_its_own_are_used() {
    let machine = machine();
    let seed = machine.folder().join("seed.toml");
    std::fs::write(&seed, SEED).unwrap();
    let office = Office::with_center(machine, &["--seed", &seed.display().to_string()]);
    use_account(&office.machine, "100000000002");
    office.aldis_login_as("ann");
    is_of(&office.machine, "ann");
    let first = keys(&office.machine);
    office.aws_login_as("bob");
    let second = keys(&office.machine);
    assert_ne!(second, first);
    is_of(&office.machine, "bob");
    // The AWS CLI uses what Aldis fetched, and Aldis what the AWS CLI did; nobody asks twice.
    let known = office.asked().len();
    let theirs = office.aws_keys();
    assert!(second.contains(theirs["AccessKeyId"].as_str().unwrap()));
    assert_eq!(office.asked().len(), known);
    office.drop_role_files();
    let theirs = office.aws_keys();
    let known = office.asked().len();
    assert_eq!(office.aldis_keys()["AccessKeyId"], theirs["AccessKeyId"]);
    assert_eq!(office.asked().len(), known);
}

/// Two people with the same accounts and different roles in them.
const TWO_ROLES: &str = r#"
[organisation]
name = "roles"
[[people]]
name = "ann"
[[people]]
name = "bob"
[[permission_sets]]
name = "Administrator"
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
permission_sets = ["Administrator"]
[[assignments]]
person = "bob"
accounts = ["100000000001", "100000000002"]
permission_sets = ["ReadOnly"]
"#;

#[test]
fn a_list_of_roles_is_kept_for_the_sign_in_that_saw_it() {
    let (here, elsewhere) = (machine(), machine());
    let seed = here.folder().join("seed.toml");
    std::fs::write(&seed, TWO_ROLES).unwrap();
    let center = here.center(&["--seed", &seed.display().to_string()]);
    here.configure(center.start_url());
    elsewhere.configure(center.start_url());
    let relay = Relay::before(center.port());
    let plan = || {
        let words = ["profiles", "add", "--all", "--dry-run", "--sso-session", "dev"];
        here.aldis(&words).with("AWS_ENDPOINT_URL_SSO", &relay.url()).run()
    };
    // A listing is kept only if the run does not come to its end.
    let broken = || {
        let second = "GET /assignment/roles?account_id=100000000002";
        relay.answer(second, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nnonsense");
        assert_ne!(plan().code, Some(0));
        relay.step_aside();
    };
    let login = |machine: &Machine, person: &str| {
        let run = machine.aldis(&["login", "--flow", "device"]).with("AWS_ENDPOINT_URL_SSO", &relay.url());
        let (login, code) = begin_login(run);
        here.aldis(&["center", "device", "approve", &code, "--person", person]).ok();
        login.finish().says(&["Signed in"]);
    };
    login(&here, "ann");
    broken();
    let asked = relay.count("GET /assignment/roles");
    let outcome = plan();
    assert!(outcome.says(&[]).stdout.contains("Administrator"), "{outcome}");
    assert_eq!(relay.count("GET /assignment/roles"), asked + 1, "the other one was known");
    broken();
    // As another tool signs in.
    login(&elsewhere, "bob");
    here.write(TOKEN, &elsewhere.read(TOKEN));
    let outcome = plan();
    assert!(outcome.says(&[]).stdout.contains("ReadOnly"), "{outcome}");
    assert!(!outcome.stdout.contains("Administrator"), "{outcome}");
}

#[test]
fn a_refresh_drops_nothing() {
    let scene = Scene::new();
    // Of the role credentials of an hour some are left when the token is renewed.
    scene.advance(LIFE - 1200);
    let first = scene.creds().ok();
    scene.advance(600);
    let tokens = scene.relay.count("POST /token");
    scene.aldis(&["accounts", "--profile", "dev"]).ok();
    assert_eq!(scene.relay.count("POST /token"), tokens + 1, "the token was renewed");
    let roles = scene.relay.count("GET /federation");
    assert_eq!(scene.creds().ok(), first);
    assert_eq!(scene.relay.count("GET /federation"), roles);
}

#[test]
fn without_a_state_folder_credentials_that_are_older_than_the_token_are_fetched_again() {
    let (machine, _center) = two_people();
    use_account(&machine, "100000000002");
    // No folder can be made below a file.
    let machine = machine.with("XDG_STATE_HOME", "/dev/null");
    sign_in_as(&machine, "ann", &[]);
    let first = keys(&machine);
    assert_eq!(keys(&machine), first, "they are cached");
    sign_in_as(&machine, "bob", &[]);
    is_of(&machine, "bob");
}
