use crate::machine;

#[test]
fn the_main_job_approved_by_the_center() {
    let machine = machine();
    let outcome = machine.aldis(&["demo", "--approve"]).run();
    outcome.says(&["the center approves", "Signed in", "aldis serve", "services = aldis-local"]);
    for words in ["111122223333", "AdministratorAccess", "assumed-role/AWSReservedSSO_"] {
        assert!(outcome.stdout.contains(words), "{outcome}");
    }
    assert_eq!(machine.files(), [], "nothing is left behind");
    assert_eq!(std::fs::read_dir(machine.folder().join("run")).unwrap().count(), 0, "no socket either");
}

#[test]
fn the_main_job_approved_from_a_second_terminal() {
    let machine = machine();
    let mut demo = machine.aldis(&["demo"]).start();
    let command = demo.wait_for("the command to approve", |line| {
        line.contains("center device approve").then(|| line.trim().to_owned())
    });
    // Exactly what the person is told to type.
    let status = std::process::Command::new("sh")
        .arg("-c")
        .arg(&command)
        .env_clear()
        .envs(machine.environment().iter().cloned())
        .status()
        .unwrap();
    assert!(status.success(), "{command}");
    demo.finish().says(&["Signed in"]);
}

#[test]
fn it_ends_when_the_code_has_expired() {
    let machine = machine();
    let clock = machine.folder().join("clock");
    let mut demo = machine.aldis(&["demo"]).with("ALDIS_TEST_CLOCK", &clock.display().to_string()).start();
    demo.wait_for("a code", crate::user_code);
    std::fs::write(&clock, "601").unwrap();
    demo.finish().fails(255, &["expired", "aldis demo"]);
    assert_eq!(machine.files(), []);
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let machine = machine();
    let machine = {
        let path = machine.folder().join("tmp");
        std::fs::create_dir(&path).unwrap();
        machine.with("TMPDIR", &path.display().to_string())
    };
    let mut demo = machine.aldis(&["demo"]).start();
    demo.wait_for("a code", crate::user_code);
    demo.signal("INT");
    assert_eq!(demo.finish().code, Some(130));
    assert_eq!(std::fs::read_dir(machine.folder().join("tmp")).unwrap().count(), 0);
}
