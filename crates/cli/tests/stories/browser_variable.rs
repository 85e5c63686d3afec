//! `BROWSER`, as users set it to a program that brings a link to wherever their browser is: it is started in every place but a
//! job of a CI, and the place decides which link it gets.

use crate::browser_flow::{approving, program};
use crate::prompt::{ends_on, over_ssh};
use crate::{apart_why_not, decide, machine_and_center, shown_code};

/// The lines of a file, once there are some.
fn lines(path: &std::path::Path) -> Vec<String> {
    let end = std::time::Instant::now() + testkit::PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text.lines().map(str::to_owned).collect();
        }
        assert!(std::time::Instant::now() < end, "{} stays empty", path.display());
        std::thread::yield_now();
    }
}

#[test]
fn over_ssh_the_variable_gets_the_link_that_is_on_the_screen_and_the_address_is_pasted() {
    let (machine, _center) = approving();
    let opened = machine.home().join("opened");
    let browser = program(&machine, "bin/open there", &format!("echo \"$*\" >> {}", opened.display()));
    // A list whose first is not there, a word in quotes, and a place for the link.
    let list = format!("no-such-program:'{browser}' --new-tab=%s &");
    let (mut terminal, link) = over_ssh(&machine, &[], &[("BROWSER", &list)]);
    terminal.wait_for("[c] code");
    assert_eq!(lines(&opened), [format!("--new-tab={link}")]);
    let plain = terminal.plain();
    let told = plain.find("The page was opened with ").unwrap_or_else(|| panic!("{plain}"));
    assert!(told < plain.find(&link).unwrap(), "the link comes last: {plain}");
    terminal.paste(&ends_on(&link));
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_variable_that_fails_at_once_is_told_and_survived() {
    let (machine, _center) = machine_and_center(&[]);
    let browser = program(&machine, "fails", "exit 7");
    let (mut terminal, _) = over_ssh(&machine, &[], &[("BROWSER", &browser)]);
    terminal.wait_for("No page was opened here: ");
    terminal.wait_for("fails failed (exit status: 7)");
    terminal.send("c");
    let code = shown_code(&mut terminal);
    decide(&machine, "approve", &code);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn text_browsers_relative_programs_and_those_of_the_system_are_not_started_over_ssh() {
    let (machine, _center) = machine_and_center(&[]);
    let started = machine.home().join("started");
    for name in ["lynx", "xdg-open", "wslview", "relative"] {
        program(&machine, &format!("bin/{name}"), &format!("echo $0 >> {}", started.display()));
    }
    let path = format!("{}/bin:/usr/bin:/bin", machine.home().display());
    for browser in ["lynx", "bin/relative", "./bin/relative", "$(touch started)", "no-such-program"] {
        // The other machine's display: a browser that the system starts would be shown there, slowly.
        let variables = [("BROWSER", browser), ("PATH", path.as_str()), ("DISPLAY", "localhost:10.0")];
        let (mut terminal, _) = over_ssh(&machine, &[], &variables);
        terminal.wait_for("[c] code");
        terminal.ctrl('c');
        assert_eq!(terminal.wait(), 130);
        assert!(!terminal.plain().contains("opened with"), "{browser}: {}", terminal.plain());
    }
    assert!(!started.exists(), "{:?}", std::fs::read_to_string(&started));
}

#[test]
fn what_a_policy_leaves_is_what_the_variable_gets() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, _center) = machine_and_center(&[]);
    let opened = machine.home().join("opened");
    let browser = program(&machine, "browser", &format!("echo \"$1\" >> {}", opened.display()));
    let run =
        machine.aldis(&["login"]).with("TERM", "xterm").with("LANG", "C.UTF-8").with("BROWSER", &browser);
    let run = run.with("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.8 22");
    let only_codes = "allowed_flows = [\"device\"]\n";
    let mut terminal = crate::policy::under(&machine, run, only_codes, "true").in_terminal((1000, 30));
    let code = shown_code(&mut terminal);
    let link = lines(&opened).remove(0);
    assert!(link.ends_with(&format!("/device?user_code={code}")), "{link}");
    decide(&machine, "approve", &code);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}
