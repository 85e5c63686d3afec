//! The identity in use: keys that `exec` and `creds` hand over, and the addresses that go with them.

use serde_json::Value;
use testkit::{Center, Machine, Outcome};

use crate::{machine, machine_and_center};

/// The role credentials of the profile `amazon` as the AWS CLI caches them: SHA-1 of account, role and session.
const AMAZON: &str = ".aws/cli/cache/5811043bbe9834d43b2a849958afa0f2b5f12b4e.json";

/// A machine that is signed in to a center. The profile `dev` and the default one have the role ReadOnly, `prod` has Developer.
fn two_roles() -> (Machine, Center) {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let config = machine.read(".aws/config");
    let role =
        |name: &str| format!("sso_session = dev\nsso_account_id = 111122223333\nsso_role_name = {name}\n");
    let profiles =
        [format!("[default]\n{}", role("ReadOnly")), format!("[profile prod]\n{}", role("Developer"))];
    machine.write(".aws/config", &format!("{config}\n{}", profiles.concat()));
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    (machine, center)
}

/// A line for `sh` in which `$aldis` is the program.
fn shell(machine: &Machine, line: &str) -> Outcome {
    let aldis = machine.binary().display().to_string();
    machine.program("sh", &["-c", line]).with("aldis", &aldis).run()
}

#[track_caller]
fn ok(machine: &Machine, line: &str) -> String {
    shell(machine, line).says(&[]).stdout.clone()
}

const EVAL_PROD: &str = "eval \"$($aldis creds --profile prod --format env)\"";

#[test]
fn every_command_names_the_keys_of_the_environment() {
    let (machine, _center) = two_roles();
    let own = machine.aldis(&["whoami"]).ok();
    assert!(own.contains("ReadOnly"), "{own}");
    for before in ["$aldis exec --profile prod -- ", &format!("{EVAL_PROD}; ")] {
        let seen = |words: &str| ok(&machine, &format!("{before}$aldis {words}"));
        assert!(seen("whoami").contains("Developer"));
        assert!(seen("whoami --profile dev").contains("ReadOnly"), "an option names another");
        assert!(
            seen("whoami --sso-session dev --account-id 111122223333 --role-name ReadOnly")
                .contains("ReadOnly")
        );
        assert!(seen("whoami --role-name ReadOnly").contains("ReadOnly"));
        assert!(seen("exec -- $aldis whoami").contains("Developer"));
        assert!(seen("sts get-caller-identity --region us-east-1").contains("Developer"));
        let keys =
            |words: &str| serde_json::from_str::<Value>(&seen(words)).unwrap()["SecretAccessKey"].clone();
        let prod = machine.aldis(&["creds", "--profile", "prod"]).ok();
        let prod: Value = serde_json::from_str(&prod).unwrap();
        assert_eq!(keys("creds"), prod["SecretAccessKey"]);
        assert_eq!(keys("configure export-credentials"), prod["SecretAccessKey"]);
        assert_ne!(keys("creds --profile dev"), prod["SecretAccessKey"]);
        let id = prod["AccessKeyId"].as_str().unwrap();
        let row = format!("access_key : ****************{}     : env ", &id[id.len() - 4..]);
        assert!(seen("configure list").contains(&row));
        let lines = seen("creds --format env-no-export");
        assert!(lines.contains(id) && lines.contains("AWS_ENDPOINT_URL_STS=http://127.0.0.1:"), "{lines}");
    }
}

#[test]
fn keys_win_over_a_profile_in_the_environment_and_one_line_says_so() {
    let (machine, _center) = two_roles();
    let words = "count, not AWS_PROFILE=dev; for the profile: aldis";
    for command in ["whoami", "exec -- $aldis whoami", "sts get-caller-identity --region us-east-1"] {
        let outcome = shell(&machine, &format!("{EVAL_PROD}; AWS_PROFILE=dev $aldis {command}"));
        assert_eq!(outcome.says(&[words]).stderr.lines().count(), 1, "{outcome}");
        assert!(outcome.stdout.contains("Developer"), "{outcome}");
    }
    let outcome = shell(&machine, &format!("{EVAL_PROD}; $aldis whoami"));
    assert_eq!(outcome.stderr, "");
}

#[test]
fn keys_that_have_ended_are_no_other_identity() {
    let (machine, _center) = two_roles();
    machine.write("clock", "0");
    let machine = {
        let clock = machine.home().join("clock").display().to_string();
        machine.with("ALDIS_TEST_CLOCK", &clock)
    };
    let later = "echo 36000 > \"$HOME/clock\"; exec $aldis";
    for command in ["whoami", "creds", "configure export-credentials", "configure list", "exec -- true"] {
        machine.write("clock", "0");
        let outcome =
            shell(&machine, &format!("$aldis exec --profile prod -- sh -c '{later} \"$@\"' sh {command}"));
        outcome.fails(255, &["these keys (AWS_ACCESS_KEY_ID in the environment) ended at", "--profile NAME"]);
        outcome.fails(255, &["run aldis exec again: aldis exec --profile prod -- COMMAND"]);
        machine.write("clock", "0");
        let outcome =
            shell(&machine, &format!("{EVAL_PROD}; echo 36000 > \"$HOME/clock\"; $aldis {command}"));
        outcome.fails(255, &["get new ones: eval \"$(aldis creds --profile prod --format env)\""]);
    }
    machine.write("clock", "0");
    let keys = "AWS_ACCESS_KEY_ID=AKIA1";
    shell(&machine, &format!("{keys} $aldis whoami")).fails(255, &["no AWS_SECRET_ACCESS_KEY", "unset"]);
    let keys = format!("{keys} AWS_SECRET_ACCESS_KEY=x");
    shell(&machine, &format!("{keys} AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z $aldis creds"))
        .fails(255, &["ended at 2020-01-01", "as AWS_CREDENTIAL_EXPIRATION says"]);
}

/// A machine with two centers and Amazon. `lab` has its addresses in a services section and is signed in to the first center,
/// `other` is signed in to the second one, which tells its addresses itself, and Amazon's credentials lie in the cache.
fn lab_and_others() -> (Machine, Center, Center) {
    let machine = machine();
    let (lab, other) =
        (machine.center(&["--auto-approve", "demo"]), machine.center(&["--auto-approve", "demo"]));
    let role = |session: &str, name: &str| {
        format!("sso_session = {session}\nsso_account_id = 111122223333\nsso_role_name = {name}\n")
    };
    let url = lab.url();
    machine.write(
        ".aws/config",
        &format!(
            "[profile lab]\n{}services = lab\n[profile other]\n{}[profile amazon]\n{}[sso-session lab]\nsso_start_url = {}\n\
             sso_region = us-east-1\n[sso-session other]\nsso_start_url = {}\n[sso-session corp]\nsso_start_url = \
             https://d-1234567890.awsapps.com/start\nsso_region = us-east-1\n[services lab]\nsso =\n  endpoint_url = {url}\n\
             sso_oidc =\n  endpoint_url = {url}\nsts =\n  endpoint_url = {url}\ns3 =\n  endpoint_url = {url}/s3\n",
            role("lab", "ReadOnly"),
            role("other", "Developer"),
            role("corp", "AdministratorAccess"),
            lab.start_url(),
            other.start_url(),
        ),
    );
    machine.write(
        AMAZON,
        "{\"ProviderType\": \"sso\", \"Credentials\": {\"AccessKeyId\": \"ASIAAMAZON\", \"SecretAccessKey\": \"s\", \
         \"SessionToken\": \"t\", \"Expiration\": \"2099-01-01T00:00:00Z\", \"AccountId\": \"111122223333\"}}",
    );
    for session in ["lab", "other"] {
        let words = ["login", "--use-device-code", "--no-browser", "--profile", session];
        machine.aldis(&words).ok();
    }
    (machine, lab, other)
}

/// The endpoint variables and markers that a line of `sh` ends with.
fn endpoints(machine: &Machine, line: &str) -> Vec<String> {
    let out = ok(machine, &format!("{line} env"));
    let is_one = |line: &&str| {
        line.starts_with("AWS_ENDPOINT_URL")
            || line.starts_with("AWS_IGNORE")
            || line.starts_with("ALDIS_ENDPOINTS")
    };
    let mut found: Vec<String> = out.lines().filter(is_one).map(str::to_owned).collect();
    found.sort();
    found
}

fn eval(profile: &str) -> String {
    format!("eval \"$($aldis creds --profile {profile} --format env)\";")
}

#[test]
fn the_addresses_of_a_profile_go_with_its_credentials() {
    let (machine, lab, other) = lab_and_others();
    let lab_lines =
        [format!("AWS_ENDPOINT_URL_S3={}/s3", lab.url()), format!("AWS_ENDPOINT_URL_STS={}", lab.url())];
    let exec = |profile: &str| format!("$aldis exec --profile {profile} --");
    for line in [
        exec("lab"),
        eval("lab"),
        format!("{} {}", eval("other"), eval("lab")),
        format!("{} {}", eval("other"), exec("lab")),
    ] {
        let found = endpoints(&machine, &line);
        assert_eq!(found[1..], lab_lines, "{line}: those of sign-ins do not belong to role credentials");
        assert!(found[0].starts_with("ALDIS_ENDPOINTS=AWS_ENDPOINT_URL_STS:"), "{found:?}");
    }
    let told = format!("AWS_ENDPOINT_URL_STS={}", other.url());
    for line in [
        exec("other"),
        eval("other"),
        format!("{} {}", eval("lab"), exec("other")),
        format!("{} {}", eval("lab"), eval("other")),
    ] {
        assert_eq!(&endpoints(&machine, &line)[1..], std::slice::from_ref(&told), "{line}");
    }
    let by_hand = "export AWS_ENDPOINT_URL_S3=http://127.0.0.1:9;";
    let found = endpoints(&machine, &format!("{by_hand} {}", exec("lab")));
    assert_eq!(found[1..], ["AWS_ENDPOINT_URL_S3=http://127.0.0.1:9".to_owned(), lab_lines[1].clone()]);
    let found = endpoints(&machine, &format!("{by_hand} {} {}", eval("lab"), eval("amazon")));
    assert_eq!(found, ["AWS_ENDPOINT_URL_S3=http://127.0.0.1:9"], "what the user set stays");
    // Bytes of the AWS CLI.
    let exported = ok(&machine, "$aldis configure export-credentials --profile lab --format env");
    assert_eq!(exported.lines().count(), 4, "{exported}");
}

#[test]
fn lab_then_prod_in_one_shell_leaves_nothing_of_the_lab() {
    let (machine, lab, other) = lab_and_others();
    for line in [
        format!("{} {}", eval("lab"), eval("amazon")),
        format!("{} $aldis exec --profile amazon --", eval("lab")),
    ] {
        assert_eq!(endpoints(&machine, &line), [""; 0], "{line}");
    }
    // The sign-in of another profile goes to its own center even while the lab's addresses are set.
    ok(
        &machine,
        &format!("{} $aldis accounts --profile other && $aldis whoami --profile other", eval("lab")),
    );
    lab.kill();
    let seen = ok(&machine, &format!("{} {} $aldis whoami", eval("lab"), eval("other")));
    assert!(seen.contains("Developer"), "{seen}");
    // A lab in the default profile, which SDKs read for keys, gets nothing either.
    let config = machine.read(".aws/config");
    machine.write(".aws/config", &format!("{config}\n[default]\nservices = lab\n"));
    let only = endpoints(&machine, "$aldis exec --profile amazon --");
    assert_eq!(only[1..], ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"], "{only:?}");
    let outcome = shell(&machine, "$aldis exec --profile other -- env");
    outcome.says(&["warning: the profile default has addresses of its own", "AWS_ENDPOINT_URL_S3"]);
    assert!(outcome.stdout.contains(&format!("AWS_ENDPOINT_URL_STS={}", other.url())), "{outcome}");
}

#[test]
fn keys_of_a_center_are_not_sent_to_a_left_over_address() {
    let (machine, lab, _other) = lab_and_others();
    lab.kill();
    // Keys that the user set after `creds` are not the lab's: only what the user set counts for them, and else Amazon.
    let line = format!(
        "{} AWS_ACCESS_KEY_ID=AKIAUSER AWS_SECRET_ACCESS_KEY=s AWS_SESSION_TOKEN= AWS_CREDENTIAL_EXPIRATION= \
         AWS_REGION=xx-none-1 HTTPS_PROXY=http://127.0.0.1:9 $aldis whoami",
        eval("lab")
    );
    let outcome = shell(&machine, &line);
    outcome.fails(255, &["sts.xx-none-1.amazonaws.com"]);
    assert!(!outcome.stderr.contains("127.0.0.1:9020"), "{outcome}");
}

#[test]
fn an_address_with_characters_of_a_shell_is_only_a_value() {
    let (machine, _lab, _other) = lab_and_others();
    let config = machine.read(".aws/config");
    let nasty = "http://127.0.0.1:1/a'b;touch$IFS\"$HOME/gone\"`touch$IFS\"$HOME/gone\"`&x";
    machine.write(
        ".aws/config",
        &config.replace("/s3\n", &format!("/s3\ndynamodb =\n  endpoint_url = {nasty}\n")),
    );
    let value = format!("AWS_ENDPOINT_URL_DYNAMODB={nasty}");
    assert!(endpoints(&machine, &eval("lab")).contains(&value));
    assert!(endpoints(&machine, "$aldis exec --profile lab --").contains(&value));
    assert!(!machine.home().join("gone").exists());
    shell(&machine, "$aldis creds --profile lab --format windows-cmd").fails(
        253,
        &["AWS_ENDPOINT_URL_DYNAMODB cannot be written safely in the format windows-cmd", "aldis exec"],
    );
}

#[test]
fn a_listing_says_that_it_is_not_that_of_the_keys() {
    let (machine, _center) = two_roles();
    for command in ["accounts", "roles"] {
        let outcome = shell(&machine, &format!("$aldis exec --profile prod -- $aldis {command}"));
        outcome.says(&["what the sign-in to dev opens", "AWS_ACCESS_KEY_ID"]);
        let outcome =
            shell(&machine, &format!("$aldis exec --profile prod -- $aldis {command} --profile dev"));
        assert_eq!(outcome.says(&[]).stderr, "");
    }
}
