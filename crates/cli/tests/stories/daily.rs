use std::path::PathBuf;

use serde_json::Value;
use testkit::Machine;

use crate::{TOKEN, machine, machine_and_center, sign_in};

/// The credentials of the profile `dev` that a command sees, and what else it sees of AWS.
fn seen(machine: &Machine, variables: &[(&str, &str)]) -> Vec<String> {
    let run = machine.aldis(&["exec", "--profile", "dev", "--", "env"]);
    let out = variables.iter().fold(run, |run, (name, value)| run.with(name, value)).ok();
    let mut seen: Vec<_> = out.lines().filter(|line| line.starts_with("AWS_")).map(str::to_owned).collect();
    seen.sort();
    seen
}

fn role_files(machine: &Machine) -> usize {
    let is_role = |path: &str| path.starts_with(".aws/cli/cache/") && path.ends_with(".json");
    machine.files().iter().filter(|(path, _)| is_role(path)).count()
}

/// With one more profile and session in the config.
fn add_session(machine: &Machine, name: &str, start_url: &str) {
    let config = machine.read(".aws/config");
    machine.write(
        ".aws/config",
        &format!(
            "{config}\n[profile {name}]\nsso_session = {name}\nsso_account_id = 111122223333\n\
             sso_role_name = Developer\n\n[sso-session {name}]\nsso_start_url = {start_url}\n"
        ),
    );
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect(text)
}

#[test]
fn a_command_runs_with_the_credentials_and_nothing_that_leads_elsewhere() {
    let (machine, center) = machine_and_center(&[]);
    sign_in(&machine);
    let credentials = json(&machine.aldis(&["creds", "--profile", "dev"]).ok());
    let text = |key: &str| credentials[key].as_str().unwrap().to_owned();
    let expected = [
        format!("AWS_ACCESS_KEY_ID={}", text("AccessKeyId")),
        format!("AWS_CREDENTIAL_EXPIRATION={}", text("Expiration")),
        format!("AWS_ENDPOINT_URL_STS={}", center.url()),
        format!("AWS_SECRET_ACCESS_KEY={}", text("SecretAccessKey")),
        format!("AWS_SESSION_TOKEN={}", text("SessionToken")),
    ];
    let left_over = [
        ("AWS_PROFILE", "other"),
        ("AWS_DEFAULT_PROFILE", "other"),
        ("AWS_SECURITY_TOKEN", "x"),
        ("AWS_SESSION_TOKEN", "x"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/x"),
        ("AWS_ROLE_ARN", "x"),
        ("AWS_ROLE_SESSION_NAME", "x"),
    ];
    assert_eq!(seen(&machine, &left_over), expected);
    let config =
        machine.read(".aws/config").replace("[profile dev]\n", "[profile dev]\nregion = eu-north-1\n");
    machine.write(".aws/config", &config);
    let seen_regions = |variables: &[(&str, &str)]| {
        let all = seen(&machine, variables);
        all.into_iter().filter(|line| line.contains("REGION")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(seen_regions(&[]), "AWS_DEFAULT_REGION=eu-north-1 AWS_REGION=eu-north-1");
    assert_eq!(seen_regions(&[("AWS_REGION", "us-east-1")]), "AWS_REGION=us-east-1");
}

#[test]
fn signals_and_exit_code_are_the_commands() {
    let (machine, _center) = machine_and_center(&[]);
    sign_in(&machine);
    let exec = |words: &[&str]| machine.aldis(&[&["exec", "--profile", "dev", "--"], words].concat());
    assert_eq!(exec(&["sh", "-c", "exit 7"]).run().code, Some(7));
    assert_eq!(exec(&["sh", "-c", "kill -TERM $$"]).run().code, None, "a signal ended it");
    assert_eq!(exec(&["cat"]).input("passed on").ok(), "passed on");
    assert_eq!(exec(&["printf", "%s ", "--output", "json", "--profile"]).ok(), "--output json --profile ");
    let mut running = exec(&["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do :; done"]).start();
    running.wait_for("the command", |line| (line == "ready").then_some(()));
    let words = std::fs::read(format!("/proc/{}/cmdline", running.pid())).unwrap();
    assert!(words.starts_with(b"sh\0-c\0"), "the command took the place of aldis");
    running.signal("TERM");
    assert_eq!(running.finish().code, Some(9));
}

#[test]
fn a_command_that_cannot_run_is_told_as_shells_do() {
    let (machine, _center) = machine_and_center(&[]);
    sign_in(&machine);
    machine.write("plain", "no program");
    let exec =
        |word: &str| machine.aldis(&["exec", "--profile", "dev", "--", word, "--output", "json"]).run();
    exec("no-such-program").fails(127, &["error: there is no command", "no-such-program", "hint:", "sh -c"]);
    exec("./plain").fails(126, &["error:", "./plain", "hint: ", "ls -ld ./plain"]);
    exec("/").fails(126, &["error:", "hint:"]);
    machine.aldis(&["exec", "--profile", "dev"]).run().fails(252, &["COMMAND", "aldis exec --help"]);
    machine.aldis(&["exec", "env"]).run().fails(252, &["did you mean: aldis exec -- env"]);
    let (other, _other_center) = machine_and_center(&[]);
    let outcome = other.aldis(&["exec", "--profile", "dev", "--", "echo", "ran"]).run();
    assert_eq!(outcome.fails(255, &["not signed in", "hint:", "aldis login --profile dev"]).stdout, "");
}

#[test]
fn signing_out_ends_the_sign_in_and_removes_what_came_of_it() {
    for words in [
        &["logout"][..],
        &["sso", "logout"],
        &["logout", "--profile", "dev"],
        &["logout", "--sso-session", "dev"],
    ] {
        let (machine, _center) = machine_and_center(&[]);
        sign_in(&machine);
        machine.aldis(&["creds", "--profile", "dev"]).ok();
        let token = machine.read(TOKEN);
        let outcome = machine.aldis(words).run();
        outcome.says(&["Signed out of dev", TOKEN, "Removed role credentials"]);
        assert_eq!(outcome.stdout, "");
        assert!(!outcome.stderr.contains("warning"), "{outcome}");
        assert_eq!(role_files(&machine), 0);
        let kept: Vec<_> =
            machine.files().into_iter().filter(|(path, _)| path.contains("sso/cache")).collect();
        assert!(
            kept.iter().any(|(path, _)| machine.read(path).contains("clientId")),
            "the registration stays"
        );
        assert!(!machine.home().join(TOKEN).exists());
        machine.write(TOKEN, &token);
        machine.aldis(&["accounts"]).run().fails(255, &["ended elsewhere"]);
        assert!(machine.aldis(&["center", "audit"]).ok().contains("Logout"));
    }
}

#[test]
fn every_token_goes_to_its_own_center_and_no_other() {
    let (machine, first) = machine_and_center(&["--auto-approve", "demo"]);
    let second = machine.center(&["--auto-approve", "demo"]);
    add_session(&machine, "second", second.start_url());
    for session in ["dev", "second"] {
        machine.aldis(&["login", "--use-device-code", "--sso-session", session, "--no-browser"]).ok();
        machine.aldis(&["creds", "--profile", session]).ok();
    }
    let logouts = |url: &str| {
        let audit = machine.aldis(&["center", "audit", "--center", url, "--output", "json"]).ok();
        audit.lines().filter(|line| line.contains("\"Logout\"")).count()
    };
    let out = json(&machine.aldis(&["logout", "--sso-session", "second", "--output", "json"]).ok());
    assert_eq!(out["signed_out"][0]["session"], "second");
    assert_eq!(out["signed_out"][0]["ended_at_center"], true);
    assert_eq!(out["removed_role_files"].as_array().unwrap().len(), 1);
    assert_eq!((logouts(first.url()), logouts(second.url()), role_files(&machine)), (0, 1, 1));
    machine.aldis(&["accounts", "--sso-session", "dev"]).ok();

    machine.aldis(&["login", "--use-device-code", "--sso-session", "second", "--no-browser"]).ok();
    // The config has moved on since: the token still goes to the center that gave it.
    let config = machine.read(".aws/config").replace(second.start_url(), "http://127.0.0.1:9/start");
    machine.write(".aws/config", &config);
    let outcome = machine.aldis(&["logout"]).run();
    assert!(!outcome.says(&["Signed out of dev"]).stderr.contains("warning"), "{outcome}");
    assert_eq!((logouts(first.url()), logouts(second.url()), role_files(&machine)), (1, 2, 0));
    machine.aldis(&["logout"]).run().says(&["Not signed in"]);
    machine.aldis(&["logout", "--sso-session", "dev"]).run().says(&["Not signed in to dev"]);
    machine.aldis(&["logout", "--sso-session", "zz"]).run().fails(253, &["zz", "hint:"]);
    machine.aldis(&["logout", "--profile", "zz"]).run().fails(255, &["zz", "hint:"]);
}

#[test]
fn a_center_is_found_through_the_addresses_of_the_profile_that_has_the_session() {
    let machine = machine();
    let center = machine.center(&["--auto-approve", "demo"]);
    let (url, start_url) = (center.url(), center.ready["aws_start_url"].as_str().unwrap());
    machine.write(
        ".aws/config",
        &format!(
            "[profile far]\nsso_session = far\nservices = here\n\
             [sso-session far]\nsso_start_url = {start_url}\nsso_region = us-east-1\n\
             [services here]\nsso_oidc =\n  endpoint_url = {url}\nsso =\n  endpoint_url = {url}\n"
        ),
    );
    for words in [&["logout"][..], &["logout", "--sso-session", "far"], &["logout", "--profile", "far"]] {
        machine.aldis(&["login", "--use-device-code", "--profile", "far", "--no-browser"]).ok();
        let outcome = machine.aldis(words).run();
        assert!(!outcome.says(&["Signed out of far"]).stderr.contains("warning"), "{outcome}");
    }
}

#[test]
fn a_center_that_is_gone_or_refuses_keeps_no_file_here() {
    let (machine, center) = machine_and_center(&[]);
    sign_in(&machine);
    machine.aldis(&["creds", "--profile", "dev"]).ok();
    let token = machine.read(TOKEN);
    machine.aldis(&["logout"]).ok();
    machine.write(TOKEN, &token);
    machine.aldis(&["logout"]).run().says(&["warning:", "may go on", "refused Logout", "Signed out of dev"]);
    machine.write(TOKEN, &token);
    center.kill();
    machine.aldis(&["logout"]).run().says(&["warning:", "may go on", "cannot reach", "Signed out of dev"]);
    assert!(!machine.home().join(TOKEN).exists());
}

#[test]
fn what_other_tools_left_goes_and_what_is_torn_stays_and_is_named() {
    let (machine, center) = machine_and_center(&[]);
    sign_in(&machine);
    let token = machine.read(TOKEN);
    let path = |name: &str| format!(".aws/sso/cache/{name}.json");
    machine.write(&path("tool"), &token);
    machine.write(&path("nowhere"), "{\"accessToken\": \"x\"}");
    machine.write(&path("torn"), &token[..40]);
    machine.write(&path("foreign"), "{\"hello\": 1}");
    machine.write(".aws/cli/cache/torn.json", "");
    machine.write(".aws/cli/cache/other.json", "{\"ProviderType\": \"assume-role\"}");
    let files = || {
        machine
            .files()
            .into_iter()
            .filter(|(path, _)| path.starts_with(".aws/") && !path.ends_with(".pins"))
            .count()
    };
    let before = files();
    let outcome = machine.aldis(&["logout"]).run();
    outcome.says(&[
        "torn.json",
        "left as it is",
        "nowhere.json does not say its start URL",
        center.start_url(),
    ]);
    assert_eq!(files(), before - 3, "three tokens are gone: {outcome}");
    assert!(machine.aldis(&["center", "audit"]).ok().contains("Logout"));
    let out = json(&machine.aldis(&["logout", "--output", "json"]).ok());
    assert_eq!(out["left"].as_array().unwrap().len(), 2, "{out}");
}

#[test]
fn status_tells_what_lasts_until_when_and_asks_nobody() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let config = machine.read(".aws/config");
    let start_url = &center.start_url().to_owned();
    let legacy = format!("{config}\n[profile old]\nsso_start_url = {start_url}\n");
    machine.write(".aws/config", &legacy);
    let status = |clock: &str| {
        machine.write("clock", clock);
        let clock = machine.home().join("clock").display().to_string();
        let run = |words: &[&str]| machine.aldis(words).with("ALDIS_TEST_CLOCK", &clock).ok();
        let out = json(&run(&["status", "--output", "json"]));
        let states: Vec<_> = out["sessions"].as_array().unwrap().clone();
        let states: Vec<_> = states.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect();
        (states.join(" "), run(&["status"]))
    };
    let (states, text) = status("0");
    assert_eq!(states, "not_signed_in not_signed_in");
    assert!(text.contains("not signed in; sign in: aldis login --profile dev"), "{text}");
    machine.aldis(&["login", "--use-device-code", "--profile", "dev", "--no-browser"]).ok();
    machine.aldis(&["login", "--use-device-code", "--profile", "old", "--no-browser"]).ok();
    center.kill();
    let (states, text) = status("0");
    assert_eq!(states, "signed_in signed_in");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("dev ") && lines[0].contains("renewed by itself as long as"), "{text}");
    assert!(lines[0].contains("UTC"), "the zone is this machine's: {text}");
    assert!(lines[1].starts_with(start_url.as_str()) && lines[1].contains("a hard stop"), "{text}");
    let (states, text) = status("36000");
    assert_eq!(states, "renewable expired", "{text}");
    machine.write(TOKEN, "{");
    machine.write(
        ".aws/sso/cache/tool.json",
        "{\"accessToken\": \"x\", \"expiresAt\": \"2020-01-01T00:00:00Z\"}",
    );
    let (states, text) = status("0");
    assert_eq!(states, "unreadable signed_in expired", "{text}");
    assert!(text.contains("tool.json") && !text.contains("aoa"), "{text}");
    let machine = crate::machine();
    assert_eq!(machine.aldis(&["status"]).run().says(&["No session"]).stdout, "");
}

#[test]
fn profiles_and_values_are_told_as_the_aws_cli_tells_them() {
    let machine = machine();
    machine.write(
        ".aws/config",
        "[profile b]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n[profile 'two words']\n[default]\n\
         region = us-east-1\n[profile not read]\n[sso-session corp]\nsso_region = us-west-2\n\
         [services local]\nsts =\n  endpoint_url = http://127.0.0.1:1\n",
    );
    machine.write(".aws/credentials", "[b]\n[keys]\naws_access_key_id = AKIA\n");
    assert_eq!(machine.aldis(&["configure", "list-profiles"]).ok(), "b\ntwo words\ndefault\nkeys\n");
    let out = json(&machine.aldis(&["configure", "list-profiles", "--output", "json"]).ok());
    assert_eq!(out["profiles"][1], "two words");
    let get = |words: &[&str]| machine.aldis(&[&["configure", "get"], words].concat());
    for (words, value) in [
        (&["region"][..], "us-east-1"),
        (&["region", "--profile", "b"], "eu-west-1"),
        (&["s3.addressing_style", "--profile", "b"], "path"),
        (&["b.region"], "eu-west-1"),
        (&["profile.b.region"], "eu-west-1"),
        (&["default.region", "--profile", "b"], "us-east-1"),
        (&["keys.aws_access_key_id"], "AKIA"),
        (&["sso_region", "--sso-session", "corp"], "us-west-2"),
        (&["sts.endpoint_url", "--services", "local"], "http://127.0.0.1:1"),
    ] {
        assert_eq!(get(words).ok(), format!("{value}\n"), "{words:?}");
    }
    assert_eq!(get(&["region"]).with("AWS_PROFILE", "b").ok(), "eu-west-1\n");
    assert_eq!(json(&get(&["region", "--output", "json"]).ok())["value"], "us-east-1");
    for words in [&["output"][..], &["zz.region"], &["region.zz"], &["output", "--sso-session", "corp"]] {
        let outcome = get(words).run();
        assert_eq!((outcome.fails(1, &[]).stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{words:?}");
    }
    let words = "varname (s3) must reference a value, not a section or sub-section.";
    get(&["s3", "--profile", "b"]).run().fails(1, &[words, "hint:"]);
    get(&["region", "--profile", "zz"]).run().fails(255, &["The config profile (zz) could not be found"]);
    get(&["region", "--sso-session", "zz"])
        .run()
        .fails(255, &["The config sub-section (zz) could not be found"]);
    get(&[]).run().fails(252, &["VARIABLE"]);
}

#[test]
fn a_sign_in_that_is_still_good_is_not_repeated() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let clock: PathBuf = machine.home().join("clock");
    let login = |seconds: &str| {
        machine.write("clock", seconds);
        let run = machine.aldis(&["login", "--use-device-code", "--if-needed", "--no-browser"]);
        run.with("ALDIS_TEST_CLOCK", &clock.display().to_string()).run()
    };
    login("0").says(&["Signed in to dev"]);
    let first = machine.read(TOKEN);
    login("0").says(&["Still signed in to dev: the token is valid until", "UTC"]);
    assert_eq!(machine.read(TOKEN), first);
    login("3000").says(&["Still signed in to dev"]);
    assert_ne!(machine.read(TOKEN), first, "it had ten minutes left and was renewed");
    let out = machine.aldis(&["login", "--use-device-code", "--if-needed", "--output", "json"]).ok();
    assert_eq!(json(&out)["event"], "still_signed_in");
    let out = machine.aldis(&["sso", "login", "--use-device-code", "--if-needed"]).ok();
    assert!(out.starts_with("Successfully logged into Start URL: "), "{out}");
    machine.aldis(&["logout"]).ok();
    login("0").says(&["Signed in to dev"]);
}

#[test]
fn a_sign_in_that_cannot_be_renewed_is_repeated_in_its_last_quarter_of_an_hour() {
    let machine = machine();
    let center = machine.center(&["--auto-approve", "demo"]);
    machine.write(".aws/config", &format!("[default]\nsso_start_url = {}\n", center.start_url()));
    let clock = machine.home().join("clock").display().to_string();
    let login = |seconds: u32| {
        machine.write("clock", &seconds.to_string());
        let run = machine.aldis(&["login", "--use-device-code", "--if-needed", "--no-browser"]);
        run.with("ALDIS_TEST_CLOCK", &clock).run()
    };
    login(0).says(&["Signed in"]);
    login(7 * 3600).says(&["Still signed in"]);
    login(8 * 3600 - 600).says(&["Signed in"]);
}
