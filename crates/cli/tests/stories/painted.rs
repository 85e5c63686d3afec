//! Text on a terminal: colors of ours come through as colors, and text from elsewhere does nothing to the terminal.

use crate::{WIZARD, machine_and_center, sign_in};

/// A terminal wide enough that no line is broken.
const SIZE: (u16, u16) = (400, 40);

/// Fails if a color's letters stand in the text without the escape character before them.
fn assert_colors_are_whole(screen: &str) {
    let mut rest = screen;
    while let Some(place) = rest.find("[1;3").or_else(|| rest.find("[0m")) {
        assert!(rest[..place].ends_with('\u{1b}'), "a color is shown as letters: {screen:?}");
        rest = &rest[place + 1..];
    }
}

#[test]
fn a_color_is_never_shown_as_letters() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let wizard =
        [&WIZARD[..], &["--region", "eu-central-1", "--output", "json", "--color", "always"]].concat();
    let commands: [(&[&str], &str); 6] = [
        (&wizard, "\u{1b}[1;36maldis whoami"),
        (&["login", "--use-device-code", "--no-browser", "--color", "always"], "\u{1b}[1;32mSigned in"),
        (&["logout", "--color", "always"], "\u{1b}[1;32mSigned out"),
        (&["creds", "--profile", "dev", "--color", "always"], "\u{1b}[1;31merror:"),
        (
            &[
                "configure",
                "sso-session",
                "--sso-session",
                "dev",
                "--sso-region",
                "us-east-1",
                "--sso-start-url",
                center.start_url(),
                "--sso-registration-scopes",
                "sso:account:access",
                "--color",
                "always",
            ],
            "\u{1b}[1;36maldis login --sso-session dev",
        ),
        (&["demo", "--approve", "--color", "always"], "\u{1b}[1;36m$ "),
    ];
    for (words, colored) in commands {
        let mut terminal = machine.aldis(words).in_terminal(SIZE);
        terminal.wait();
        let screen = terminal.screen();
        assert!(screen.contains(colored), "{words:?}: {screen:?}");
        assert_colors_are_whole(&screen);
    }
}

#[test]
fn data_on_a_terminal_is_escaped_and_in_a_pipe_it_is_exact() {
    let (machine, _center) = machine_and_center(&[]);
    sign_in(&machine);
    machine.aldis(&["creds", "--profile", "dev"]).ok();
    let is_role = |path: &str| path.starts_with(".aws/cli/cache/") && path.ends_with(".json");
    let (path, _) = machine.files().into_iter().find(|(path, _)| is_role(path)).unwrap();
    let kept = machine.read(&path);
    machine.write(&path, &kept.replace("\"SessionToken\": \"", "\"SessionToken\": \"\u{9b}2J\u{202e}"));
    let piped = machine.aldis(&["creds", "--profile", "dev"]).ok();
    assert!(piped.contains("\u{9b}2J\u{202e}"), "{piped}");
    let mut terminal = machine.aldis(&["creds", "--profile", "dev"]).in_terminal(SIZE);
    assert_eq!(terminal.wait(), 0);
    let screen = terminal.screen();
    assert!(screen.contains(r"\u009b2J\u202e") && !screen.contains(['\u{9b}', '\u{202e}']), "{screen:?}");
    machine.write(".aws/config", "[profile dev]\nregion = a\u{ad}b\u{2066}c\n");
    let words = ["configure", "get", "region", "--profile", "dev"];
    assert_eq!(machine.aldis(&words).ok(), "a\u{ad}b\u{2066}c\n");
    let mut terminal = machine.aldis(&words).in_terminal(SIZE);
    terminal.wait();
    assert!(terminal.screen().contains(r"a\u00adb\u2066c"), "{:?}", terminal.screen());
}

#[test]
fn an_error_about_a_name_from_elsewhere_holds_nothing_invisible() {
    let (machine, _center) = machine_and_center(&[]);
    let name = "x\u{9b}31m\u{202e}\u{e0041}\u{3164}y";
    for words in [
        &["whoami", "--profile", name][..],
        &["login", "--sso-session", name],
        &["configure", name],
        &["creds", "--role-name", name],
    ] {
        let outcome = machine.aldis(words).run();
        assert_ne!(outcome.code, Some(0));
        assert!(
            !outcome.stderr.contains(['\u{9b}', '\u{202e}', '\u{e0041}', '\u{3164}']),
            "{:?}",
            outcome.stderr
        );
    }
}
