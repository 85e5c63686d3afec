//! The wizard: at a real terminal, and without one.

use std::os::unix::fs::PermissionsExt as _;

use testkit::{Machine, Relay, Running, Terminal};

use crate::{TOKEN, machine, seeded_center};

const CONFIG: &str = ".aws/config";
const SIZE: (u16, u16) = (100, 30);

/// A machine, and a center with the accounts of `names` (numbered from 100000000001) and two roles in each.
fn organisation(names: &[String]) -> (Machine, testkit::Center) {
    let machine = machine();
    let ids = (1..).map(|number| format!("1000{number:08}"));
    let accounts: Vec<_> = ids.zip(names.iter().cloned()).collect();
    let center = seeded_center(&machine, &accounts, &["Admin", "ReadOnly"]);
    (machine, center)
}

fn three() -> (Machine, testkit::Center) {
    organisation(&["Production".to_owned(), "Test Berlin".to_owned(), "test Rome".to_owned()])
}

const WORDS: [&str; 4] = ["configure", "sso", "--use-device-code", "--no-browser"];

/// The wizard at a terminal of its own.
fn wizard(machine: &Machine, more: &[&str], variables: &[(&str, &str)], size: (u16, u16)) -> Terminal {
    let run = machine.aldis(&[&WORDS, more].concat()).with("TERM", "xterm").with("LANG", "C.UTF-8");
    variables.iter().fold(run, |run, (name, value)| run.with(name, value)).in_terminal(size)
}

/// Answers up to the accounts.
fn to_the_accounts(terminal: &mut Terminal, start_url: &str) {
    terminal.wait_for("SSO session name (Recommended): ");
    terminal.line("corp");
    terminal.wait_for("SSO start URL [None]: ");
    terminal.line(start_url);
    terminal.wait_for("SSO registration scopes [sso:account:access]: ");
    terminal.line("");
    terminal.wait_for("Signed in to corp");
}

#[test]
fn the_questions_are_the_aws_clis_and_so_is_what_is_written() {
    let (machine, center) = three();
    machine.write(CONFIG, "# mine\r\n[default]\r\nregion   =  eu-west-1 # here\r\n");
    let mut terminal = wizard(&machine, &[], &[], SIZE);
    terminal.wait_for("SSO session name (Recommended): ");
    terminal.line("corp");
    terminal.wait_for("SSO start URL [None]: ");
    terminal.line("nonsense");
    terminal.wait_for("Not a valid Start URL");
    terminal.wait_for("SSO start URL [None]: ");
    terminal.line(center.start_url());
    terminal.wait_for("SSO registration scopes [sso:account:access]: ");
    terminal.line("sso:account:access openid");
    terminal.wait_for("must be separated by commas");
    terminal.line("");
    terminal.wait_for("There are 3 AWS accounts available to you.");
    terminal.wait_for("> Production, a100000000001@example.com (100000000001)");
    terminal.send("test ro");
    terminal.wait_for("> test Rome");
    terminal.wait_for("1 of 3");
    terminal.send("\r");
    terminal.wait_for("Using the account ID 100000000003");
    terminal.wait_for("There are 2 roles available to you.");
    // The menu begins on the least dangerous role.
    terminal.wait_for("> ReadOnly");
    terminal.send("\r");
    terminal.wait_for("Using the role name \"ReadOnly\"");
    terminal.wait_for("Default client Region [us-east-1]: ");
    terminal.line("eu-central-1");
    terminal.wait_for("CLI default output format (json if not specified) [None]: ");
    terminal.line("");
    terminal.wait_for("Profile name [ReadOnly-100000000003]: ");
    terminal.line("rome");
    terminal.wait_for("aldis whoami --profile rome");
    assert_eq!(terminal.wait(), 0);
    let url = center.url();
    let expected = format!(
        "# mine\n[default]\nregion   =  eu-west-1 # here\n\n[profile rome]\nsso_session = corp\n\
         sso_account_id = 100000000003\nsso_role_name = ReadOnly\nregion = eu-central-1\nservices = aldis-corp\n\n\
         [services aldis-corp]\nsso_oidc =\n    endpoint_url = {url}\nsso =\n    endpoint_url = {url}\n\
         sts =\n    endpoint_url = {url}\n\n[sso-session corp]\nsso_start_url = {}\nsso_region = us-east-1\n\
         sso_registration_scopes = sso:account:access\n",
        center.start_url()
    );
    assert_eq!(machine.read(CONFIG), expected.replace('\n', "\r\n"));
    assert!(machine.aldis(&["whoami", "--profile", "rome"]).ok().contains("ReadOnly"));
    // A second time the session is there, signed in, and neither asked for.
    let mut again = wizard(&machine, &["--profile", "rome"], &[], SIZE);
    again.wait_for("SSO session name [corp]: ");
    again.line("");
    // The menus begin on what the profile has.
    again.wait_for("> test Rome");
    again.send("berlin\r");
    again.wait_for("> ReadOnly");
    again.send("\u{1b}[A\r");
    again.wait_for("Default client Region [eu-central-1]: ");
    again.line("");
    again.wait_for("[None]: ");
    again.line("json");
    assert_eq!(again.wait(), 0);
    let changed = expected
        .replace("100000000003", "100000000002")
        .replace("= ReadOnly", "= Admin")
        .replace("services = aldis-corp\n", "services = aldis-corp\noutput = json\n");
    assert_eq!(machine.read(CONFIG), changed.replace('\n', "\r\n"));
}

#[test]
fn an_empty_session_name_writes_the_old_form() {
    let (machine, center) = three();
    let mut terminal = wizard(&machine, &["--profile", "old"], &[], SIZE);
    terminal.line("");
    terminal.wait_for("Configuring using legacy format");
    terminal.wait_for("SSO start URL [None]: ");
    terminal.line(center.start_url());
    terminal.wait_for("> Production");
    terminal.send("\r");
    terminal.wait_for("> ReadOnly");
    terminal.send("\r");
    terminal.wait_for("Region [us-east-1]: ");
    terminal.line("");
    terminal.wait_for("[None]: ");
    terminal.line("");
    assert_eq!(terminal.wait(), 0);
    let start = format!(
        "[profile old]\nsso_start_url = {}\nsso_region = us-east-1\nsso_account_id = 100000000001\nsso_role_name = ReadOnly\nregion = us-east-1\n",
        center.start_url()
    );
    assert!(machine.read(CONFIG).starts_with(&start), "{}", machine.read(CONFIG));
    machine.aldis(&["whoami", "--profile", "old"]).ok();
}

#[test]
fn ctrl_c_writes_nothing_and_leaves_the_terminal_as_it_was() {
    let (machine, center) = three();
    for step in 0..4 {
        let mut shell = machine.shell(SIZE);
        shell.wait_for("$ ");
        shell.line("export TERM=xterm LANG=C.UTF-8");
        shell.wait_for("$ ");
        let before = shell.settings();
        shell.line("aldis configure sso --use-device-code --no-browser");
        shell.wait_for("(Recommended): ");
        if step > 0 {
            shell.line("corp");
            shell.wait_for("[None]: ");
            shell.line(center.start_url());
            shell.wait_for("access]: ");
        }
        if step > 1 {
            shell.line("");
            shell.wait_for("> Production");
        }
        if step > 2 {
            shell.send("\r");
            shell.wait_for("> ReadOnly");
        }
        shell.ctrl('c');
        shell.wait_for("$ ");
        shell.line("echo code=$?=");
        shell.wait_for("code=130=");
        shell.wait_for("$ ");
        assert_eq!(shell.settings(), before, "{step}");
        assert!(!machine.home().join(CONFIG).exists(), "{step}");
    }
    assert!(machine.files().iter().any(|(path, _)| path.starts_with(".aws/sso/cache/")), "the token stays");
}

#[test]
fn ctrl_c_ends_it_while_a_listing_is_under_way_and_hang_up_in_a_menu() {
    let (machine, center) = three();
    let relay = Relay::before(center.port());
    relay.hold("GET /assignment/accounts");
    let variables = [("AWS_ENDPOINT_URL_SSO", relay.url()), ("AWS_ENDPOINT_URL_SSO_OIDC", relay.url())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut terminal = wizard(&machine, &[], &variables, SIZE);
    to_the_accounts(&mut terminal, center.start_url());
    relay.wait_for_held(1);
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
    relay.release();
    let mut terminal = wizard(&machine, &[], &variables, SIZE);
    to_the_accounts(&mut terminal, center.start_url());
    terminal.wait_for("> Production");
    terminal.hang_up();
    assert_eq!(terminal.wait(), 129);
    assert!(!machine.home().join(CONFIG).exists());
}

#[test]
fn a_menu_follows_the_size_of_its_window() {
    let (machine, center) =
        organisation(&["Ein Konto mit sehr langem Namen".to_owned(), "Zürich".to_owned()]);
    let mut terminal = wizard(&machine, &[], &[], (40, 12));
    to_the_accounts(&mut terminal, center.start_url());
    terminal.wait_for("> 100000000001 Ein Konto mit sehr lang…");
    terminal.resize(100, 30);
    terminal.wait_for("> Ein Konto mit sehr langem Namen, a100000000001@example.com (100000000001)");
    terminal.ctrl('z');
    terminal.send("zür");
    terminal.wait_for("> Zürich, a100000000002@example.com (100000000002)");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
}

#[test]
fn without_utf_8_a_menu_is_ascii() {
    let (machine, center) = organisation(&["Zürich".to_owned(), "漢字".to_owned()]);
    let mut terminal = wizard(&machine, &[], &[("LANG", "C")], (40, 12));
    to_the_accounts(&mut terminal, center.start_url());
    terminal.wait_for("> 100000000001 Z?rich");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
    assert!(terminal.screen().is_ascii());
}

#[test]
fn five_thousand_accounts_are_filtered_as_they_are_typed() {
    let names: Vec<String> = (0..5000).map(|number| format!("account {number:04}")).collect();
    let (machine, center) = organisation(&names);
    let mut terminal = wizard(&machine, &[], &[], SIZE);
    to_the_accounts(&mut terminal, center.start_url());
    terminal.wait_for("There are 5000 AWS accounts available to you.");
    terminal.wait_for("> account 0000");
    terminal.send("4321,");
    terminal.wait_for("> account 4321");
    terminal.send("\r");
    terminal.wait_for("Using the account ID 100000004322");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
}

#[test]
fn a_terminal_that_moves_no_cursor_gets_numbers() {
    let names: Vec<String> =
        (0..30).map(|number| format!("{} {}", ["blue", "green", "red"][number / 10], number % 10)).collect();
    let (machine, center) = organisation(&names);
    let mut terminal =
        wizard(&machine, &["--role-name", "Admin", "--profile", "p"], &[("TERM", "dumb")], SIZE);
    to_the_accounts(&mut terminal, center.start_url());
    terminal.wait_for("Part of the name of the account (30 match): ");
    terminal.line("rome");
    terminal.wait_for("Nothing matches");
    terminal.line("green");
    terminal.wait_for("3  green 2");
    terminal.wait_for("Number of the account (1-10), or part of its name: ");
    terminal.line("99");
    terminal.wait_for("Nothing matches");
    terminal.line("3");
    terminal.wait_for("Using the account ID 100000000013");
    terminal.line("");
    terminal.line("");
    assert_eq!(terminal.wait(), 0);
    assert!(!terminal.screen().contains('\u{1b}'));
}

#[test]
fn without_a_terminal_what_is_missing_is_named_by_its_option() {
    let (machine, center) = three();
    let run = |words: &[&str]| machine.aldis(&[&WORDS, words].concat()).run();
    let url = center.start_url();
    run(&[]).fails(252, &["without a terminal", "--sso-session"]);
    run(&["--sso-session", "corp"]).fails(252, &["--sso-start-url"]);
    run(&["--sso-session", "corp", "--sso-start-url", "https://d-1234567890.awsapps.com/start"])
        .fails(252, &["--sso-region"]);
    run(&["--sso-session", " ", "--sso-start-url", url]).fails(252, &["--sso-session", "blank"]);
    let hostile = run(&["--sso-session", "corp", "--sso-start-url", "https://me:hidden@h/start"]);
    assert!(!hostile.fails(252, &["no user name"]).stderr.contains("hidden"));
    let session = ["--sso-session", "corp", "--sso-start-url", url];
    let with = |more: &[&str]| run(&[&session, more].concat());
    with(&[]).fails(252, &["--account-id", "hint: there is --account-id 100000000002 Test Berlin"]);
    with(&["--account-id", "100000000001"]).fails(252, &["--role-name"]);
    with(&["--account-id", "999999999999"])
        .fails(252, &["--account-id: the account 999999999999 is not one of your 3"]);
    with(&["--account-id", "100000000001", "--role-name", "x"])
        .fails(252, &["--role-name: x is not one", "Admin, ReadOnly"]);
    for (words, told) in [
        (["--region", "x y"], "is not a region"),
        (["--output", "pdf"], "is not an output format"),
        (["--profile", "a]b"], "--profile"),
        (["--profile", "a\nb"], "--profile"),
        (["--sso-registration-scopes", "a b"], "separated by commas"),
        (["--account-id", "1"], "twelve digits"),
    ] {
        with(&words).fails(252, &[told]);
    }
    assert!(!machine.home().join(CONFIG).exists(), "nothing was written all the while");
    assert!(machine.home().join(".aws/sso/cache").exists(), "a token stays");
    let done = with(&["--account-id", "100000000001", "--role-name", "Admin", "--output", "json"]);
    done.says(&["aldis whoami --profile Admin-100000000001"]);
    machine.aldis(&["whoami", "--profile", "Admin-100000000001"]).ok();
    // The session is there now; an answer that differs is no wish to change it.
    run(&["--sso-session", "corp", "--sso-region", "eu-west-1"])
        .fails(253, &["says us-east-1 instead", "configure sso-session"]);
}

#[test]
fn a_sign_in_that_fails_and_a_listing_that_fails_write_no_config() {
    let (machine, center) = three();
    let relay = Relay::before(center.port());
    let words =
        ["--sso-session", "corp", "--sso-start-url", center.start_url(), "--account-id", "100000000001"];
    let run = || {
        let run = machine.aldis(&[&WORDS[..], &words].concat());
        run.with("AWS_ENDPOINT_URL_SSO", &relay.url()).with("AWS_ENDPOINT_URL_SSO_OIDC", center.url())
    };
    relay.hang_up();
    run().run().fails(255, &["error:"]);
    assert!(!machine.home().join(CONFIG).exists());
    let (nobody, center) = organisation(&[]);
    let words = ["--sso-session", "corp", "--sso-start-url", center.start_url()];
    nobody.aldis(&[&WORDS[..], &words].concat()).run().fails(255, &["No AWS accounts are available to you."]);
    assert!(!nobody.home().join(CONFIG).exists());
    assert!(nobody.files().iter().any(|(path, _)| path.starts_with(".aws/sso/cache/")));
}

#[test]
fn a_config_file_that_may_not_be_written_is_found_before_anybody_is_asked() {
    let (machine, center) = three();
    machine.write(CONFIG, "[default]\n");
    machine.make_read_only(CONFIG);
    let words = ["configure", "sso-session", "--sso-session", "s", "--sso-start-url", center.start_url()];
    machine.aldis(&words).run().fails(255, &["is read-only", "chmod u+w"]);
    assert_eq!(machine.read(CONFIG), "[default]\n");
    let wizard = machine.aldis(&WORDS).run();
    wizard.fails(255, &["is read-only"]);
    assert!(!machine.home().join(TOKEN).exists());
}

#[test]
fn editors_at_once_lose_nothing_and_kills_leave_whole_files() {
    let (machine, center) = three();
    machine.write(CONFIG, "# begin\n");
    let url = center.start_url().to_owned();
    let session = |name: &str| {
        machine.aldis(&[
            "configure",
            "sso-session",
            "--sso-session",
            name,
            "--sso-start-url",
            &url,
            "--sso-region",
            "eu-west-1",
        ])
    };
    let all: Vec<Running> = (0..20).map(|number| session(&format!("s{number}")).start()).collect();
    for running in all {
        running.finish().says(&["Completed configuring SSO session"]);
    }
    let text = machine.read(CONFIG);
    for number in 0..20 {
        assert_eq!(text.matches(&format!("[sso-session s{number}]\n")).count(), 1, "{text}");
    }
    let mut kept = text;
    for number in 0..40_u64 {
        let name = format!("k{number}");
        let running = session(&name).start();
        std::thread::yield_now();
        // From before its first instruction to after its end.
        let end = std::time::Instant::now() + std::time::Duration::from_micros(number * 250);
        while std::time::Instant::now() < end {
            std::hint::spin_loop();
        }
        running.signal("KILL");
        running.finish();
        let now = machine.read(CONFIG);
        let with_it = format!(
            "{kept}\n[sso-session {name}]\nsso_start_url = {url}\nsso_region = eu-west-1\nsso_registration_scopes = sso:account:access\n"
        );
        assert!(now == kept || now == with_it, "{now}");
        kept = now;
    }
}

#[test]
fn what_other_tools_would_take_instead_is_warned_of() {
    let (machine, center) = three();
    machine.write(CONFIG, "[profile mixed]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = base\n");
    let words = ["--sso-session", "corp", "--sso-start-url", center.start_url(), "--profile", "mixed"];
    let answers = ["--account-id", "100000000001", "--role-name", "Admin"];
    let outcome = machine.aldis(&[&WORDS[..], &words, &answers].concat()).run();
    outcome.says(&["warning: the profile mixed has role_arn, too"]);
}

#[test]
fn a_folder_that_takes_no_new_file_is_found_before_unless_the_file_itself_can_be_written() {
    let (machine, center) = three();
    machine.write(".aws/other", "");
    let words = ["configure", "sso-session", "--sso-session", "s", "--sso-start-url", center.start_url()];
    machine.give_to_somebody();
    let folder = machine.home().join(".aws");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = machine.aldis(&words).as_somebody().run();
    outcome.fails(255, &["config cannot be written", "hint: see who may write there"]);
    machine.write(CONFIG, "[default]\n");
    machine.give_to_somebody();
    let without_state = machine.aldis(&words).with("XDG_STATE_HOME", "/proc/none").as_somebody().run();
    without_state.fails(255, &["config cannot be written", "hint: see who may write there"]);
    assert_eq!(machine.read(CONFIG), "[default]\n");
    machine.aldis(&words).as_somebody().run().says(&["Completed configuring SSO session"]);
    assert!(machine.read(CONFIG).contains("[sso-session s]"));
    let copies = machine.files().into_iter().filter(|(path, _)| path.contains("in-place/")).count();
    assert_eq!(copies, 0, "the copies are gone");
}
