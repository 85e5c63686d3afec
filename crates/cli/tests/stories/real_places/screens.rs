//! The last screen of a sign-in that waits, in each place and in windows of two sizes, as a terminal emulator draws it. Each is
//! kept in `stories/screens/`; `cargo xtask places` writes them anew.

use std::path::PathBuf;

use super::{Story, results};

/// A usual window, and a small one.
const SIZES: [(u16, u16); 2] = [(80, 24), (40, 20)];

impl Story<'_> {
    /// Compares the screens with those that are kept, or keeps them.
    pub(super) fn keeps_its_screens(&mut self) {
        let is_refused = self.row.is("refuses");
        let is_piped = !self.row.text("command").is_empty();
        let does: Vec<(&str, &str)> = self.row.pairs("programs");
        let is_failing = does.iter().any(|(_, does)| *does == "fails");
        // It would sign in before anybody has looked.
        let own = does.iter().find(|(_, does)| *does == "starts a browser").map(|(path, _)| *path);
        let place = self.scene.place();
        if let Some(path) = own {
            place.sh(&format!("mv {path} {path}.kept; printf '#!/bin/sh\n' > {path}; chmod 755 {path}"));
        }
        for size in SIZES {
            let command = format!("rm -rf ~/.aws/sso/cache; clear; {}", self.command(""));
            let rows = self.desk.screen(&command, size, |rows| {
                let Some(last) = rows.iter().rev().find(|row| !row.is_empty()) else { return false };
                let has = |words: &str| rows.iter().any(|row| row.contains(words));
                match (is_refused, is_piped) {
                    (true, _) => last.ends_with('$'),
                    (_, true) => has("Waiting for your "),
                    _ => last.contains("] copy") && (!is_failing || has("No page was")),
                }
            });
            // A pipe ends with its readers; elsewhere Ctrl-C does what it is for.
            self.desk.ctrl_c();
            let place = self.scene.place();
            super::until("its end", || !place.try_sh("pidof aldis").status.success());
            let screen = Screen::new(&rows, size.0);
            if !is_refused && !is_piped {
                screen.is_sound(&self.entry.offers);
            }
            screen.settle(&format!("{}-{}x{}", self.row.text("name"), size.0, size.1));
        }
        if let Some(path) = own {
            self.scene.place().sh(&format!("mv {path}.kept {path}"));
        }
        self.desk.widen();
    }
}

/// A screen as lines: those that only the window broke are joined.
struct Screen {
    columns: usize,
    lines: Vec<String>,
}

impl Screen {
    fn new(rows: &[String], columns: u16) -> Self {
        let columns = usize::from(columns);
        let mut lines: Vec<String> = Vec::new();
        let mut is_broken = false;
        for row in rows {
            let is_link = |line: &String| line.starts_with("http") || line.contains(" http");
            match lines.last_mut().filter(|line| is_broken && is_link(line)) {
                Some(line) => line.push_str(row),
                None => lines.push(row.clone()),
            }
            is_broken = row.chars().count() == columns;
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        Self { columns, lines }
    }

    /// The whole link or code is there, then the keys, and nothing else comes after it.
    #[track_caller]
    fn is_sound(&self, offers: &[String]) {
        let shown = self.lines.join("\n");
        let keys = self.lines.last().unwrap_or_else(|| panic!("an empty screen"));
        assert!(keys.chars().count() < self.columns, "the keys have one row: {shown}");
        if offers.first().is_some_and(|first| first == "code") {
            return assert!(self.lines.iter().any(|line| crate::user_code(line).is_some()), "{shown}");
        }
        assert!(keys.contains("[c] code") && keys.contains("paste"), "{shown}");
        let has_failed = shown.contains("No page was opened here");
        assert!(has_failed || shown.contains("press c for a code"), "{shown}");
        let link = self.lines.iter().rposition(|line| line.contains("/authorize?"));
        let link = link.unwrap_or_else(|| panic!("no link: {shown}"));
        let challenge = self.lines[link].split("code_challenge=").nth(1).unwrap_or_default();
        assert!(self.lines[link].starts_with("http") && challenge.len() == 43, "the whole link: {shown}");
        // Only the link's short form and a browser that failed later come between them.
        let between = &self.lines[link + 1..self.lines.len() - 1];
        let is_known = |line: &String| {
            let begins = ["Short address", "http://127.0.0.1:", "No page was opened here"];
            line.is_empty() || begins.iter().any(|words| line.starts_with(words))
        };
        let failed = between.iter().position(|line| line.starts_with("No page was")).unwrap_or(between.len());
        assert!(between[..failed].iter().all(is_known), "{shown}");
    }

    /// Holds it against what is kept.
    #[track_caller]
    fn settle(&self, name: &str) {
        let rows: Vec<String> = self.lines.iter().flat_map(|line| self.rows(&steady(line))).collect();
        let now = format!("{}\n", rows.join("\n"));
        let path =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stories/screens/{name}.txt"));
        if results::is_recording() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            return std::fs::write(path, now).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == now,
            "the screen of {name} is another one\n--- kept\n{kept}--- now\n{now}If that is meant: cargo xtask places"
        );
    }

    /// A line broken where the window ends.
    fn rows(&self, line: &str) -> Vec<String> {
        let letters: Vec<char> = line.chars().collect();
        if letters.is_empty() {
            return vec![String::new()];
        }
        letters.chunks(self.columns).map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect()
    }
}

/// A line with what differs from one sign-in to the next replaced by something of the same length.
fn steady(line: &str) -> String {
    let mut line = line.to_owned();
    for name in ["client_id=", "state=", "code_challenge="] {
        if let Some((before, rest)) = line.split_once(name) {
            let length = rest.find('&').unwrap_or(rest.len());
            line = format!("{before}{name}{}{}", "x".repeat(length), &rest[length..]);
        }
    }
    for (before, port) in
        [("127.0.0.1:", "40001"), ("127.0.0.1%3A", "40002"), ("-L ", "40002"), ("port ", "40002")]
    {
        line = with_number(&line, before, port);
    }
    // A short link has nothing but letters behind the port.
    if let Some((before, path)) = line.clone().split_once(":40001/")
        && path.len() == 22
    {
        line = format!("{before}:40002/{}", "x".repeat(22));
    }
    let code = crate::user_code(&line).or_else(|| crate::user_code(line.split_once("user_code=")?.1));
    if let Some(code) = code {
        line = line.replace(&code, "BCDF-GHJK");
    }
    if line.contains("] copy") || line.contains("aiting for your ") {
        let is_frame = |c: &char| ('\u{2800}'..='\u{28ff}').contains(c) || "|/-\\".contains(*c);
        if let Some(frame) = line.chars().next().filter(is_frame) {
            let steady = if frame.is_ascii() { "|" } else { "⠋" };
            line = line.replacen(frame, steady, 1);
        }
        for seconds in 0..60 {
            line = line.replace(&format!("9:{seconds:02}"), "10:00");
        }
    }
    line
}

/// The line with each number of five digits behind these words replaced.
fn with_number(line: &str, before: &str, number: &str) -> String {
    let mut parts = line.split(before);
    let mut steady = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        steady.push_str(before);
        steady.push_str(if digits == 5 { number } else { &part[..digits] });
        steady.push_str(&part[digits..]);
    }
    steady
}
