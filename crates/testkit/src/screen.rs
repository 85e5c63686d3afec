//! The screen of a terminal after a program has written to it, drawn by tmux, which is a terminal emulator.

use std::fs;
use std::process::Command;

/// Draws `bytes` on an empty screen of `columns` and `rows`: its rows without the blanks at their ends, those of the bottom that
/// are empty left out.
pub fn draw(bytes: &[u8], (columns, rows): (u16, u16)) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("bytes"), bytes).expect("a file");
    // With a line of its own at the bottom, tmux would leave one row less.
    fs::write(path("conf"), "set -g status off\n").expect("a file");
    let (socket, conf) = (path("socket"), path("conf"));
    let tmux = |words: &[&str]| {
        let mut command = Command::new("tmux");
        command.args(["-u", "-S", &socket, "-f", &conf]).args(words);
        // A tmux in which the tests run is another one.
        command.env_remove("TMUX").env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color");
        let output = command.output().unwrap_or_else(|error| panic!("tmux: {error}"));
        assert!(output.status.success(), "tmux {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (columns, rows) = (columns.to_string(), rows.to_string());
    let script = format!("cat {}; tmux -S {socket} wait-for -S drawn; exec sleep 60", path("bytes"));
    tmux(&["new-session", "-d", "-x", &columns, "-y", &rows, &script]);
    tmux(&["wait-for", "drawn"]);
    let drawn = tmux(&["capture-pane", "-p"]);
    tmux(&["kill-server"]);
    let mut lines: Vec<String> = drawn.lines().map(|line| line.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn what_does_not_fit_is_gone_and_what_is_written_over_too() {
        let lines = draw("one\r\ntwo\r\n\u{1b}[1mä\u{1b}[0m234567890x\r\n\r\u{1b}[2Kend".as_bytes(), (10, 4));
        assert_eq!(lines, ["two", "ä234567890", "x", "end"]);
    }
}
