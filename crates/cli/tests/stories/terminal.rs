//! A sign-in at a real terminal: Ctrl-Z and back, Ctrl-C, the window that is closed, and who gets the keys afterwards.

use std::net::TcpStream;

use testkit::{Machine, Terminal};

use crate::browser_flow::browse;
use crate::machine_and_center;

/// Wide enough for the link on one line.
const SIZE: (u16, u16) = (1000, 30);

/// A shell that runs `aldis login`, the link that it shows, and where it listens.
fn signing_in(machine: &Machine, words: &str) -> (Terminal, String, String) {
    let mut shell = machine.shell(SIZE);
    shell.wait_for("$ ");
    shell.line(&format!("aldis login --flow browser {words}"));
    let link = link(&mut shell);
    let port = link.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap().to_owned();
    (shell, link, format!("127.0.0.1:{port}"))
}

fn link(shell: &mut Terminal) -> String {
    shell.wait_for("open this page in ");
    shell.wait_for("\n\n");
    shell.wait_for("\n").trim().to_owned()
}

fn closed(host: &str) -> bool {
    TcpStream::connect(host).is_err()
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_draws_the_prompt_again() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let mut shell = machine.shell(SIZE);
    shell.wait_for("$ ");
    let before = shell.settings();
    shell.line("aldis login --flow browser --no-browser");
    let first = link(&mut shell);
    shell.wait_for("waiting for your browser");
    shell.ctrl('z');
    shell.wait_for("Stopped");
    shell.wait_for("$ ");
    assert_eq!(shell.settings(), before);
    // The shell hears what is typed, and nothing is drawn over it.
    shell.line("echo mi''ne");
    shell.wait_for("\nmine\n$ ");
    shell.line("fg");
    let again = link(&mut shell);
    assert_eq!(again, first, "the same question, drawn anew");
    shell.wait_for("waiting for your browser");
    assert_eq!(browse(&again).status, 200);
    shell.wait_for("Signed in to dev");
    shell.wait_for("$ ");
    assert_eq!(shell.settings(), before);
}

#[test]
fn a_key_that_is_typed_after_the_end_belongs_to_the_shell() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let (mut shell, link, host) = signing_in(&machine, "--no-browser");
    assert_eq!(browse(&link).status, 200);
    shell.wait_for("Signed in to dev");
    shell.wait_for("$ ");
    shell.line("echo code=$?; read -r -n 1 key; echo \"=$key=\"");
    shell.wait_for("code=0\n");
    shell.send("k");
    shell.wait_for("=k=");
    assert!(closed(&host));
}

#[test]
fn ctrl_c_leaves_the_terminal_as_it_was() {
    let (machine, _center) = machine_and_center(&[]);
    for words in ["--no-browser --flow browser", "--no-browser --use-device-code", "--no-browser"] {
        let mut shell = machine.shell(SIZE);
        shell.wait_for("$ ");
        let before = shell.settings();
        shell.line(&format!("aldis login {words}"));
        shell.wait_for("waiting for your");
        shell.ctrl('c');
        shell.wait_for("$ ");
        shell.line("echo code=$?=");
        shell.wait_for("code=130=");
        shell.wait_for("$ ");
        assert_eq!(shell.settings(), before);
    }
}

#[test]
fn a_window_that_is_closed_ends_it() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let mut login = machine
        .aldis(&["login", "--flow", "browser", "--no-browser"])
        .with("TERM", "xterm")
        .in_terminal(SIZE);
    let link = link(&mut login);
    let port = link.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap();
    login.hang_up();
    assert_eq!(login.wait(), 129);
    assert!(closed(&format!("127.0.0.1:{port}")));
}

#[test]
fn a_terminal_that_moves_no_cursor_gets_plain_lines() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    for (name, value, colored) in [("TERM", "dumb", false), ("NO_COLOR", "1", false), ("LANG", "C", true)] {
        let run = machine
            .aldis(&["login", "--flow", "browser", "--no-browser"])
            .with("TERM", "xterm")
            .with(name, value);
        let mut login = run.in_terminal(SIZE);
        assert_eq!(browse(&link(&mut login)).status, 200);
        assert_eq!(login.wait(), 0);
        assert_eq!(login.screen().contains("\u{1b}[1;"), colored, "{name}");
    }
}
