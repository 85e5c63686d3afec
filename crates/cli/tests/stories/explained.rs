//! `aldis login --explain`: it says what a sign-in does, and a sign-in does what it says.

use serde_json::Value;

use crate::browser_flow::{approving, browse, program};

#[test]
fn the_explanation_says_whether_a_browser_is_started_and_it_is_so() {
    let (machine, _center) = approving();
    let opened = machine.home().join("opened");
    let browser = program(&machine, "browser", &format!("echo \"$1\" >> {}", opened.display()));
    let ssh = ("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.8 22");
    let afar = [("DISPLAY", "localhost:10.0"), ssh];
    let job = [("CI", "true"), ("GITHUB_ACTIONS", "true")];
    let mut links = Vec::new();
    for (words, variables, starts) in [
        (&["--use-device-code"][..], &[][..], true),
        (&["--use-device-code"], &[ssh], true),
        (&["--flow", "device"], &afar, true),
        (&[], &[("DISPLAY", "localhost:10.0")], true),
        (&[], &[ssh], true),
        (&[], &[("container", "podman")], true),
        (&["--output", "json"], &[ssh], true),
        (&["--flow", "browser"], &[], true),
        (&["--flow", "browser"], &afar, true),
        (&["--flow", "browser", "--no-browser"], &[], false),
        (&["--no-browser"], &[ssh], false),
        (&["--flow", "device"], &job, false),
    ] {
        let run = |more: &[&str]| {
            let run = machine.aldis(&[&["login"], words, more].concat()).with("BROWSER", &browser);
            variables.iter().fold(run, |run, (name, value)| run.with(name, value))
        };
        let is_json = words.contains(&"json");
        let json = if is_json { &["--explain"][..] } else { &["--explain", "--output", "json"] };
        let explained: Value = serde_json::from_str(&run(json).ok()).unwrap();
        let decision = &explained["decision"];
        assert_eq!(decision["starts_browser"], starts, "{words:?} {variables:?}");
        if !is_json {
            let sentence = if starts { "; a browser is started\n" } else { "; no browser is started\n" };
            assert!(run(&["--explain"]).ok().ends_with(sentence), "{words:?} {variables:?}");
        }
        let mut running = run(&[]).start();
        let link = running.wait_for("a link", |line| {
            let mut words = line.trim().split('"');
            words.find(|word| word.starts_with("http") && word.contains('?')).map(str::to_owned)
        });
        let is_code = !link.contains("/authorize?");
        assert_eq!(decision["offers"][0]["way"] == "code", is_code, "{words:?} {variables:?} {link}");
        if !is_code {
            browse(&link);
        }
        let outcome = running.finish();
        outcome.says(&[]);
        assert_eq!(outcome.stderr.contains("opened with"), starts, "{words:?} {variables:?} {outcome}");
        links.extend(starts.then_some(link));
    }
    // The browser of a sign-in that has ended may still be on its way.
    let end = std::time::Instant::now() + testkit::PATIENCE;
    let mut lines = Vec::new();
    while lines.len() < links.len() && std::time::Instant::now() < end {
        let text = std::fs::read_to_string(&opened).unwrap_or_default();
        lines = text.lines().map(str::to_owned).collect();
    }
    lines.sort();
    links.sort();
    assert_eq!(lines, links, "it gets the link of the way that is offered");
}

#[test]
fn nothing_has_to_be_configured_for_an_explanation() {
    let machine = crate::machine();
    let two = "[sso-session a]\nsso_start_url = https://a.awsapps.com/start\nsso_region = us-east-1\n\
               [sso-session b]\nsso_start_url = https://b.awsapps.com/start\nsso_region = us-east-1\n";
    let bad = "[sso-session a]\nsso_region = us-east-1\n";
    for (config, wrong) in [
        (None, "there is no file "),
        (Some(two), "there are several sso-sessions"),
        (Some(bad), "sso_start_url (in [sso-session a]"),
        (Some("[sso-session a\n"), "line 1"),
    ] {
        config.into_iter().for_each(|config| machine.write(".aws/config", config));
        for words in [&["login", "--explain"][..], &["sso", "login", "--explain"]] {
            let outcome = machine.aldis(words).run();
            outcome.says(&["warning: no session is known, so this is without its settings: ", wrong]);
            assert!(
                outcome.stdout.contains("What was seen here") && outcome.stdout.contains("What is offered")
            );
        }
        let outcome = machine.aldis(&["login", "--explain", "--output", "json"]).run();
        outcome.says(&["{\"event\":\"warning\"", wrong]);
        let explained: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(explained["event"], "explanation");
        // One who sets up a profile may have none.
        let explained = machine.aldis(&["configure", "sso", "--explain", "--flow", "paste"]).ok();
        assert!(explained.contains("the flow paste was asked for; no browser is started"), "{explained}");
    }
}

#[test]
fn flow_auto_undoes_what_the_config_file_fixed() {
    let (machine, _center) = approving();
    let config = machine.read(".aws/config");
    machine
        .write(".aws/config", &config.replace("sso_start_url", "sso_use_device_code = true\nsso_start_url"));
    let reason = |words: &[&str]| {
        let run = machine.aldis(&[&["login", "--explain", "--output", "json"], words].concat());
        let explained: Value = serde_json::from_str(&run.ok()).unwrap();
        explained["decision"]["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason(&[]), "sso_use_device_code is true");
    assert!(reason(&["--flow", "auto"]).contains("a code can be approved in any browser"));
    assert_eq!(reason(&["--flow", "paste"]), "the flow paste was asked for");
}

/// Resets a terminal, and rings.
const WILD: &str = "\u{1b}cowned\u{7}";

#[test]
fn names_from_variables_options_and_files_do_nothing_to_the_terminal() {
    let (machine, _center) = approving();
    let config = machine.read(".aws/config");
    machine.write(
        ".aws/config",
        &format!("{config}[profile wild]\nsso_session = {WILD}\n[profile \"x{WILD}\"]\nsso_session = dev\n"),
    );
    let wild = |words: &[&str]| {
        let run = machine.aldis(words);
        ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "TERM", "AWS_EXECUTION_ENV"]
            .iter()
            .fold(run, |run, name| run.with(name, WILD))
    };
    let unknown = format!("no{WILD}");
    let known = format!("x{WILD}");
    // What is to be typed can be pasted all the same.
    let typed = "aldis accounts --profile $'x\\x1bcowned\\x07'";
    machine.aldis(&["whoami", "--profile", &known]).run().fails(253, &[typed]);
    for words in [
        &["login", "--explain"][..],
        &["login", "--profile", &unknown],
        &["login", "--sso-session", &unknown],
        &["login", "--profile", "wild"],
        &["login", "--explain", "--profile", "wild"],
        &["login", "--profile", &known, "--use-device-code"],
        &["logout", "--profile", &unknown],
        &["whoami", "--profile", &known],
        &["status", "--profile", "wild"],
    ] {
        let mut terminal = wild(words).with("COLORTERM", "no").in_terminal((1000, 30));
        terminal.wait();
        let screen = terminal.screen();
        assert!(!screen.contains("\u{1b}cowned"), "{words:?}: {screen:?}");
        assert!(screen.len() > 20, "{words:?}: {screen:?}");
    }
}
