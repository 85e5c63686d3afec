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
    for (words, variables, starts) in [
        (&["--use-device-code"][..], &[][..], false),
        (&["--use-device-code"], &[ssh], false),
        (&["--flow", "device"], &afar, false),
        (&[], &[("DISPLAY", "localhost:10.0")], false),
        (&["--flow", "browser"], &[], true),
        (&["--flow", "browser"], &afar, true),
        (&["--flow", "browser", "--no-browser"], &[], false),
    ] {
        let run = |more: &[&str]| {
            let run = machine.aldis(&[&["login"], words, more].concat()).with("BROWSER", &browser);
            variables.iter().fold(run, |run, (name, value)| run.with(name, value))
        };
        let explained: Value = serde_json::from_str(&run(&["--explain", "--output", "json"]).ok()).unwrap();
        assert_eq!(explained["decision"]["starts_browser"], starts, "{words:?} {variables:?}");
        let sentence = if starts { "; a browser is started\n" } else { "; no browser is started\n" };
        assert!(run(&["--explain"]).ok().ends_with(sentence), "{words:?} {variables:?}");
        let mut running = run(&[]).start();
        let link = running.wait_for("a link", |line| {
            let line = line.trim();
            (line.starts_with("http") && line.contains(['?'])).then(|| line.to_owned())
        });
        if link.contains("/authorize?") {
            browse(&link);
        }
        let outcome = running.finish();
        outcome.says(&["Signed in"]);
        assert_eq!(outcome.stderr.contains("opened with"), starts, "{words:?} {variables:?} {outcome}");
    }
    let lines = std::fs::read_to_string(&opened).unwrap();
    assert!(lines.lines().all(|line| line.contains("/authorize?")), "{lines}");
}
