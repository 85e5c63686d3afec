//! Passwords of people: made for a seed, and used on a page.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::code::ask;
use crate::machine;
use crate::signing_in::SEED;

const PASSWORD: &str = "correct horse battery staple";

/// A shell command at a terminal of its own.
struct AtTerminal {
    script: Child,
    seen: String,
}

impl AtTerminal {
    fn start(command: &str) -> Self {
        let script = Command::new("script")
            .args(["-qec", command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script, from util-linux");
        Self { script, seen: String::new() }
    }

    fn wait_for(&mut self, words: &str) {
        let out = self.script.stdout.as_mut().unwrap();
        while !self.seen.contains(words) {
            let mut byte = [0];
            assert_eq!(out.read(&mut byte).unwrap(), 1, "{words} never came: {}", self.seen);
            self.seen.push(char::from(byte[0]));
        }
    }

    fn types(&mut self, text: &str) {
        self.script.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn finish(mut self) -> String {
        self.script.stdout.as_mut().unwrap().read_to_string(&mut self.seen).unwrap();
        self.script.wait().unwrap();
        self.seen
    }
}

fn hash_password() -> String {
    format!("trap : INT HUP; {} center hash-password; echo code=$?; stty -a", env!("CARGO_BIN_EXE_aldis"))
}

#[test]
fn a_password_is_asked_for_twice_and_never_shown() {
    let mut terminal = AtTerminal::start(&hash_password());
    terminal.wait_for("Password: ");
    terminal.types("correct horse\n");
    terminal.wait_for("The same again: ");
    terminal.types("correct horse\n");
    let seen = terminal.finish();
    assert!(seen.contains("$argon2id$v=19$m=19456,t=2,p=1$") && seen.contains("code=0"), "{seen}");
    assert!(!seen.contains("horse") && seen.contains(" echo "), "{seen}");

    let mut terminal = AtTerminal::start(&hash_password());
    terminal.wait_for("Password: ");
    terminal.types("correct horse\n");
    terminal.wait_for("The same again: ");
    terminal.types("correct house\n");
    let seen = terminal.finish();
    assert!(
        seen.contains("not the same") && seen.contains("code=252") && !seen.contains("$argon2id"),
        "{seen}"
    );
}

#[test]
fn whoever_gives_up_has_their_terminal_back() {
    for (key, code) in [("\u{3}", "code=130"), ("\u{4}", "code=252")] {
        let mut terminal = AtTerminal::start(&hash_password());
        terminal.wait_for("Password: ");
        terminal.types(key);
        if key == "\u{4}" {
            terminal.wait_for("The same again: ");
            terminal.types(key);
        }
        let seen = terminal.finish();
        assert!(seen.contains(code) && seen.contains(" echo "), "{seen}");
    }
}

#[test]
fn a_person_of_a_seed_signs_in_with_what_hash_password_made() {
    let machine = machine();
    let hash = machine.aldis(&["center", "hash-password"]).input(&format!("{PASSWORD}\nmore\n")).ok();
    let seed =
        SEED.replace("name = \"dev\"", &format!("name = \"dev\"\npassword_hash = \"{}\"", hash.trim()));
    machine.write("seed.toml", &seed);
    let path = machine.home().join("seed.toml").display().to_string();
    let center = machine.center(&["--seed", &path]);
    assert!(signs_in(&center, "dev", PASSWORD) && !signs_in(&center, "dev", "wrong"));

    machine.write("seed.toml", &SEED.replace("name = \"dev\"", "name = \"dev\"\npassword = \"x\""));
    let outcome = machine.aldis(&["serve", "--memory", "--seed", &path]).run();
    outcome.fails(253, &["line 7", "plain password", "aldis center hash-password"]);
    machine.write("seed.toml", &seed.replace("m=19456", "m=999999"));
    machine.aldis(&["serve", "--memory", "--seed", &path]).run().fails(253, &["line 7", "more work"]);
    machine.aldis(&["center", "hash-password"]).input("\n").run().fails(252, &["1 to 1024 bytes", "hint:"]);
}

#[test]
fn the_built_in_person_signs_in_with_the_password_of_the_ready_line() {
    let machine = machine();
    let center = machine.center(&[]);
    let password = center.ready["people"][0]["password"].as_str().unwrap();
    assert!(signs_in(&center, "demo", password) && !signs_in(&center, "demo", "wrong"));
}

#[test]
fn s20_s43_codes_live_as_long_as_serve_was_told() {
    let machine = machine();
    for words in [
        ["--device-code-minutes", "1"],
        ["--device-code-minutes", "11"],
        ["--authorization-code-minutes", "0"],
        ["--authorization-code-minutes", "11"],
    ] {
        machine.aldis(&[&["serve", "--memory"], &words[..]].concat()).run().fails(252, &[words[0]]);
    }
    let center = machine.center(&["--device-code-minutes", "2"]);
    let client = crate::code::post(
        &center,
        "/client/register",
        &serde_json::json!({ "clientName": "n", "clientType": "public" }),
    );
    let start = serde_json::json!({
        "clientId": client["clientId"], "clientSecret": client["clientSecret"], "startUrl": center.start_url(),
    });
    let started: Value = crate::code::post(&center, "/device_authorization", &start);
    assert_eq!(started["expiresIn"], 120);
}

/// Whether name and password open the pages of a center.
fn signs_in(center: &testkit::Center, name: &str, password: &str) -> bool {
    let (head, page) = ask(center, "GET /sign-in", "");
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = rest.split('"').next().unwrap();
    let form = format!("csrf={csrf}&username={name}&password={}", password.replace(' ', "+"));
    let line = format!(
        "Cookie: {cookie}\r\nOrigin: {}\r\nContent-Type: application/x-www-form-urlencoded",
        center.url()
    );
    let (head, _) = crate::code::ask_with(center, "POST /sign-in", &line, &form);
    head.starts_with("HTTP/1.1 303")
}
