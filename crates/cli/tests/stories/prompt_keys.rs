//! The keys of the prompt: which there are, where, and what else may come from a keyboard.

use testkit::{Machine, Run, Terminal};

use crate::bad_places::Clock;
use crate::prompt::{ends_on, over_ssh};
use crate::prompt_looks::{NARROW, SSH, WIDE, line_after, moving_lines};
use crate::{decide, machine, machine_and_center, user_code};

/// A command as somebody over SSH runs it.
fn run<'a>(machine: &'a Machine, words: &[&str]) -> Run<'a> {
    let run = machine.aldis(words).with("TERM", "xterm").with("LANG", "C.UTF-8");
    run.with("SSH_CONNECTION", SSH).with("USER", "ann")
}

/// The code that is shown next.
fn code(terminal: &mut Terminal) -> String {
    terminal.wait_for("enter this code");
    let shown = terminal.wait_for("[q] QR");
    shown.lines().find_map(user_code).unwrap()
}

/// Two shapes of the moving line: longer than it takes to see that a key came alone.
fn after_a_moment(terminal: &mut Terminal) {
    terminal.wait_for("waiting for your ");
    terminal.wait_for("waiting for your ");
    terminal.wait_for("waiting for your ");
}

#[test]
fn where_the_prompt_would_be_in_a_file_nobody_is_asked_for_a_paste() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let mut shell = machine.shell(WIDE);
    shell.wait_for("$ ");
    shell.line(&format!("export TERM=xterm SSH_CONNECTION='{SSH}'"));
    shell.wait_for("$ ");
    let usual = shell.settings();
    shell.line("aldis login --flow paste 2>log; echo over=$?");
    shell.wait_for("over=252");
    let log = machine.read("log");
    assert!(log.contains("standard error") && log.contains("hint: ") && !log.contains("/authorize"), "{log}");
    shell.line("aldis login 2>log; echo over=$?");
    shell.wait_for("over=0");
    let log = machine.read("log");
    assert!(log.contains("Without a terminal (standard error is no terminal)"), "{log}");
    assert!(!log.contains("paste") && !log.contains('['), "{log}");
    assert_eq!(shell.settings(), usual);
}

#[test]
fn ctrl_c_ends_it_in_a_paste_that_never_ends() {
    let (machine, _center) = machine_and_center(&[]);
    for rest in ["http://abc", "http://abc\u{3}"] {
        let (mut terminal, _) = over_ssh(&machine, &[], &[]);
        terminal.wait_for("[c] code");
        terminal.send(&format!("\u{1b}[200~{rest}"));
        if !rest.contains('\u{3}') {
            terminal.wait_for("10 characters; Enter reads them");
            terminal.ctrl('c');
        }
        assert_eq!(terminal.wait(), 130, "{rest:?}");
    }
}

#[test]
fn a_paste_that_stalls_goes_on() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let (mut terminal, link) = over_ssh(&machine, &[], &[]);
    terminal.wait_for("[c] code");
    let address = ends_on(&link);
    let (begin, end) = address.split_at(60);
    terminal.send(&format!("\u{1b}[200~{begin}"));
    terminal.wait_for("60 characters");
    terminal.send(&format!("{end}\u{1b}[201~"));
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
    assert!(!terminal.screen().contains(end), "it is shown nowhere");
}

#[test]
fn a_wrong_key_keeps_no_other_from_its_work() {
    let (machine, _center) = machine_and_center(&[]);
    for wrong in [" ", "x", "h", "/"] {
        let (mut terminal, _) = over_ssh(&machine, &[], &[]);
        terminal.wait_for("[c] code");
        terminal.send(wrong);
        match wrong {
            "h" | "/" => drop(terminal.wait_for("1 character; Enter reads it")),
            _ => after_a_moment(&mut terminal),
        }
        terminal.send("c");
        code(&mut terminal);
        assert!(!terminal.plain().contains("1 characters"));
        terminal.ctrl('c');
        assert_eq!(terminal.wait(), 130);
    }
    // At once, as without marks a paste comes, they are text.
    let (mut terminal, _) = over_ssh(&machine, &[], &[]);
    terminal.wait_for("[c] code");
    terminal.send("xc");
    terminal.wait_for("2 characters; Enter reads them");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
    assert!(!terminal.plain().contains("enter this code"));
}

#[test]
fn in_forty_columns_the_keys_are_there_and_that_a_paste_is_taken() {
    let (machine, _center) = machine_and_center(&[]);
    let mut terminal = run(&machine, &["login"]).in_terminal(NARROW);
    terminal.wait_for("paste, [c] code [y] copy");
    terminal.send("c");
    terminal.wait_for("paste, [y] copy [q] QR");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
    let screen = terminal.screen();
    let lines = moving_lines(&screen);
    assert!(lines.iter().all(|line| line.chars().count() < 40 && line.contains("paste")), "{lines:?}");

    // A code first, as with profiles of the older kind.
    machine.write(".aws/config", &machine.read(".aws/config").replace("[sso-session dev]", "[profile old]"));
    let mut terminal = run(&machine, &["login", "--profile", "old"]).in_terminal(NARROW);
    terminal.wait_for(", [p] paste [y] copy [q] QR");
    terminal.send("p");
    terminal.wait_for("address bar here");
    terminal.wait_for("paste, [y] copy [q] QR");
    terminal.send("q");
    terminal.wait_for("█");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
}

#[test]
fn the_line_says_what_is_awaited() {
    let (machine, _center) = machine_and_center(&[]);
    let mut terminal = run(&machine, &["login"]).in_terminal(WIDE);
    terminal.wait_for("waiting for your address: paste it, ");
    terminal.send("c");
    terminal.wait_for("waiting for your approval or a paste, ");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);

    machine.write(".aws/config", &machine.read(".aws/config").replace("[sso-session dev]", "[profile old]"));
    let mut terminal = run(&machine, &["login", "--profile", "old"]).in_terminal(WIDE);
    terminal.wait_for("waiting for your approval, ");
    terminal.send("p");
    terminal.wait_for("waiting for your address: paste it, ");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
}

#[test]
fn a_code_that_has_expired_is_shown_no_more_and_can_be_had_anew() {
    let machine = machine();
    let center = machine.center(&["--device-code-minutes", "2", "--test-clock"]);
    machine.configure(center.start_url());
    let clock = Clock::of(&machine);
    let mut terminal = clock.on(run(&machine, &["login"])).in_terminal(WIDE);
    terminal.wait_for("waiting for your address: paste it, 10:00 left, [c] code");
    terminal.send("c");
    let first = code(&mut terminal);
    terminal.wait_for("waiting for your approval or a paste, 2:00 left");
    machine.aldis(&["center", "clock", "+121s"]).ok();
    clock.set(121);
    terminal.wait_for("the code has expired; the link still waits; press c for a new one");
    terminal.wait_for("waiting for your address: paste it, 7:5");
    terminal.wait_for("[c] code [y] copy");
    terminal.send("q");
    terminal.wait_for("press c first");
    assert!(!terminal.screen().contains('█'), "of a code that is dead");
    let mut other = clock.on(run(&machine, &["login"])).in_terminal(WIDE);
    other.wait_for("waiting for your address: paste it, 7:5");
    other.wait_for("[c] code");
    after_a_moment(&mut other);
    assert!(!other.plain().contains(&first), "{}", other.plain());
    other.ctrl('c');
    assert_eq!(other.wait(), 130);
    terminal.send("c");
    let second = code(&mut terminal);
    assert_ne!(first, second);
    decide(&machine, "approve", &second);
    clock.set(130);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_link_that_has_ended_takes_its_keys_with_it_and_the_code_goes_on() {
    let (machine, _center) = machine_and_center(&[]);
    let clock = Clock::of(&machine);
    let mut terminal = clock.on(run(&machine, &["login"])).in_terminal(WIDE);
    terminal.wait_for("[c] code");
    clock.set(300);
    terminal.wait_for(" 5:00 left");
    terminal.send("c");
    let code = code(&mut terminal);
    terminal.wait_for("waiting for your approval or a paste, ");
    clock.set(601);
    terminal.wait_for("the way \"open\" is closed");
    terminal.wait_for("waiting for your approval, 4:5");
    terminal.wait_for(" left, [y] copy [q] QR");
    decide(&machine, "approve", &code);
    clock.set(620);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_flow_asked_for_by_name_has_its_keys_too_and_echoes_nothing() {
    let (machine, _center) = machine_and_center(&[]);
    for command in [&["login"][..], &["sso", "login"]] {
        for (flow, keys) in [
            (&["--use-device-code"][..], "left, [y] copy [q] QR"),
            (&["--flow", "device"], "left, [y] copy [q] QR"),
            (&["--flow", "browser", "--no-browser"], "left, [y] copy"),
            (&["--flow", "paste"], "left, [y] copy"),
        ] {
            let mut terminal = run(&machine, &[command, flow].concat()).in_terminal(WIDE);
            terminal.wait_for(keys);
            terminal.send("zzz");
            terminal.send("y");
            if flow != ["--flow", "paste"] {
                after_a_moment(&mut terminal);
                terminal.send("y");
                terminal.wait_for("sent to the clipboard");
            }
            assert!(!terminal.plain().contains("zzz"), "{}", terminal.plain());
            if keys.contains("[q]") {
                terminal.send("q");
                terminal.wait_for("█");
            }
            terminal.ctrl('c');
            assert_eq!(terminal.wait(), 130);
        }
    }
}

#[test]
fn in_the_background_the_terminal_is_left_to_the_shell() {
    let (machine, _center) = machine_and_center(&[]);
    let mut shell = machine.shell(WIDE);
    shell.wait_for("$ ");
    shell.line("export TERM=xterm LANG=C.UTF-8");
    shell.wait_for("$ ");
    let usual = shell.settings();
    shell.line("aldis login --use-device-code --no-browser & sleep 0.1");
    let code = code(&mut shell);
    shell.line("echo $((6*7))");
    shell.wait_for("42");
    decide(&machine, "approve", &code);
    shell.wait_for("Signed in to dev");
    shell.line("wait; echo over=$?");
    shell.wait_for("over=0");
    shell.wait_for("$ ");
    assert_eq!(shell.settings(), usual);
    assert!(!shell.plain().contains("Stopped"), "{}", shell.plain());
}

#[test]
fn a_browser_elsewhere_is_told_how_it_reaches_this_machine() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let mut terminal = run(&machine, &["login", "--flow", "browser", "--no-browser"]).in_terminal(WIDE);
    terminal.wait_for("forward its port");
    let shown = terminal.wait_for("use a code");
    assert!(shown.contains("\nssh -N -L ") && shown.contains(" ann@192.0.2.8\n"), "{shown}");
    let link = line_after(&mut terminal, "open this page in a browser on a computer whose port ");
    terminal.wait_for("waiting for your browser, ");
    let plain = terminal.plain();
    assert!(!plain.contains("on this computer") && !plain.contains("Short address"), "{plain}");
    crate::browser_flow::browse(&link);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn the_ready_line_has_its_user_whatever_the_name_and_where_no_variable_says_it() {
    let (machine, _center) = machine_and_center(&[]);
    let own = machine.program("id", &["-un"]).ok().trim().to_owned();
    for (user, expected) in [("CORP\\ann", "'CORP\\ann@192.0.2.8'"), ("", &format!("{own}@192.0.2.8"))] {
        let mut terminal = run(&machine, &["login"]).with("USER", user).in_terminal(WIDE);
        terminal.wait_for("[f] forward");
        terminal.send("f");
        terminal.wait_for("\nssh -N -L ");
        assert_eq!(terminal.wait_for("\n").trim().rsplit_once(' ').unwrap().1, expected);
        terminal.ctrl('c');
        assert_eq!(terminal.wait(), 130);
    }
}

#[test]
fn a_published_port_may_bring_the_browser_back() {
    let (machine, _center) = machine_and_center(&[]);
    let words = ["login", "--callback-listen", "0.0.0.0"];
    let mut terminal = run(&machine, &words).in_terminal(WIDE);
    let shown = terminal.wait_for("never into a page or a chat");
    assert!(shown.contains("If its last page does not load, paste the address"), "{shown}");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
}

#[test]
fn an_address_that_comes_as_a_line_is_asked_for_as_one() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.program("mkfifo", &["answers"]).ok();
    for command in ["login", "sso login"] {
        // Open for both, so that it does not end.
        let script = format!("exec {} {command} --flow paste <>answers", machine.binary().display());
        let mut login = machine.program("sh", &["-c", &script]).start();
        let link =
            login.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()));
        std::fs::write(machine.home().join("answers"), format!("{}\n", ends_on(&link))).unwrap();
        let outcome = login.finish();
        outcome.says(&["as one line on standard input", "signs in whoever holds it", "Signed in to dev"]);
        let stderr = &outcome.stderr;
        assert!(!stderr.contains("on this computer") && !stderr.contains("paste it"), "{stderr}");
    }
}

#[test]
fn a_key_for_copies_is_there_only_where_the_terminal_takes_them() {
    let (machine, _center) = machine_and_center(&[]);
    for (term, takes) in [("xterm", true), ("linux", false), ("vt100", false), ("dumb", false)] {
        let mut terminal = run(&machine, &["login"]).with("TERM", term).in_terminal(WIDE);
        terminal.wait_for("aiting for your ");
        terminal.wait_for("]");
        terminal.ctrl('c');
        assert_eq!(terminal.wait(), 130);
        assert_eq!(terminal.plain().contains("[y] copy"), takes, "{term}");
    }
}

#[test]
fn without_marks_a_wrong_address_says_that_more_lines_may_follow() {
    let (machine, _center) = machine_and_center(&[]);
    for term in ["xterm", "dumb"] {
        let (mut terminal, _) = over_ssh(&machine, &[], &[("TERM", term)]);
        terminal.wait_for("[c] code");
        terminal.line("http://127.0.0.1:1/oauth/callback?code=nothing");
        terminal.wait_for("and more lines? Enter again reads them");
        terminal.send("\r");
        terminal.wait_for("warning: this address belongs to another sign-in");
        terminal.paste("");
        terminal.ctrl('c');
        assert_eq!(terminal.wait(), 130);
    }
}
