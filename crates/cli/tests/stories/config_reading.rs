//! Configuration files are read as the AWS CLI reads it, or told with file and line.

use serde_json::Value;
use testkit::{Machine, Outcome};

use crate::{TOKEN, machine, machine_and_center};

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

fn sign_in(machine: &Machine) {
    machine.aldis(&["login", "--sso-session", "dev", "--use-device-code", "--no-browser"]).ok();
}

fn signed_in_machine() -> (Machine, testkit::Center) {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    sign_in(&machine);
    (machine, center)
}

#[test]
fn a_profile_name_that_is_stale_is_told_with_its_origin_and_the_nearest_name() {
    let (machine, _center) = signed_in_machine();
    let table: [(&str, &str, &[&str]); 5] = [
        (
            "AWS_PROFILE",
            "dve",
            &["(dve) could not be found", "comes from AWS_PROFILE", "export AWS_PROFILE=dev"],
        ),
        ("AWS_DEFAULT_PROFILE", "dve", &["comes from AWS_DEFAULT_PROFILE", "unset AWS_DEFAULT_PROFILE"]),
        ("AWS_PROFILE", "dev\r", &["(dev\\r) could", "did you mean: export AWS_PROFILE=dev\n"]),
        ("AWS_PROFILE", "dev\u{a0}", &["(dev\\u{a0}) could", "did you mean: export AWS_PROFILE=dev\n"]),
        ("AWS_PROFILE", "\"dev\"", &["(\"dev\") could", "did you mean: export AWS_PROFILE=dev\n"]),
    ];
    for (variable, name, words) in table {
        for command in [
            &["creds"][..],
            &["whoami"],
            &["login"],
            &["accounts"],
            &["configure", "list"],
            &["exec", "--", "env"],
        ] {
            let outcome = machine.aldis(command).with(variable, name).run();
            assert_eq!(outcome.fails(255, words).stdout, "", "{outcome}");
        }
        machine.aldis(&["configure", "get", "region"]).with(variable, name).run().fails(255, words);
    }
    let option = machine.aldis(&["creds", "--profile", "Dev"]).run();
    option.fails(255, &["(Dev) could not be found", "did you mean: --profile dev\n"]);
    assert!(!option.stderr.contains("AWS_PROFILE"), "{option}");
    machine
        .aldis(&["login", "--sso-session", "deb"])
        .run()
        .fails(253, &["does not exist: \"deb\"", "did you mean: --sso-session dev\n"]);
    machine
        .aldis(&["configure", "get", "sso_region", "--sso-session", "deb\r"])
        .run()
        .fails(255, &["(deb\\r) could not be found", "did you mean: --sso-session dev\n"]);
}

#[test]
fn a_config_file_that_is_not_there_is_named_with_its_variable() {
    let (machine, _center) = signed_in_machine();
    for words in [
        &["creds", "--profile", "dev"][..],
        &["login", "--sso-session", "dev"],
        &["login"],
        &["configure", "list", "--profile", "dev"],
    ] {
        let outcome = machine.aldis(words).with("AWS_CONFIG_FILE", "~/nowhere/config").run();
        assert!(outcome.code != Some(0), "{outcome}");
        for said in
            ["there is no file ", "/nowhere/config, which AWS_CONFIG_FILE names", "unset AWS_CONFIG_FILE"]
        {
            assert!(outcome.stderr.contains(said), "{said}: {outcome}");
        }
    }
    let list =
        machine.aldis(&["configure", "list-profiles"]).with("AWS_CONFIG_FILE", "~/nowhere/config").run();
    list.says(&["warning: there is no file ", "which AWS_CONFIG_FILE names"]);
    let fresh = crate::machine();
    let outcome = fresh.aldis(&["creds", "--profile", "dev"]).run();
    outcome.fails(255, &["could not be found", "there is no file ", "/.aws/config", "aldis configure sso"]);
    assert!(!outcome.stderr.contains("AWS_CONFIG_FILE"), "{outcome}");
}

#[test]
fn an_account_id_that_is_none_is_never_sent_and_told_with_line_and_likely_value() {
    let (machine, _center) = signed_in_machine();
    let config = machine.read(".aws/config");
    let table = [
        ("11122223333", "sso_account_id = 011122223333"),
        ("1111-2222-3333", "sso_account_id = 111122223333"),
        ("1.1E+11", "a spreadsheet has rounded"),
        ("1.11122223333E+11", "sso_account_id = 111122223333"),
        ("arn:aws:iam::111122223333:role/ReadOnly", "sso_account_id = 111122223333"),
        ("my-company", "twelve digits"),
        ("", "is empty"),
    ];
    for (written, likely) in table {
        machine.write(".aws/config", &config.replace("111122223333", written));
        let outcomes: Vec<Outcome> = [
            &["creds", "--profile", "dev"][..],
            &["whoami", "--profile", "dev"],
            &["exec", "--profile", "dev", "--", "echo", "ran"],
        ]
        .into_iter()
        .map(|words| machine.aldis(words).run())
        .collect();
        for outcome in outcomes {
            outcome.fails(
                253,
                &["sso_account_id", "/.aws/config, line 3", likely, "${EDITOR:-vi} +3 ", "aldis accounts"],
            );
            assert_eq!(outcome.stdout, "");
        }
        // The session is good all the same.
        machine.aldis(&["accounts", "--profile", "dev"]).ok();
        machine.aldis(&["creds", "--profile", "dev", "--account-id", "111122223333"]).ok();
    }
    let roles = [
        ("", "is empty"),
        (
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_ReadOnly_0123456789abcdef",
            "sso_role_name = ReadOnly",
        ),
    ];
    for (written, likely) in roles {
        machine.write(".aws/config", &config.replace("= ReadOnly", &format!("= {written}")));
        let outcome = machine.aldis(&["creds", "--profile", "dev"]).run();
        outcome.fails(253, &["sso_role_name", "line 4", likely, "aldis roles 111122223333"]);
    }
    machine.write(".aws/config", &config);
    assert!(!machine.aldis(&["center", "audit"]).ok().contains("Denied"));
    for (option, value, words) in [
        ("--account-id", "11122223333", "did you mean 011122223333?"),
        ("--role-name", "", "the name of a role is missing"),
        ("--role-name", "arn:aws:iam::1:role/x", "a name, not an ARN or a path"),
    ] {
        machine.aldis(&["creds", "--profile", "dev", option, value]).run().fails(252, &[option, words]);
    }
}

#[test]
fn a_colon_ends_a_key_as_in_the_aws_cli() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let config = machine.read(".aws/config");
    let config =
        config.replace("sso_session = dev", "sso_session: dev").replace("sso_role_name =", "sso_role_name :");
    machine.write(".aws/config", &format!("{config}region: eu-west-1\n"));
    machine.aldis(&["login", "--profile", "dev", "--use-device-code", "--no-browser"]).ok();
    machine.aldis(&["creds", "--profile", "dev"]).ok();
    let get = ["configure", "get", "sso_session", "--profile", "dev"];
    assert_eq!(machine.aldis(&get).ok(), "dev\n");
    let machine = machine.with("AWS_EC2_METADATA_DISABLED", "true");
    machine.program("aws", &["--version"]).found("aws", "awscli");
    assert_eq!(machine.program("aws", &get).ok(), "dev\n");
}

#[test]
fn of_two_sections_for_the_default_profile_the_one_of_the_aws_cli_counts() {
    let machine = machine().with("AWS_EC2_METADATA_DISABLED", "true");
    machine.program("aws", &["--version"]).found("aws", "awscli");
    for config in [
        "[default]\nregion = r-1\noutput = json\n[profile default]\nregion = r-2\n",
        "[profile default]\nregion = r-1\noutput = json\n[default]\nregion = r-2\n",
    ] {
        machine.write(".aws/config", config);
        for key in ["region", "output"] {
            let words = ["configure", "get", key];
            let (own, theirs) = (machine.aldis(&words).run(), machine.program("aws", &words).run());
            assert_eq!((own.code, &own.stdout), (theirs.code, &theirs.stdout), "{key}: {config}");
        }
    }
}

#[test]
fn two_sections_for_the_default_profile_are_warned_about() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let config = machine.read(".aws/config").replace("[profile dev]", "[default]");
    machine.write(".aws/config", &format!("[profile default]\nsso_account_id = 444455556666\n{config}"));
    let login = machine.aldis(&["login", "--use-device-code", "--no-browser"]).run();
    login.says(&["two sections for the profile default", "line 3 and not the one on line 1"]);
    machine.aldis(&["whoami"]).run().says(&["two sections"]);
    let creds: Value = serde_json::from_str(&machine.aldis(&["creds"]).ok()).unwrap();
    assert_eq!(creds["AccountId"], "111122223333");
}

#[test]
fn a_file_in_utf_16_is_told_with_the_command_that_converts_it() {
    let (machine, _center) = signed_in_machine();
    let text = machine.read(".aws/config");
    let path = machine.home().join(".aws/config");
    std::fs::write(&path, utf16(&text)).unwrap();
    let outcome = machine.aldis(&["creds", "--profile", "dev"]).run();
    outcome.fails(253, &["/.aws/config is UTF-16 text", "UTF-8 only", "hint: convert it: (umask 077; iconv"]);
    let command = outcome.stderr.lines().find_map(|line| line.strip_prefix("hint: convert it: ")).unwrap();
    machine.program("sh", &["-c", command]).ok();
    assert_eq!(machine.read(".aws/config"), text);
    machine.aldis(&["creds", "--profile", "dev"]).ok();
    std::fs::write(machine.home().join(".aws/credentials"), utf16("[x]\n")).unwrap();
    machine.aldis(&["configure", "list"]).run().fails(253, &["/.aws/credentials is UTF-16 text"]);
}

#[test]
fn a_line_that_is_appended_ends_even_if_the_file_did_not() {
    let (machine, _center) = signed_in_machine();
    let config = machine.read(".aws/config");
    machine.write(".aws/config", config.trim_end());
    machine
        .aldis(&[
            "configure",
            "sso-session",
            "--sso-session",
            "new",
            "--sso-start-url",
            "https://d-1.awsapps.com/start",
            "--sso-region",
            "us-east-1",
        ])
        .ok();
    let text = machine.read(".aws/config");
    assert!(text.starts_with(&config) && text.ends_with("account:access\n"), "{text}");
    assert_eq!(machine.aldis(&["creds", "--profile", "dev"]).run().code, Some(0));
}

#[test]
fn a_token_that_ends_in_the_year_9999_is_used() {
    let (machine, _center) = signed_in_machine();
    let mut token: Value = serde_json::from_str(&machine.read(TOKEN)).unwrap();
    for end in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.9999999Z", "+275760-09-13T00:00:00.000Z"] {
        token["expiresAt"] = end.into();
        machine.write(TOKEN, &token.to_string());
        machine.aldis(&["accounts"]).ok();
        let status: Value =
            serde_json::from_str(&machine.aldis(&["status", "--output", "json"]).ok()).unwrap();
        assert_eq!(status["sessions"][0]["state"], "signed_in", "{end}");
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Midway"] {
            machine.aldis(&["status"]).with("TZ", zone).ok();
        }
    }
}

#[test]
fn a_registration_without_an_end_renews_the_token() {
    let (machine, _center) = signed_in_machine();
    let mut token: Value = serde_json::from_str(&machine.read(TOKEN)).unwrap();
    token["expiresAt"] = "2020-01-01T00:00:00Z".into();
    // The form in which tools write clientSecretExpiresAt 0.
    token["registrationExpiresAt"] = "1970-01-01T00:00:00Z".into();
    machine.write(TOKEN, &token.to_string());
    machine.aldis(&["accounts"]).ok();
    let renewed: Value = serde_json::from_str(&machine.read(TOKEN)).unwrap();
    assert_ne!(renewed["accessToken"], token["accessToken"]);
}

#[test]
fn keys_that_fix_the_flow_count_in_the_session_only_and_are_warned_about_elsewhere() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let config = machine.read(".aws/config");
    let reason = |text: &str| {
        machine.write(".aws/config", text);
        let run = machine.aldis(&["login", "--profile", "dev", "--explain", "--output", "json"]);
        let explained: Value = serde_json::from_str(&run.ok()).unwrap();
        explained["decision"]["reason"].as_str().unwrap().to_owned()
    };
    let in_session = |value: &str| format!("{config}sso_use_device_code = {value}\n");
    for (value, counts) in
        [("true", true), ("TRUE", true), ("True", true), ("false", false), ("yes", false), ("1", false)]
    {
        assert_eq!(reason(&in_session(value)) == "sso_use_device_code is true", counts, "{value}");
    }
    let in_profile = config
        .replace("[profile dev]\n", "[profile dev]\nsso_use_device_code = true\nsso_redirect_port = 70000\n");
    assert_ne!(reason(&in_profile), "sso_use_device_code is true");
    let login = || machine.aldis(&["login", "--profile", "dev", "--use-device-code", "--no-browser"]).run();
    login().says(&[
        "warning: sso_use_device_code has no effect in a profile; write it below [sso-session dev] (",
        "/.aws/config, line 2)",
        "sso_redirect_port has no effect in a profile",
        "Signed in",
    ]);
    machine.write(".aws/config", &in_session("yes"));
    login().says(&["warning: sso_use_device_code = yes has no effect, only true has one (", "Signed in"]);
    machine.write(".aws/config", &in_session("false"));
    assert!(!login().stderr.contains("warning"));
}
