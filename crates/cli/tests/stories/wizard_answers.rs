//! Answers that the wizard takes: at a prompt a bad one is asked for again with a proposal, as an option it is an error.

use testkit::{Machine, Relay, Terminal};

use crate::{machine, seeded_center};

const CONFIG: &str = ".aws/config";
const SIZE: (u16, u16) = (100, 30);
const WORDS: [&str; 4] = ["configure", "sso", "--use-device-code", "--no-browser"];

fn center(machine: &Machine) -> testkit::Center {
    let accounts = [("100000000001".to_owned(), "Production".to_owned())];
    seeded_center(machine, &accounts, &["AdministratorAccess", "Developer"])
}

fn wizard(machine: &Machine, more: &[&str]) -> Terminal {
    let run = machine.aldis(&[&WORDS, more].concat()).with("TERM", "xterm").with("LANG", "C.UTF-8");
    run.in_terminal(SIZE)
}

#[test]
fn a_bad_answer_is_asked_for_again_where_it_was_given() {
    let machine = machine();
    let mut terminal = wizard(&machine, &[]);
    terminal.wait_for("SSO session name (Recommended): ");
    terminal.line("my corp");
    terminal.wait_for("The AWS SDKs for JavaScript, Rust and Go do not read");
    terminal.wait_for("--sso-session 'my corp'");
    terminal.wait_for("SSO session name (Recommended) [my-corp]: ");
    terminal.line("");
    terminal.wait_for("SSO start URL [None]: ");
    terminal.line("http://127.0.0.1:1/start");
    terminal.wait_for("Not a valid Start URL: the start URL http://127.0.0.1:1/start cannot be looked up");
    terminal.wait_for("SSO start URL [http://127.0.0.1:1/start]: ");
    terminal.line("http://192.0.2.1/start");
    terminal.wait_for("Not a valid Start URL");
    terminal.wait_for("SSO start URL [https://192.0.2.1/start]: ");
    terminal.line("http://d-1234567890.awsapps.com/start");
    terminal.wait_for("Using the start URL https://d-1234567890.awsapps.com/start");
    terminal.wait_for("SSO region [None]: ");
    terminal.line("useast1");
    terminal.wait_for("is not a region");
    terminal.wait_for("SSO region [us-east-1]: ");
    terminal.line("");
    terminal.wait_for("SSO registration scopes [sso:account:access]: ");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
    assert!(!machine.home().join(CONFIG).exists());
}

#[test]
fn a_url_without_scheme_the_only_session_and_a_region_are_taken_by_enter() {
    let machine = machine();
    let center = center(&machine);
    let mut terminal = wizard(&machine, &[]);
    terminal.wait_for("SSO session name (Recommended): ");
    terminal.line("corp");
    terminal.wait_for("SSO start URL [None]: ");
    terminal.line(center.start_url().strip_prefix("http://").unwrap());
    terminal.wait_for(&format!("Using the start URL {}", center.start_url()));
    terminal.wait_for("SSO registration scopes [sso:account:access]: ");
    terminal.line("");
    terminal.wait_for("> Developer");
    terminal.send("\r");
    terminal.wait_for("Default client Region [us-east-1]: ");
    terminal.line("euwest1");
    terminal.wait_for("Default client Region [eu-west-1]: ");
    terminal.line("");
    terminal.wait_for("[None]: ");
    terminal.line("");
    terminal.wait_for("Profile name [Developer-100000000001]: ");
    terminal.line("日本 本番");
    terminal.wait_for("Enter takes Ri-Ben-Ben-Fan");
    terminal.wait_for("Profile name [Ri-Ben-Ben-Fan]: ");
    terminal.line("");
    assert_eq!(terminal.wait(), 0);
    let text = machine.read(CONFIG);
    assert!(text.contains("[profile Ri-Ben-Ben-Fan]\nsso_session = corp\n"), "{text}");
    assert!(text.contains("\nregion = eu-west-1\n"), "{text}");

    let mut again = wizard(&machine, &[]);
    again.wait_for("SSO session name [corp]: ");
    again.line("");
    again.wait_for("> Developer");
    again.send("\u{1b}[A\r");
    again.wait_for("Default client Region [us-east-1]: ");
    again.line("None");
    again.wait_for("[None]: ");
    again.line("");
    again.wait_for("Profile name [AdministratorAccess-100000000001]: ");
    again.line("");
    assert_eq!(again.wait(), 0);
    let text = machine.read(CONFIG);
    let profile = text.split("[profile AdministratorAccess-100000000001]").nth(1).unwrap();
    assert!(!profile.contains("\nregion"), "{text}");
}

#[test]
fn a_bad_option_is_an_error_that_leads_to_the_answers_and_not_to_a_section() {
    let machine = machine();
    let center = center(&machine);
    let relay = Relay::before(center.port());
    relay.answer("", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let no_center = format!("{}/start", relay.url());
    let aws = "https://d-1234567890.awsapps.com/start";
    let table: [(&[&str], i32, &str); 8] = [
        (&["--sso-start-url", "nonsense"], 252, "Not a valid Start URL"),
        (&["--sso-start-url", "https://me@h.example/start"], 252, "no user name"),
        (&["--sso-start-url", "http://192.0.2.1/start"], 253, "http://192.0.2.1"),
        (&["--sso-start-url", &no_center], 253, "is not an Identity Center"),
        (&["--sso-start-url", "http://127.0.0.1:1/start"], 255, "cannot be looked up"),
        (&["--sso-start-url", aws, "--sso-region", "useast1"], 252, "did you mean: --sso-region us-east-1"),
        (
            &["--sso-start-url", aws, "--sso-region", "us-east-1a"],
            252,
            "did you mean: --sso-region us-east-1",
        ),
        (&["--region", "useast1"], 252, "did you mean: --region us-east-1"),
    ];
    for command in [&WORDS[..], &["configure", "sso-session"]] {
        for (words, code, told) in table {
            if command.len() == 2 && (words[0] == "--region" || code == 255) {
                continue;
            }
            let outcome = machine.aldis(&[command, &["--sso-session", "corp"], words].concat()).run();
            outcome.fails(code, &[told]);
            assert!(!outcome.stderr.contains("[sso-session corp]"), "{outcome}");
            assert!(!outcome.stderr.contains("EDITOR"), "{outcome}");
        }
    }
    let outcome =
        machine.aldis(&[&WORDS[..], &["--sso-session", "corp", "--sso-start-url", &no_center]].concat());
    outcome
        .run()
        .fails(253, &["correct sso_start_url in your answers: aldis configure sso --sso-session corp\n"]);
    // Without a network a session can still be written, if nothing but the network is missing.
    let words =
        ["configure", "sso-session", "--sso-session", "corp", "--sso-start-url", "http://127.0.0.1:1/start"];
    machine.aldis(&[&words[..], &["--sso-region", "xx-anywhere-9"]].concat()).ok();
    let words = ["configure", "sso-session", "--sso-session", "near", "--sso-start-url", aws];
    let near = machine.aldis(&[&words[..], &["--sso-region", "us-esat-1"]].concat()).run();
    near.says(&["warning: us-esat-1 is not a region that is known here; did you mean us-east-1?"]);
}

#[test]
fn a_name_given_as_an_option_is_written_as_given_with_a_warning() {
    let machine = machine();
    let center = center(&machine);
    for (session, profile) in [
        ("my corp", "my prod"),
        ("it's", "it's; prod"),
        ("日本", "本番"),
        ("a,b=c", "a\\b\"c"),
        ("plain", "-dash"),
    ] {
        let url = ["--sso-start-url", center.start_url(), "--role-name", "Developer"];
        let (profile_option, session_option) =
            (format!("--profile={profile}"), format!("--sso-session={session}"));
        let outcome = machine.aldis(&[&WORDS[..], &[&session_option, &profile_option], &url].concat()).run();
        outcome.says(&["aldis whoami --profile"]);
        let warnings: Vec<&str> =
            outcome.stderr.lines().filter(|line| line.starts_with("warning:")).collect();
        let expected = if session == "plain" { 1 } else { 2 };
        assert_eq!(warnings.len(), expected, "{outcome}");
        if session != "plain" {
            assert!(warnings.iter().all(|line| line.contains("JavaScript, Rust and Go")), "{outcome}");
        }
        // The AWS CLI reads back what was written.
        let read = machine.program("aws", &["configure", "get", "sso_session", &profile_option]).ok();
        assert_eq!(read, format!("{session}\n"), "{profile}");
        let listed = machine.program("aws", &["configure", "list-profiles"]).ok();
        assert!(listed.lines().any(|line| line == profile), "{listed}");
        // Nobody was asked for a region, and without one the AWS CLI asks.
        let region = machine.program("aws", &["configure", "get", "region", &profile_option]).ok();
        assert_eq!(region, "us-east-1\n", "{profile}");
        machine.aldis(&["whoami", &profile_option]).ok();
        let again = machine
            .aldis(&[&WORDS[..], &[&session_option, &profile_option, "--role-name", "Developer"]].concat());
        assert!(
            !again.run().says(&[]).stderr.contains("do not read"),
            "what is in the file already is not warned of"
        );
    }
    let text = machine.read(CONFIG);
    assert!(text.contains("services = aldis-my-corp\n"), "a generated name is portable: {text}");
}

#[test]
fn names_that_are_in_the_file_work_everywhere() {
    let machine = machine();
    let center = center(&machine);
    let names = [
        ("'my corp'", "my corp"),
        ("'it'\"'\"'s'", "it's"),
        ("a;b", "a;b"),
        ("a,b=c", "a,b=c"),
        ("a\\\\b", "a\\b"),
        ("日本", "日本"),
        ("\"quoted\"", "quoted"),
        ("-dash", "-dash"),
        ("a..b/c", "a..b/c"),
    ];
    let section = |(header, name): &(&str, &str)| {
        format!(
            "[profile {header}]\nsso_session = {name}\nsso_account_id = 100000000001\nsso_role_name = Developer\n\
             [sso-session {header}]\nsso_start_url = {}\nsso_region = us-east-1\n",
            center.start_url()
        )
    };
    machine.write(CONFIG, &names.iter().map(section).collect::<String>());
    let listed = machine.aldis(&["configure", "list-profiles"]).ok();
    assert_eq!(listed, machine.program("aws", &["configure", "list-profiles"]).ok(), "as the AWS CLI");
    for (header, name) in names {
        let (profile, session) = (format!("--profile={name}"), format!("--sso-session={name}"));
        assert!(listed.lines().any(|line| line == name), "{header}");
        let run = |words: &[&str]| machine.aldis(words).run();
        let read = machine.aldis(&["configure", "get", "sso_session", &profile]).ok();
        assert_eq!(read, format!("{name}\n"));
        assert_eq!(read, machine.program("aws", &["configure", "get", "sso_session", &profile]).ok());
        run(&["creds", &profile]).fails(255, &["hint: sign in: aldis login --profile"]);
        run(&["login", &session, "--use-device-code", "--no-browser"]).says(&["Signed in"]);
        run(&["login", &profile, "--if-needed"]).says(&[]);
        for words in
            [&["creds", &profile][..], &["whoami", &profile], &["accounts", &session], &["roles", &session]]
        {
            assert_eq!(run(words).code, Some(0), "{name} {words:?}");
        }
        assert!(machine.aldis(&["status"]).ok().contains(name));
        run(&["configure", "list", &profile]).says(&[]);
        run(&["logout", &session]).says(&[]);
        run(&["creds", &profile]).fails(255, &[]);
    }
}
