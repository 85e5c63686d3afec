use aws_formats::config::ProfileKind;

use super::*;

const CONFIG: &str = r#"[profile base]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Base
[profile role]
role_arn = arn:aws:iam::444455556666:role/Deploy
source_profile = base
[profile both]
role_arn = arn:aws:iam::444455556666:role/Deploy
source_profile = middle
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Own
[profile middle]
role_arn = arn:aws:iam::444455556666:role/Middle
source_profile = base
[profile loop]
role_arn = a
source_profile = loop
[profile place]
role_arn = a
credential_source = Environment
[profile alone]
role_arn = a
[profile web]
role_arn = a
web_identity_token_file = /t
[profile process]
credential_process = "/usr/local/bin/aldis" creds --profile "base"
[profile other-process]
credential_process = /bin/p
[profile keys]
aws_access_key_id = A
aws_secret_access_key = S
[profile console]
login_session = arn:aws:iam::111122223333:user/u
[profile bare]
region = r
[profile half]
sso_account_id = 111122223333
[sso-session corp]
sso_start_url = https://d-1.awsapps.com/start
sso_region = us-east-1
"#;

const CREDENTIALS: &str = "[shared]\naws_access_key_id = A\naws_secret_access_key = S\n";

fn failure(name: &str, purpose: Purpose) -> Failure {
    let config = Config::pretended(CONFIG, CREDENTIALS);
    let section = config.settings.profile(name).unwrap_or_else(|| panic!("{name}"));
    other_kind(name, ProfileKind::of(section), purpose, &config)
}

#[test]
fn each_kind_of_profile_is_described_with_its_line_and_the_command_that_helps() {
    let aws = "aws sts get-caller-identity --profile";
    let table: [(&str, &str, &str); 12] = [
        ("role", "assumes a role (role_arn: /h/.aws/config, line 6)", "aldis login --profile base"),
        ("role", "with the credentials of the profile \"base\"", aws),
        ("both", "with the credentials of the profile \"middle\"", "aldis login --profile base"),
        ("loop", "of the profile \"loop\"", aws),
        ("place", "with the credentials of Environment", aws),
        ("alone", "neither source_profile nor credential_source", aws),
        ("web", "(web_identity_token_file: /h/.aws/config, line 27)", aws),
        ("process", "(credential_process: /h/.aws/config, line 29)", "--profile base"),
        ("other-process", "from a program", aws),
        ("keys", "holds access keys (aws_access_key_id: /h/.aws/config, line 33)", aws),
        ("shared", "(aws_access_key_id: /h/.aws/credentials, line 2)", aws),
        (
            "console",
            "console sign-in of aws login (login_session: /h/.aws/config, line 36)",
            "aws login --profile console",
        ),
    ];
    for (name, words, hint) in table {
        for purpose in [Purpose::SignIn, Purpose::Credentials] {
            let failure = failure(name, purpose);
            let message = failure.error.to_string();
            assert_eq!(failure.kind.exit_code(), 253, "{name}");
            assert!(message.starts_with(&format!("the profile \"{name}\" ")), "{message}");
            assert!(message.contains(words), "{message}");
            assert!(failure.hints.iter().any(|text| text.contains(hint)), "{name}: {:?}", failure.hints);
        }
    }
    assert!(failure("half", Purpose::SignIn).error.to_string().contains("and no session for it"));
    assert!(failure("bare", Purpose::SignIn).error.to_string().contains("has no SSO settings"));
}

#[test]
fn the_role_of_its_own_sso_keys_is_named_only_if_credentials_are_wanted() {
    let with_keys = failure("both", Purpose::Credentials);
    assert!(with_keys.error.to_string().contains("another identity"), "{}", with_keys.error);
    assert!(with_keys.hints.iter().any(|hint| hint.ends_with("--account-id 111122223333 --role-name Own")));
    for other in [failure("both", Purpose::SignIn), failure("role", Purpose::Credentials)] {
        assert!(!other.error.to_string().contains("another identity"), "{}", other.error);
    }
}

#[test]
fn a_missing_profile_is_named_with_its_origin_and_the_nearest_names() {
    let config = Config::pretended("[profile prod]\n[profile dev-ReadOnly]\n", "");
    let of = |name, origin| {
        let failure = no_such_profile(NamedProfile { name, origin }, &config);
        (failure.error.to_string(), failure.hints.join("\n"))
    };
    let table = [
        ("prdo", "--profile", "(prdo) could not be found", "did you mean: --profile prod"),
        ("prdo", "AWS_PROFILE", "the name comes from AWS_PROFILE", "did you mean: export AWS_PROFILE=prod"),
        ("prdo", "AWS_PROFILE", "(prdo)", "unset AWS_PROFILE"),
        ("dev", "AWS_DEFAULT_PROFILE", "AWS_DEFAULT_PROFILE", "export AWS_DEFAULT_PROFILE=dev-ReadOnly"),
        ("prod\r", "AWS_PROFILE", "(prod\\r) could", "export AWS_PROFILE=prod\n"),
        ("\u{a0}prod", "AWS_PROFILE", "(\\u{a0}prod)", "export AWS_PROFILE=prod\n"),
        ("prod\u{200b}", "--profile", "(prod\\u{200b})", "--profile prod"),
        ("\"prod\"", "AWS_PROFILE", "(\"prod\")", "export AWS_PROFILE=prod\n"),
        ("prod ", "AWS_PROFILE", "(\"prod \")", "export AWS_PROFILE=prod\n"),
        ("zzzz\r", "AWS_PROFILE", "(zzzz\\r)", "without the marks around it: export AWS_PROFILE=zzzz"),
        (
            "zzzz",
            "--profile",
            "(zzzz)",
            "there are prod, dev-ReadOnly; see all: aldis configure list-profiles",
        ),
    ];
    for (name, origin, words, hint) in table {
        let (message, hints) = of(name, origin);
        assert!(message.contains(words), "{name:?}: {message}");
        assert!(format!("{hints}\n").contains(hint), "{name:?}: {hints}");
    }
    let session = Config::pretended("[sso-session corp]\n", "");
    let failure = no_such_session("copr\r", None, &session);
    assert!(failure.error.to_string().contains("\"copr\\r\""), "{}", failure.error);
    assert_eq!(failure.hints.last().map(String::as_str), Some("did you mean: --sso-session corp"));
}

#[test]
fn a_config_file_that_is_missing_is_named_with_its_variable() {
    let missing = |is_named_by_variable| Config {
        is_there: false,
        is_named_by_variable,
        ..Config::pretended("", "[keys]\n")
    };
    let of = |config: &Config| no_such_profile(NamedProfile { name: "prod", origin: "--profile" }, config);
    let failure = of(&missing(true));
    let message = failure.error.to_string();
    assert!(message.ends_with("there is no file /h/.aws/config, which AWS_CONFIG_FILE names"), "{message}");
    assert!(failure.hints.iter().any(|hint| hint.ends_with("unset AWS_CONFIG_FILE")), "{:?}", failure.hints);
    let failure = of(&missing(false));
    assert!(failure.error.to_string().ends_with("there is no file /h/.aws/config"), "{}", failure.error);
    assert!(failure.hints.iter().any(|hint| hint.ends_with("aldis configure sso")), "{:?}", failure.hints);
}

#[test]
fn access_keys_beside_sso_are_named_with_file_and_lines() {
    let of = |config: &str, credentials: &str| {
        let config = Config::pretended(config, credentials);
        let profiles: Vec<_> = config.settings.profiles().collect();
        keys_beside_sso(profiles.into_iter(), &config)
    };
    let sso = "sso_account_id = 111122223333\nsso_role_name = R\n";
    let keys = "aws_access_key_id = A\naws_secret_access_key = S\n";
    let one = of(&format!("[profile a]\n{sso}"), &format!("[a]\n{keys}")).unwrap();
    assert!(one.contains("of the profile \"a\" (/h/.aws/credentials, lines 2 and 3) and not"), "{one}");
    let beside = of(&format!("[profile a]\n{sso}aws_access_key_id = A\n"), "").unwrap();
    assert!(beside.contains("\"a\" (/h/.aws/config, line 4)"), "{beside}");
    let many: String = ["a", "b", "c", "d"].map(|name| format!("[profile {name}]\n{sso}{keys}")).concat();
    let many = of(&many, "").unwrap();
    assert!(many.contains("of the profiles \"a\" (") && many.contains(" and 1 more "), "{many}");
    assert!(!many.contains('\n') && !many.contains("AKIA"), "{many}");
    for (config, credentials) in [
        (format!("[profile a]\n{sso}"), format!("[b]\n{keys}")),
        // The keys are what all tools use.
        (format!("[profile a]\nregion = r\n{keys}"), String::new()),
        (format!("[profile a]\nsso_session = s\n{keys}"), String::new()),
    ] {
        assert_eq!(of(&config, &credentials), None, "{config}{credentials}");
    }
}
