//! A sign-in whose link or code cannot be written ends at once: nobody could answer it.

use testkit::{Machine, Run};

use crate::browser_flow::{approving, browse, program};
use crate::{decide, machine_and_center, sign_in, user_code};

/// The command, with its standard output sent somewhere by a shell.
fn sent<'a>(machine: &'a Machine, words: &[&str], whereto: &str) -> Run<'a> {
    let line = format!("exec {} {} {whereto}", machine.binary().display(), words.join(" "));
    machine.program("/bin/sh", &["-c", &line])
}

const CODE: [&str; 4] = ["--use-device-code", "--no-browser", "--output", "json"];

#[test]
fn what_cannot_be_written_ends_at_once_with_an_error() {
    let (machine, _center) = machine_and_center(&[]);
    for (whereto, cause) in [
        (">/dev/full", "No space left"),
        (">&-", "it is closed, or /dev/null"),
        (">/dev/null", "it is closed, or /dev/null"),
    ] {
        for words in [
            &[&["login"], &CODE[..]].concat()[..],
            &["login", "--flow", "browser", "--no-browser", "--output", "json"],
            &["sso", "login", "--use-device-code", "--no-browser"],
            &["sso", "login", "--no-browser"],
        ] {
            let outcome = sent(&machine, words, whereto).run();
            outcome.fails(
                255,
                &["what there is to do cannot be written to standard output", cause, "aldis login"],
            );
            assert!(!outcome.stderr.contains("next try"), "{outcome}");
        }
    }
    // A pipe whose reader is gone before anything is written.
    let line =
        format!("exec 3> >(exit); wait $!; exec {} login {} >&3", machine.binary().display(), CODE.join(" "));
    let piped = machine.program("/bin/bash", &["-c", &line]).run();
    piped.fails(255, &["cannot be written to standard output", "Broken pipe"]);
    let left = machine.home().join(".local/state/aldis/signing-in");
    let all =
        std::fs::read_dir(left).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let left: Vec<String> = all.filter(|name| !name.ends_with(".lock")).collect();
    assert!(left.is_empty(), "no sign-in is under way: {left:?}");
}

#[test]
fn a_reader_that_goes_away_later_keeps_nobody_from_signing_in() {
    let (machine, _center) = machine_and_center(&[]);
    let first = machine.home().join("first");
    let line = format!(
        "{} login {} | head -n 1 > {}; exit ${{PIPESTATUS[0]}}",
        machine.binary().display(),
        CODE.join(" "),
        first.display()
    );
    let running = machine.program("/bin/bash", &["-c", &line]).start();
    let end = std::time::Instant::now() + testkit::PATIENCE;
    let mut shown = String::new();
    while !shown.contains("user_code") && std::time::Instant::now() < end {
        shown = std::fs::read_to_string(&first).unwrap_or_default();
    }
    let code = shown.split('"').find_map(user_code).unwrap();
    decide(&machine, "approve", &code);
    running.finish().says(&[]);
    machine.aldis(&["status"]).ok();
}

#[test]
fn a_result_that_cannot_be_written_is_an_error_unless_its_reader_went_away() {
    let (machine, _center) = machine_and_center(&[]);
    sign_in(&machine);
    let words = ["login", "--if-needed", "--output", "json"];
    let full = sent(&machine, &words, ">/dev/full").run();
    full.fails(255, &["the result cannot be written to standard output", "No space left"]);
    let line =
        format!("exec 3> >(exit); wait $!; exec {} {} >&3", machine.binary().display(), words.join(" "));
    machine.program("/bin/bash", &["-c", &line]).ok();
}

#[test]
fn where_a_browser_is_started_nobody_need_see_the_link() {
    let (machine, _center) = approving();
    let link = machine.home().join("link");
    let browser =
        program(&machine, "browser", &format!("echo \"$1\" > {0}.new; mv {0}.new {0}", link.display()));
    let words = ["login", "--flow", "browser", "--output", "json"];
    let running = sent(&machine, &words, ">/dev/null").with("BROWSER", &browser).start();
    let end = std::time::Instant::now() + testkit::PATIENCE;
    while !link.exists() && std::time::Instant::now() < end {
        std::thread::yield_now();
    }
    browse(std::fs::read_to_string(&link).unwrap().trim());
    running.finish().says(&[]);
    machine.aldis(&["status"]).ok();
}
