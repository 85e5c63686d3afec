//! Answers of the command line itself: help, versions, and `--output` where it means something else or nothing.

use serde_json::Value;

use crate::{machine, machine_and_center};

#[test]
fn the_program_alone_shows_its_help_and_fails_as_the_aws_cli_does() {
    let machine = machine();
    let outcome = machine.aldis(&[]).run();
    outcome.fails(252, &["Usage: aldis COMMAND", "login", "whoami", "aldis help COMMAND"]);
    assert_eq!(outcome.stdout, "", "a script does not take help for a result");
    assert!(!outcome.stderr.contains("error:"), "{outcome}");
    assert_eq!(machine.aldis(&["help"]).ok(), outcome.stderr);
    machine.aldis(&["--output", "json"]).run().fails(252, &["\"kind\":\"bad_arguments\""]);
}

#[test]
fn a_verbose_version_says_what_a_report_of_a_fault_needs() {
    let machine = machine();
    let short = machine.aldis(&["--version"]).ok();
    assert_eq!(short, format!("aldis {}\n", env!("CARGO_PKG_VERSION")));
    let text = machine.aldis(&["--version", "--verbose"]).ok();
    assert_eq!(machine.aldis(&["-V", "--verbose"]).ok(), text);
    assert_eq!(machine.aldis(&["--verbose", "--version"]).ok(), text);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], short.trim_end());
    let names: Vec<&str> = lines[1..].iter().map(|line| line.split_once(": ").unwrap().0).collect();
    assert_eq!(names, ["commit", "target", "linkage", "profile", "operating system"]);
    let found = machine.program("git", &["-C", env!("CARGO_MANIFEST_DIR"), "rev-parse", "HEAD"]).run();
    if found.code == Some(0) && option_env!("ALDIS_COMMIT").is_none() {
        assert_eq!(lines[1], format!("commit: {}", found.stdout.trim()));
    }
    assert!(
        lines[3].starts_with("linkage: dynamic, ") || lines[3].starts_with("linkage: static, "),
        "{text}"
    );
    assert!(lines[5].contains("Linux "), "{text}");
    let object: Value =
        serde_json::from_str(&machine.aldis(&["--version", "--verbose", "--output", "json"]).ok()).unwrap();
    assert_eq!(object["target"], lines[2].trim_start_matches("target: "));
    assert!(
        object["operating_system"].is_string() && object["version"] == env!("CARGO_PKG_VERSION"),
        "{object}"
    );
    machine.aldis(&["--version", "--verbos"]).run().fails(252, &["--verbos"]);
}

#[test]
fn output_is_json_or_an_error_or_what_the_aws_cli_makes_of_it() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let out = machine.aldis(&["sso", "login", "--use-device-code", "--no-browser", "--output", "json"]).ok();
    assert!(out.ends_with(&format!("Successfully logged into Start URL: {}\n", center.start_url())), "{out}");
    let refused = machine.aldis(&["creds", "--profile", "dev", "--format", "env", "--output", "json"]).run();
    refused.fails(252, &["--format contradict each other", "aldis creds --format process"]);
    assert_eq!(refused.stdout, "");
    let creds = machine.aldis(&["creds", "--profile", "dev", "--output", "json"]).ok();
    assert_eq!(machine.aldis(&["creds", "--profile", "dev"]).ok(), creds);
    let export = |output: &str| {
        let words =
            ["configure", "export-credentials", "--profile", "dev", "--format", "env", "--output", output];
        machine.aldis(&words).ok()
    };
    assert_eq!((export("json"), export("json").lines().count()), (export("table"), 4));
    machine
        .aldis(&["configure", "export-credentials", "--profile", "zz", "--output", "json"])
        .run()
        .fails(255, &["error: The config profile (zz) could not be found"]);
    machine.aldis(&["sso", "logout", "--output", "xml"]).run().fails(252, &["json, text, table, yaml"]);
    assert_eq!(machine.aldis(&["sso", "logout", "--output", "json"]).run().says(&["Signed out"]).stdout, "");

    let words = ["configure", "sso-session", "--sso-session", "new", "--sso-start-url", center.start_url()];
    let answers = ["--sso-region", "us-east-1", "--sso-registration-scopes", "sso:account:access"];
    let out = machine.aldis(&[&words[..], &answers, &["--output", "json"]].concat()).run();
    assert_eq!(out.says(&[]).stderr, "", "{out}");
    let object: Value = serde_json::from_str(&out.stdout).unwrap();
    assert_eq!(
        (&object["sso_session"], &object["sso_region"]),
        (&"new".into(), &"us-east-1".into()),
        "{object}"
    );
    let words = ["configure", "sso-session", "--output", "json", "--sso-session", "x"];
    machine.aldis(&words).run().fails(252, &["\"kind\":\"bad_arguments\""]);
}
