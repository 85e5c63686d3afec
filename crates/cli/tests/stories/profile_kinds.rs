//! Profiles whose credentials come from somewhere else than an SSO role: no command gives another identity than the AWS CLI does.

use std::fmt::Write as _;

use serde_json::Value;
use testkit::{Machine, Outcome, Run};

use crate::{machine, machine_and_center};

const ROLE_ARN: &str = "arn:aws:iam::999988887777:role/Deploy";
const LOGIN_ARN: &str = "arn:aws:iam::111122223333:user/demo";
/// SHA-256 of that ARN.
const LOGIN_FILE: &str =
    ".aws/login/cache/c44cd61351767b8047d91ae5215e9a1068adc25cc3d9da00fbef3e8d3bd738a0.json";
const ACCESS: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The machine of a person who is signed in to `dev`, whose other profiles have a role of that session beside other keys.
fn machine_with_kinds() -> (Machine, testkit::Center) {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    let mut config = machine.read(".aws/config");
    let sso = "sso_session = dev\nsso_account_id = 111122223333\nsso_role_name = ReadOnly\n";
    for (name, keys) in [
        ("source", format!("role_arn = {ROLE_ARN}\nsource_profile = dev\n")),
        ("place", format!("role_arn = {ROLE_ARN}\ncredential_source = Environment\n")),
        ("alone", format!("role_arn = {ROLE_ARN}\n")),
        ("web", format!("role_arn = {ROLE_ARN}\nweb_identity_token_file = /no/token\n")),
    ] {
        write!(config, "[profile {name}]\n{keys}{sso}").unwrap();
    }
    write!(config, "[profile bare]\nrole_arn = {ROLE_ARN}\nsource_profile = dev\n").unwrap();
    machine.write(".aws/config", &config);
    (machine, center)
}

/// Every command that gives or uses the credentials of a profile.
fn commands<'a>(machine: &'a Machine, profile: &'a str) -> Vec<Run<'a>> {
    let words: [&[&str]; 5] = [
        &["creds", "--profile", profile],
        &["creds", "--profile", profile, "--format", "env"],
        &["configure", "export-credentials", "--profile", profile],
        &["whoami", "--profile", profile],
        &["exec", "--profile", profile, "--", "echo", "ran"],
    ];
    words.into_iter().map(|words| machine.aldis(words)).collect()
}

fn gives_nothing(outcome: &Outcome) {
    assert_eq!(outcome.stdout, "", "{outcome}");
}

#[test]
fn a_web_identity_of_the_environment_comes_before_the_sso_keys_of_a_profile() {
    let (machine, _center) = machine_with_kinds();
    let with = |words: &[&str]| machine.aldis(words).with("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere").run();
    for words in [&["creds"][..], &["whoami"], &["exec", "--", "true"], &["sts", "get-caller-identity"]] {
        gives_nothing(with(words).fails(253, &["AWS_WEB_IDENTITY_TOKEN_FILE", "unset", "--profile NAME"]));
    }
    let list = with(&["configure", "list"]);
    assert!(list.stdout.contains("assume-role-with-web-identity"), "{list}");
    let named = with(&["creds", "--profile", "dev"]);
    assert_eq!(named.code, Some(0), "an option names the profile: {named}");
}

#[test]
fn a_profile_with_a_role_never_gives_the_credentials_of_its_sso_keys() {
    let (machine, _center) = machine_with_kinds();
    for profile in ["source", "place", "alone", "web"] {
        for run in commands(&machine, profile) {
            let outcome = run.run();
            outcome
                .fails(253, &["assumes a role", "another identity", "aws sts get-caller-identity --profile"]);
            gives_nothing(&outcome);
        }
        // The name of the profile from the environment, and half of a role by an option.
        let of_variable = machine.aldis(&["creds"]).with("AWS_PROFILE", profile).run();
        gives_nothing(of_variable.fails(253, &["assumes a role"]));
        let half = machine.aldis(&["creds", "--profile", profile, "--role-name", "Developer"]).run();
        gives_nothing(half.fails(253, &["assumes a role"]));
        // Options that name account and role mean those.
        let named =
            ["creds", "--profile", profile, "--account-id", "111122223333", "--role-name", "ReadOnly"];
        let given: Value = serde_json::from_str(&machine.aldis(&named).ok()).unwrap();
        assert_eq!(given["AccountId"], "111122223333");
    }
    let bare = machine.aldis(&["whoami", "--profile", "bare"]).run();
    bare.fails(253, &["with the credentials of the profile \"dev\"", "aldis login --profile dev"]);
    assert!(!bare.stderr.contains("another identity"), "{bare}");
}

#[test]
fn the_aws_cli_assumes_the_role_of_such_a_profile() {
    let (machine, _center) = machine_with_kinds();
    let machine = machine.with("AWS_EC2_METADATA_DISABLED", "true").with("AWS_PAGER", "");
    machine.program("aws", &["--version"]).found("aws", "awscli");
    let export =
        |profile| machine.program("aws", &["configure", "export-credentials", "--profile", profile]).run();
    export("alone").fails(253, &["assume-role", "source_profile or credential_source"]);
    export("web").fails(255, &["/no/token"]);
}

#[test]
fn signing_in_with_such_a_profile_is_about_its_session_as_with_aws_sso_login() {
    let (machine, _center) = machine_with_kinds();
    let login =
        |profile| machine.aldis(&["login", "--profile", profile, "--use-device-code", "--no-browser"]).run();
    login("source").says(&["The profile \"source\" assumes a role", "its sso_* keys", "Signed in"]);
    machine.aldis(&["accounts", "--profile", "source"]).run().says(&["assumes a role"]);
    let json = machine.aldis(&["accounts", "--profile", "source", "--output", "json"]).run();
    assert_eq!((json.code, json.stderr.as_str()), (Some(0), ""), "a program reads no notes");
    let bare = login("bare");
    bare.fails(253, &["assumes a role", "aldis login --profile dev"]);
    gives_nothing(&bare);
}

#[test]
fn configure_list_names_the_source_of_keys_that_it_does_not_fetch() {
    let (machine, _center) = machine_with_kinds();
    let mut config = machine.read(".aws/config");
    config.push_str("[profile process]\ncredential_process = /bin/false\n");
    machine.write(".aws/config", &config);
    for (profile, kind) in [
        ("source", "assume-role"),
        ("alone", "assume-role"),
        ("web", "assume-role-with-web-identity"),
        ("process", "custom-process"),
    ] {
        let shown = machine.aldis(&["configure", "list", "--profile", profile]).ok();
        let row = format!("access_key : <not fetched>            : {kind}");
        assert!(shown.contains(&row) && shown.contains("\nregion "), "{profile}: {shown}");
        let json = machine.aldis(&["configure", "list", "--profile", profile, "--output", "json"]).ok();
        let object: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&object["secret_key"]["type"], &object["secret_key"]["value"]),
            (&kind.into(), &Value::Null)
        );
    }
}

#[test]
fn keys_and_programs_of_a_profile_are_named_as_what_they_are() {
    let (machine, _center) = machine_with_kinds();
    let mut config = machine.read(".aws/config");
    config.push_str("[profile process]\ncredential_process = aldis creds --profile dev\n");
    machine.write(".aws/config", &config);
    machine.write(
        ".aws/credentials",
        &format!("[keys]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"),
    );
    for (profile, words) in [
        (
            "keys",
            &["holds access keys", ".aws/credentials, line 2", "aws sts get-caller-identity --profile keys"]
                [..],
        ),
        ("process", &["from a program", ".aws/config, line ", "--profile dev"]),
    ] {
        let runs = commands(&machine, profile).into_iter();
        for run in runs.chain([machine.aldis(&["login", "--profile", profile])]) {
            let outcome = run.run();
            gives_nothing(outcome.fails(253, words));
            assert!(!outcome.stderr.contains(SECRET) && !outcome.stderr.contains(ACCESS), "{outcome}");
        }
    }
}

fn login_cache(expires_at: jiff::Timestamp) -> String {
    serde_json::json!({
        "accessToken": {
            "accessKeyId": "ASIALOGINSESSION0000", "secretAccessKey": SECRET, "sessionToken": "token",
            "accountId": "111122223333", "expiresAt": expires_at.to_string(),
        },
        "tokenType": "aws_sigv4", "clientId": "arn:aws:signin:::devtools/same-device", "refreshToken": "r",
        "dpopKey": "k",
    })
    .to_string()
}

#[test]
fn the_cached_credentials_of_aws_login_are_used_while_they_are_valid() {
    let machine = machine();
    machine.write(
        ".aws/config",
        &format!("[profile console]\nlogin_session = {LOGIN_ARN}\nregion = eu-west-1\n"),
    );
    let now = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap();
    let minutes = jiff::SignedDuration::from_mins;
    machine.write(LOGIN_FILE, &login_cache(now + minutes(10)));
    let before = machine.files();
    let creds: Value = serde_json::from_str(&machine.aldis(&["creds", "--profile", "console"]).ok()).unwrap();
    assert_eq!(creds["AccessKeyId"], "ASIALOGINSESSION0000");
    assert_eq!(creds["Expiration"], (now + minutes(10)).to_string());
    let env = machine.aldis(&["exec", "--profile", "console", "--", "env"]).ok();
    assert!(env.contains("AWS_SESSION_TOKEN=token") && env.contains("AWS_REGION=eu-west-1"), "{env}");
    let shown = machine.aldis(&["configure", "list", "--profile", "console"]).ok();
    assert!(shown.contains("access_key : ****************0000     : login "), "{shown}");
    machine.aldis(&["status"]).run().says(&["The profile \"console\"", "aws login, with credentials until "]);
    assert_eq!(machine.files(), before, "the file is the AWS CLI's");

    machine.write("elsewhere/x", "");
    let moved =
        machine.aldis(&["creds", "--profile", "console"]).with("AWS_LOGIN_CACHE_DIRECTORY", "~/elsewhere");
    moved.run().fails(255, &["nobody is signed in there", "elsewhere/", "aws login --profile console"]);
    machine.write(LOGIN_FILE, &login_cache(now - minutes(1)));
    for run in commands(&machine, "console") {
        let outcome = run.run();
        gives_nothing(outcome.fails(255, &["ended at", "does not renew", "aws login --profile console"]));
    }
    machine.aldis(&["status"]).run().says(&["The profile \"console\"", "ended at"]);
    machine.write(LOGIN_FILE, &login_cache(now)[..40]);
    machine.aldis(&["creds", "--profile", "console"]).run().fails(255, &["is of no use", "aws login"]);
    machine
        .aldis(&["login", "--profile", "console"])
        .run()
        .fails(253, &["console sign-in of aws login", "aws login --profile console"]);
}

#[test]
fn whoami_asks_sts_with_the_credentials_of_aws_login() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    let creds: Value = serde_json::from_str(&machine.aldis(&["creds", "--profile", "dev"]).ok()).unwrap();
    let mut config = machine.read(".aws/config");
    write!(config, "[profile console]\nlogin_session = {LOGIN_ARN}\nregion = us-east-1\n").unwrap();
    machine.write(".aws/config", &config);
    let file = serde_json::json!({"accessToken": {
        "accessKeyId": creds["AccessKeyId"], "secretAccessKey": creds["SecretAccessKey"],
        "sessionToken": creds["SessionToken"], "expiresAt": creds["Expiration"],
    }});
    machine.write(LOGIN_FILE, &file.to_string());
    let shown =
        machine.aldis(&["whoami", "--profile", "console"]).with("AWS_ENDPOINT_URL_STS", center.url()).ok();
    assert!(shown.contains("111122223333"), "{shown}");
    machine.write(".aws/config", &config.replace("region = us-east-1\n", ""));
    machine.aldis(&["whoami", "--profile", "console"]).run().fails(253, &["no region", "--region"]);
}

#[test]
fn access_keys_under_the_name_of_an_sso_profile_are_warned_about_with_file_and_lines() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let keys = format!(
        "[other]\nregion = x\n[dev]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"
    );
    machine.write("creds-file", &keys);
    let machine = machine.with("AWS_SHARED_CREDENTIALS_FILE", "~/creds-file");
    let words = ["warning: ", "JavaScript and Go", "\"dev\" (", "/creds-file, lines 4 and 5)"];
    for login in [&["login", "--profile", "dev"][..], &["login", "--sso-session", "dev"]] {
        let outcome = machine.aldis(&[login, &["--use-device-code", "--no-browser"]].concat()).run();
        outcome.says(&words);
        assert_eq!(outcome.stderr.matches("warning: ").count(), 1, "{outcome}");
    }
    machine.aldis(&["whoami", "--profile", "dev"]).run().says(&words);
    let list = machine.aldis(&["configure", "list", "--profile", "dev"]).run();
    list.says(&words);
    assert!(list.stdout.contains(": sso "), "{list}");
    assert!(!list.stderr.contains(SECRET) && !list.stderr.contains(ACCESS), "{list}");
    let creds = machine.aldis(&["creds", "--profile", "dev"]).run();
    assert_eq!((creds.code, creds.stderr.as_str()), (Some(0), ""), "what SDKs run stays silent");
    machine.write("creds-file", "[other]\naws_access_key_id = A\n");
    assert!(!machine.aldis(&["whoami", "--profile", "dev"]).run().stderr.contains("warning"));
}
