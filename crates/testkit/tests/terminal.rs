//! The terminal of the tests is one: the kernel's line discipline and bash's job control work in it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use testkit::{Machine, Terminal};

const SIZE: (u16, u16) = (80, 24);

fn shell() -> (Machine, Terminal) {
    let machine = Machine::new("/bin/true");
    let mut shell = machine.shell(SIZE);
    shell.wait_for("$ ");
    (machine, shell)
}

/// Starts a program in front, and waits until it is: what is typed before still goes to the shell's line editor.
fn begin(shell: &mut Terminal, program: &str) {
    shell.line(&format!("sh -c 'echo re\\ady; exec {program}'"));
    shell.wait_for("\nready\n");
}

/// The exit code of the last command, as the shell has it.
fn last_code(shell: &mut Terminal) -> String {
    shell.line("echo \"code=$?=\"");
    shell.wait_for("\ncode=");
    shell.wait_for("=").trim_end_matches('=').to_owned()
}

#[test]
fn ctrl_c_ends_what_is_in_front_and_not_the_shell() {
    let (_machine, mut shell) = shell();
    begin(&mut shell, "cat");
    shell.line("echoed");
    shell.wait_for("echoed\nechoed\n");
    shell.ctrl('c');
    shell.wait_for("$ ");
    assert_eq!(last_code(&mut shell), "130");
    shell.line("exit 7");
    assert_eq!(shell.wait(), 7);
}

#[test]
fn ctrl_z_and_fg() {
    let (_machine, mut shell) = shell();
    let before = shell.settings();
    // It says when it goes on: before that, what is typed may still go to the shell's line editor. It reads for a moment only:
    // stopped just before it reads, it would speak only after the next line.
    let script = "trap \"echo ba\\ck\" CONT; \
                  while read -t 0.2 word && echo \"got $word\" || [ $? -gt 128 ]; do :; done";
    begin(&mut shell, &format!("bash -c \"$1\"' sh '{script}"));
    shell.line("one");
    shell.wait_for("got one\n");
    shell.ctrl('z');
    shell.wait_for("Stopped");
    shell.wait_for("$ ");
    assert_eq!(last_code(&mut shell), "148");
    shell.line("fg");
    shell.wait_for("\nback\n");
    shell.line("two");
    shell.wait_for("got two\n");
    shell.ctrl('d');
    shell.wait_for("$ ");
    assert_eq!(last_code(&mut shell), "0");
    shell.wait_for("$ ");
    assert_eq!(shell.settings(), before);
}

#[test]
fn settings_that_a_program_leaves_are_seen() {
    let (_machine, mut shell) = shell();
    // The shell itself reads key by key; only between its programs is the line as they leave it.
    shell.line("sh -c 'stty -echo; echo re''ady; cat'");
    shell.wait_for("ready");
    assert!(shell.settings().contains(" -echo "), "{}", shell.settings());
}

#[test]
fn a_key_typed_after_the_end_belongs_to_the_shell() {
    let (_machine, mut shell) = shell();
    begin(&mut shell, "head -n 1");
    shell.line("first");
    shell.wait_for("first\nfirst\n");
    shell.line("echo mine");
    shell.wait_for("\nmine\n");
}

#[test]
fn a_program_of_its_own_knows_its_terminal_and_its_size() {
    let machine = Machine::new("/bin/sh");
    let script =
        "trap 'stty size' WINCH; stty size; tty; while read line; do echo \"got $line\"; done; exit 3";
    let mut terminal = machine.aldis(&["-c", script]).in_terminal(SIZE);
    terminal.wait_for("24 80\n/dev/pts/");
    terminal.resize(132, 43);
    terminal.line("x");
    terminal.wait_for("43 132");
    terminal.ctrl('d');
    assert_eq!(terminal.wait(), 3);
}

#[test]
fn ctrl_c_and_hang_up_are_signals() {
    let machine = Machine::new("/bin/sh");
    for (name, number) in [("INT", 130), ("HUP", 129)] {
        let script = format!("trap 'exit {number}' {name}; echo ready; cat; sleep 60");
        let mut terminal = machine.aldis(&["-c", &script]).in_terminal(SIZE);
        terminal.wait_for("ready\n");
        terminal.line("cat runs");
        terminal.wait_for("cat runs\ncat runs\n");
        if name == "INT" {
            terminal.ctrl('c')
        } else {
            terminal.hang_up()
        }
        assert_eq!(terminal.wait(), number);
    }
    let mut terminal = Machine::new("/bin/cat").aldis(&[]).in_terminal(SIZE);
    terminal.line("a");
    terminal.wait_for("a\na\n");
    terminal.hang_up();
    assert_eq!(terminal.wait(), 129, "ended by the signal itself");
}

#[test]
fn nothing_is_left_of_a_terminal() {
    let (machine, mut shell) = shell();
    shell.line("sh -c 'trap \"\" HUP; sleep 300' & echo pid=$!=");
    shell.wait_for("\npid=");
    let pid = shell.wait_for("=").trim_end_matches('=').to_owned();
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(!state().is_empty());
    drop((shell, machine));
    let state = state();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}
