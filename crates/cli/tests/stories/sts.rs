//! `aldis sts get-caller-identity` beside Debian's `awscli`: the same bytes, the same exit codes.

use testkit::{Machine, Outcome};

use crate::machine_and_center;

/// Variables with their values; an empty one is removed.
type Variables<'a> = &'a [(&'a str, &'a str)];

/// A machine with the keys of a role in its environment, as `creds` handed them over.
fn with_keys() -> (Machine, testkit::Center) {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    let lines = machine.aldis(&["creds", "--profile", "dev", "--format", "env-no-export"]).ok();
    let pairs: Vec<(&str, &str)> = lines.lines().filter_map(|line| line.split_once('=')).collect();
    let machine = pairs.into_iter().fold(machine, |machine, (name, value)| machine.with(name, value));
    let machine = [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_PAGER", ""),
        ("LC_ALL", "C.UTF-8"),
        ("AWS_REGION", "us-east-1"),
    ]
    .into_iter()
    .fold(machine, |machine, (name, value)| machine.with(name, value));
    machine.program("aws", &["--version"]).found("aws", "awscli");
    (machine, center)
}

/// The outcomes of both programs with the same words and variables; the older AWS CLI needs the address as an option.
fn both(machine: &Machine, url: &str, words: &[&str], variables: Variables<'_>) -> [Outcome; 2] {
    let words = [&["sts", "get-caller-identity"], words].concat();
    let aws = machine.program("aws", &[&words[..], &["--endpoint-url", url]].concat());
    [machine.aldis(&words), aws].map(|mut run| {
        for (name, value) in variables {
            run = if value.is_empty() { run.without(name) } else { run.with(name, value) };
        }
        run.run()
    })
}

#[test]
fn the_identity_is_written_as_the_aws_cli_writes_it() {
    let (machine, center) = with_keys();
    let config = machine.read(".aws/config");
    machine.write(
        ".aws/config",
        &format!("{config}\n[default]\noutput = table\n[profile text]\noutput = text\n"),
    );
    let cases: [(&[&str], Variables<'_>); 10] = [
        (&["--output", "json"], &[]),
        (&["--output", "text"], &[]),
        (&["--output", "table"], &[]),
        (&["--output", "yaml"], &[]),
        (&["--output", "yaml-stream"], &[]),
        (&[], &[]),
        (&[], &[("AWS_PROFILE", "text")]),
        (&[], &[("AWS_DEFAULT_OUTPUT", "yaml")]),
        (&["--output", "json"], &[("AWS_DEFAULT_OUTPUT", "yaml"), ("AWS_PROFILE", "text")]),
        (&["--region", "eu-west-1", "--no-cli-pager", "--color", "off"], &[("AWS_DEFAULT_OUTPUT", "text")]),
    ];
    for (words, variables) in cases {
        let [own, aws] = both(&machine, center.url(), words, variables);
        assert_eq!((own.code, aws.code), (Some(0), Some(0)), "{own}\n{aws}");
        assert_eq!(own.stdout, aws.stdout, "{words:?} {variables:?}");
    }
    let by_profile = ["--profile", "dev", "--output", "text", "--region", "us-east-1"];
    let own = machine.aldis(&[&["sts", "get-caller-identity"], &by_profile[..]].concat()).ok();
    assert!(own.starts_with("111122223333\tarn:aws:sts::111122223333:assumed-role/"), "{own}");
}

#[test]
fn exit_codes_are_those_of_the_aws_cli_and_errors_are_words() {
    let (machine, center) = with_keys();
    let config = machine.read(".aws/config");
    machine.write(".aws/config", &format!("{config}\n[profile xml]\noutput = xml\n"));
    let none: &[(&str, &str)] =
        &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""), ("AWS_CONFIG_FILE", "/dev/null")];
    let cases: [(&[&str], Variables<'_>, i32); 9] = [
        (&["--output", "xml"], &[], 252),
        (&[], &[("AWS_DEFAULT_OUTPUT", "xml")], 255),
        (&[], &[("AWS_PROFILE", "xml")], 255),
        (&[], &[("AWS_REGION", "")], 253),
        (&[], none, 253),
        (&["--profile", "nobody"], &[], 255),
        (&[], &[("AWS_SECRET_ACCESS_KEY", "")], 255),
        (&[], &[("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z"), ("ALDIS_KEYS", "")], 255),
        (&[], &[("AWS_SECRET_ACCESS_KEY", "wrong")], 254),
    ];
    for (words, variables, code) in cases {
        let [own, aws] = both(&machine, center.url(), words, variables);
        assert_eq!((own.code, aws.code), (Some(code), Some(code)), "{words:?} {variables:?}\n{own}\n{aws}");
        assert!(
            own.stdout.is_empty() && own.stderr.starts_with("error: ") && own.stderr.contains("hint: "),
            "{own}"
        );
    }
    let refused = machine.aldis(&["sts", "get-caller-identity", "--query", "Account"]).run();
    refused.fails(252, &["--query is not supported here", "| jq -r .Account"]);
    machine
        .aldis(&["sts", "get-caller-identity", "--output", "json", "--profile", "nobody"])
        .run()
        .fails(255, &["error: "]);
}
