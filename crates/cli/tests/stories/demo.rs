use serde_json::Value;
use testkit::{Machine, Run, Running};

use crate::machine;

/// A demonstration that waits for the person.
fn begin(run: Run<'_>) -> Running {
    let mut demo = run.start();
    demo.wait_for("what to type", |line| line.contains("say Approve").then_some(()));
    demo
}

fn nothing_is_left(machine: &Machine) {
    assert_eq!(machine.files(), [], "nothing is left behind");
    assert_eq!(std::fs::read_dir(machine.folder().join("run")).unwrap().count(), 0, "no socket either");
}

#[test]
fn the_main_job_with_a_robot_that_walks_the_pages() {
    let machine = machine();
    for flow in ["browser", "device"] {
        let outcome = machine.aldis(&["demo", "--approve", "--flow", flow]).run();
        outcome.says(&["a robot walks", "Signed in", "aldis serve", "services = aldis-local"]);
        for words in ["111122223333", "AdministratorAccess", "assumed-role/AWSReservedSSO_"] {
            assert!(outcome.stdout.contains(words), "{outcome}");
        }
        nothing_is_left(&machine);
    }
}

#[test]
fn the_main_job_as_one_object_a_line() {
    let out = machine().aldis(&["demo", "--approve", "--output", "json"]).ok();
    let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["action_required", "signed_in", "done"], "{out}");
}

#[test]
fn the_person_is_told_what_to_type_and_may_also_use_a_second_terminal() {
    let machine = machine();
    let mut demo = machine.aldis(&["demo", "--flow", "device", "--no-browser"]).start();
    let url = demo.wait_for("the center", |line| {
        let rest = line.strip_prefix("A center is running at ")?;
        Some(rest.split(',').next()?.to_owned())
    });
    let code = demo.wait_for("a code", crate::user_code);
    demo.wait_for("the name", |line| (line == "demo").then_some(()));
    demo.wait_for("the password", |line| (line.len() == 16).then_some(()));
    machine.aldis(&["center", "device", "approve", &code, "--person", "demo", "--center", &url]).ok();
    demo.finish().says(&["Signed in"]);
    nothing_is_left(&machine);
}

#[test]
fn over_ssh_there_is_a_line_that_makes_both_ports_reachable() {
    let machine = machine();
    let run = machine.aldis(&["demo", "--no-browser"]).with("SSH_CONNECTION", "192.0.2.7 50522 192.0.2.1 22");
    let mut demo = run.with("USER", "me").start();
    let port_in = |line: &str, before: &str| {
        let digits: String = line.split(before).nth(1)?.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then_some(digits)
    };
    let center = demo.wait_for("the center", |line| port_in(line, "running at http://127.0.0.1:"));
    let back = demo.wait_for("the way back", |line| port_in(line, "127.0.0.1%3A"));
    let line = format!("ssh -N -L {center}:127.0.0.1:{center} -L {back}:127.0.0.1:{back} me@192.0.2.1");
    demo.wait_for(&line, |shown| (shown.trim() == line).then_some(()));
    demo.signal("INT");
    assert_eq!(demo.finish().code, Some(130));
}

#[test]
fn it_ends_when_nobody_comes() {
    for (flow, words) in [("browser", "within ten minutes"), ("device", "expired")] {
        let machine = machine();
        let clock = machine.folder().join("clock");
        let demo = begin(
            machine
                .aldis(&["demo", "--flow", flow, "--no-browser"])
                .with("ALDIS_TEST_CLOCK", &clock.display().to_string()),
        );
        std::fs::write(&clock, "601").unwrap();
        demo.finish().fails(255, &[words, "aldis demo"]);
        nothing_is_left(&machine);
    }
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let machine = machine();
    let machine = {
        let path = machine.folder().join("tmp");
        std::fs::create_dir(&path).unwrap();
        machine.with("TMPDIR", &path.display().to_string())
    };
    let demo = begin(machine.aldis(&["demo", "--no-browser"]));
    demo.signal("INT");
    assert_eq!(demo.finish().code, Some(130));
    assert_eq!(std::fs::read_dir(machine.folder().join("tmp")).unwrap().count(), 0);
}
