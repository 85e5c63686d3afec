use serde_json::Value;

use crate::{machine, machine_and_center};

#[test]
fn a_mistyped_command_gets_the_right_word() {
    let machine = machine();
    machine.aldis(&["logn"]).run().fails(252, &["login"]);
    machine.aldis(&["login", "--profil", "x"]).run().fails(252, &["--profile"]);
    machine.aldis(&["center"]).run().fails(252, &["only the beginning of a command", "aldis center --help"]);
    machine.aldis(&["roles", "12"]).run().fails(252, &["twelve digits"]);
}

#[test]
fn every_command_has_help_with_two_examples() {
    let machine = machine();
    let overview = machine.aldis(&["--help"]).ok();
    for words in [
        vec!["login"],
        vec!["accounts"],
        vec!["roles"],
        vec!["creds"],
        vec!["exec"],
        vec!["logout"],
        vec!["sso", "logout"],
        vec!["status"],
        vec!["configure", "list-profiles"],
        vec!["configure", "get"],
        vec!["whoami"],
        vec!["serve"],
        vec!["center"],
        vec!["demo"],
    ] {
        assert!(overview.contains(words[0]), "{overview}");
        let help = machine.aldis(&[words, vec!["--help"]].concat()).ok();
        let examples = help.split("Examples:").nth(1).unwrap_or_default();
        assert!(examples.matches("aldis ").count() >= 2, "{help}");
    }
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    let (machine, center) = machine_and_center(&[]);
    drop(center);
    let outcome = machine.aldis(&["accounts", "--output", "json"]).run();
    // Every line is an object, warnings and notes, too; the error is the last one.
    let lines: Vec<Value> =
        outcome.fails(255, &[]).stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["error"]["kind"], "not_signed_in");
}

#[test]
fn plain_http_to_another_machine_is_refused_unless_allowed_by_name() {
    let machine = machine();
    machine.write(
        ".aws/config",
        "[sso-session far]\nsso_start_url = http://192.0.2.1:8765/start\nsso_region = us-east-1\n",
    );
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).run().fails(253, &["http"]);
    machine.write(
        ".aws/config",
        "[sso-session far]\nsso_start_url = https://d-1234567890.awsapps.com/start\nsso_region = us-east-1\n",
    );
    machine
        .aldis(&["login", "--use-device-code", "--no-browser"])
        .with("AWS_ENDPOINT_URL_SSO_OIDC", "http://192.0.2.1:8765")
        .run()
        .fails(253, &["plain http", "ALDIS_INSECURE_HTTP"]);
}

#[test]
fn loopback_never_goes_through_a_proxy() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let machine = machine.with("HTTP_PROXY", "http://127.0.0.1:1").with("HTTPS_PROXY", "http://127.0.0.1:1");
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
}

#[test]
fn endpoint_overrides_reach_a_center_under_an_aws_start_url() {
    let machine = machine();
    let center = machine.center(&["--auto-approve", "demo"]);
    machine.write(
        ".aws/config",
        "[profile dev]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = ReadOnly\n\n\
         [sso-session corp]\nsso_start_url = https://d-1234567890.awsapps.com/start\nsso_region = us-east-1\n",
    );
    let mut machine = machine;
    for (name, value) in center.ready["environment"].as_object().unwrap() {
        machine = machine.with(name, value.as_str().unwrap());
    }
    machine.aldis(&["login", "--use-device-code", "--profile", "dev", "--no-browser"]).ok();
    assert!(machine.aldis(&["whoami", "--profile", "dev"]).ok().contains("111122223333"));
}

#[test]
fn no_secret_in_any_words() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let login = machine.aldis(&["login", "--use-device-code", "--no-browser"]).run();
    let whoami = machine.aldis(&["whoami", "--profile", "dev"]).run();
    let token: Value = serde_json::from_str(&machine.read(crate::TOKEN)).unwrap();
    let audit = machine.aldis(&["center", "audit", "--output", "json"]).run();
    let not_run = machine.aldis(&["exec", "--profile", "dev", "--", "no-such-program"]).run();
    let status = machine.aldis(&["status", "--output", "json"]).run();
    let logout = machine.aldis(&["logout", "--output", "json"]).run();
    for outcome in [login, whoami, audit, not_run, status, logout] {
        for secret in ["accessToken", "refreshToken", "clientSecret"] {
            let secret = token[secret].as_str().unwrap();
            assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{outcome}");
        }
    }
}
