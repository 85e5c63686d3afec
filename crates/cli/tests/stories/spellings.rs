//! The AWS CLI's spellings: programs that wrap them read link and code on standard output, so nothing else is there but the line
//! that ends a sign-in; all other words are on standard error.

use testkit::{Center, Machine, Terminal};

use crate::browser_flow::{browse, program};
use crate::prompt::ends_on;
use crate::{decide, machine_and_center, user_code};

const SIZE: (u16, u16) = (1000, 40);
/// Words of the prompts.
const WORDS: [&str; 4] = ["To sign in to", "open this page", "enter this code", "Signed in to"];

/// What standard output holds: so many links, codes, and the line of the AWS CLI at the end. Anything else is a failure.
#[track_caller]
fn data(stdout: &str, center: &Center) -> (Vec<String>, Vec<String>) {
    let end = format!("Successfully logged into Start URL: {}\n", center.start_url());
    let offers = stdout.strip_suffix(&end).unwrap_or_else(|| panic!("no end: {stdout:?}"));
    let is_link = |line: &&str| line.starts_with(center.url()) && !line.contains(' ');
    let (links, others): (Vec<&str>, Vec<&str>) = offers.lines().partition(is_link);
    let codes: Vec<String> = others.iter().filter_map(|line| user_code(line)).collect();
    assert_eq!(others, codes, "words on standard output: {stdout:?}");
    (links.into_iter().map(str::to_owned).collect(), codes)
}

/// A shell over SSH, or with a browser of its own, in which standard output of what runs goes to the file `out`.
fn shell(machine: &Machine, variables: &str) -> Terminal {
    let mut shell = machine.shell(SIZE);
    shell.wait_for("$ ");
    shell.line(&format!("export TERM=xterm LANG=C.UTF-8 {variables}"));
    shell.wait_for("$ ");
    shell
}

/// Waits until the file `out` has so many lines.
fn lines(machine: &Machine, count: usize) -> Vec<String> {
    let end = std::time::Instant::now() + testkit::PATIENCE;
    loop {
        let text = std::fs::read_to_string(machine.home().join("out")).unwrap_or_default();
        if text.matches('\n').count() >= count {
            return text.lines().map(str::to_owned).collect();
        }
        assert!(std::time::Instant::now() < end, "{text}");
        std::thread::yield_now();
    }
}

#[test]
fn without_a_terminal_link_and_code_are_data_and_the_rest_is_words() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let words = ["sso", "login", "--sso-session", "dev", "--no-browser"];
    let outcome = machine.aldis(&[&words, &["--use-device-code"][..]].concat()).run();
    outcome.says(&["To sign in to dev", "enter this code", "has the code filled in"]);
    assert!(!outcome.stderr.contains("was asked for"), "whoever asked knows why: {outcome}");
    let (links, codes) = data(&outcome.stdout, &center);
    assert_eq!((links.len(), codes.len()), (2, 1), "{outcome}");
    assert_eq!(links[1], format!("{}/device?user_code={}", center.url(), codes[0]));
    assert!(!outcome.stderr.contains(&codes[0]) && !outcome.stderr.contains(&links[0]), "once: {outcome}");
    outcome
        .says(&["on any device:\n\n(on standard output)\n\n", "enter this code:\n\n(on its next line)\n\n"]);
    assert_eq!(outcome.stderr.matches("(on standard output)").count(), 1, "it is said once: {outcome}");

    let mut login = machine.aldis(&[&words, &["--flow", "browser"][..]].concat()).start();
    let link = login.wait_for("a link", |line| line.contains("/authorize?").then(|| line.to_owned()));
    assert_eq!(browse(&link).status, 200);
    let outcome = login.finish();
    outcome.says(&["To sign in to dev", "use a code", "--use-device-code", "Signed in to dev"]);
    assert_eq!(data(&outcome.stdout, &center), (vec![link], vec![]));

    let session = ["--sso-session", "corp", "--sso-start-url", center.start_url()];
    let role = ["--account-id", "111122223333", "--role-name", "ReadOnly", "--profile", "corp"];
    let words = ["configure", "sso", "--no-browser", "--use-device-code"];
    let outcome = machine.aldis(&[&words[..], &session, &role].concat()).run();
    outcome.says(&["To sign in to corp", "Signed in to corp", "Using the account ID", "aldis whoami"]);
    let (links, codes) = data(&outcome.stdout, &center);
    assert_eq!((links.len(), codes.len()), (2, 1), "{outcome}");

    // The config file does not know the session yet, so it is this command that is proposed.
    let words = ["configure", "sso", "--flow", "browser", "--no-browser"];
    let session = ["--sso-session", "other", "--sso-start-url", center.start_url()];
    let mut wizard = machine.aldis(&[&words[..], &session, &role].concat()).start();
    let typed = ["aldis configure sso", &[&session[..], &role].concat().join(" ")].join(" ");
    wizard.wait_for("the command with a code", |line| {
        (line == format!("{typed} --use-device-code")).then_some(())
    });
    wizard.signal("INT");
    wizard.finish();
}

#[test]
fn at_a_terminal_warnings_and_ready_lines_are_words_too() {
    let (machine, center) = machine_and_center(&[]);
    let mut shell =
        shell(&machine, "SSH_CONNECTION='192.0.2.7 50000 192.0.2.8 22' SSH_TTY=/dev/pts/9 USER=ann");
    shell.line("aldis sso login --sso-session dev >out");
    for words in ["the browser is on another machine", "open this page in any browser", "never into a page"] {
        shell.wait_for(words);
    }
    shell.wait_for("waiting for your address");
    shell.send("f");
    shell.wait_for("ssh -N -L ");
    shell.wait_for("waiting for your address");
    shell.send("c");
    shell.wait_for("enter this code");
    shell.wait_for("waiting for your approval");
    let shown = lines(&machine, 4);
    decide(&machine, "approve", &shown[2]);
    shell.wait_for("Signed in to dev");
    shell.wait_for("$ ");
    let (links, codes) = data(&machine.read("out"), &center);
    assert_eq!((links.len(), codes), (3, vec![shown[2].clone()]));
    assert!(links[0].contains("/authorize?") && links[1].ends_with("/device"), "{links:?}");
    assert!(!shell.plain().contains(&shown[0]), "the link is data only");
}

#[test]
fn beside_a_browser_and_in_the_wizard_it_is_the_same() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    // An editor's helper opens the browser where the person is, whatever machine the tests run on.
    program(&machine, "helpers/browser.sh", "exit 0");
    machine.write("hook", "");
    let mut shell =
        shell(&machine, "VSCODE_IPC_HOOK_CLI=\"$HOME/hook\" BROWSER=\"$HOME/helpers/browser.sh\"");
    shell.line("aldis sso login --sso-session dev >out");
    shell.wait_for("open this page in a browser on this computer");
    shell.wait_for("never into a page");
    shell.wait_for("waiting for your browser");
    let link = lines(&machine, 1).remove(0);
    shell.paste(&ends_on(&link));
    shell.wait_for("Signed in to dev");
    shell.wait_for("$ ");
    assert_eq!(data(&machine.read("out"), &center), (vec![link], vec![]));

    let start_url = center.start_url();
    shell.line(&format!(
        "aldis configure sso --sso-session corp --sso-start-url {start_url} --sso-registration-scopes \
         sso:account:access --flow paste --account-id 111122223333 --role-name ReadOnly --region us-east-1 \
         --output json --profile corp >out"
    ));
    shell.wait_for("open this page in any browser");
    shell.wait_for("waiting for your address");
    let link = lines(&machine, 1).remove(0);
    shell.paste(&ends_on(&link));
    shell.wait_for("aldis whoami --profile corp");
    shell.wait_for("$ ");
    assert_eq!(data(&machine.read("out"), &center), (vec![link], vec![]));
}

#[test]
fn on_one_terminal_words_and_data_come_in_their_order() {
    let (machine, _center) = machine_and_center(&[]);
    let shown = |words: &[&str]| {
        let run = machine.aldis(words).with("TERM", "xterm").with("LANG", "C.UTF-8");
        let mut terminal = run.in_terminal(SIZE);
        let shown = terminal.wait_for("waiting for your approval");
        let code = shown.lines().find_map(user_code).unwrap();
        decide(&machine, "approve", &code);
        assert_eq!(terminal.wait(), 0);
        shown.replace(&code, "CODE")
    };
    let own = shown(&["login", "--use-device-code", "--no-browser"]);
    let aws = shown(&["sso", "login", "--use-device-code", "--no-browser"]);
    assert!(WORDS[..3].iter().all(|words| own.contains(words)), "{own}");
    assert_eq!(aws, own);
}
