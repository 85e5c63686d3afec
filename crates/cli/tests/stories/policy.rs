//! An administrator's policy where it counts, `/etc/aldis/policy.toml`: in a mount namespace of its own with a layer over `/etc`,
//! so that this machine never has one.

use testkit::{Machine, Outcome, Run, Terminal, is_root};

use crate::prompt::{ends_on, shown_link};
use crate::{TOKEN, apart, apart_why_not, begin_login, behind, decide, machine_and_center, user_code};

/// Runs where that is the policy; `more` does something else to the file.
pub(crate) fn under<'a>(machine: &Machine, run: Run<'a>, policy: &str, more: &str) -> Run<'a> {
    std::fs::write(machine.folder().join("policy"), policy).unwrap();
    let folder = machine.folder().display();
    let setup = format!(
        "mkdir -p {folder}/layer; mount -t tmpfs tmpfs {folder}/layer; mkdir {folder}/layer/up {folder}/layer/work; \
         mount -t overlay overlay -o lowerdir=/etc,upperdir={folder}/layer/up,workdir={folder}/layer/work /etc; \
         mkdir -p /etc/aldis; cp {folder}/policy /etc/aldis/policy.toml; chmod 644 /etc/aldis/policy.toml; {more}"
    );
    behind(run, &apart("m", &setup))
}

/// `aldis login` at a terminal over SSH, where an address is pasted if nobody forbids it.
fn over_ssh(machine: &Machine, words: &[&str], policy: &str) -> Terminal {
    let run = machine.aldis(words).with("TERM", "xterm").with("LANG", "C.UTF-8");
    let run = run.with("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.8 22");
    under(machine, run, policy, "true").in_terminal((1000, 30))
}

#[track_caller]
fn forbidden(outcome: &Outcome, flow: &str, allowed: &str) {
    let words = format!("/etc/aldis/policy.toml does not allow the flow {flow}: it allows only {allowed}");
    outcome.fails(253, &[&words, "hint:", "cat /etc/aldis/policy.toml"]);
    assert!(!outcome.to_string().contains("To sign in"), "nothing is shown: {outcome}");
}

const ONLY_CODES: &str = "# Terminals have no browser here.\nallowed_flows = [\"device\"]\n";
const NO_CODES: &str = "allowed_flows = [\"browser\", \"paste\"]\n";

#[test]
fn what_is_not_listed_is_offered_by_no_flag_no_setting_and_no_key() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, center) = machine_and_center(&[]);
    let run = |words: &[&str], policy| under(&machine, machine.aldis(words), policy, "true");
    let wizard = ["configure", "sso", "--sso-session", "dev"];
    for command in [&["login"][..], &["sso", "login"], &wizard] {
        for (more, flow) in [
            (&["--flow", "browser"][..], "browser"),
            (&["--flow", "paste"], "paste"),
            (&["--flow", "browser", "--redirect-port", "38381"], "browser"),
        ] {
            forbidden(&run(&[command, more].concat(), ONLY_CODES).run(), flow, "device");
        }
        forbidden(
            &run(&[command, &["--use-device-code"]].concat(), NO_CODES).run(),
            "device",
            "browser, paste",
        );
        forbidden(
            &run(&[command, &["--flow", "device"]].concat(), NO_CODES).run(),
            "device",
            "browser, paste",
        );
    }
    let before = machine.read(".aws/config");
    machine.write(".aws/config", &format!("{before}sso_use_device_code = true\n"));
    forbidden(&run(&["login"], NO_CODES).run(), "device", "browser, paste");
    machine.write(".aws/config", &before);
    run(&["login"], "allowed_flows = []\n").run().fails(253, &["it allows no flow"]);
    assert!(!machine.home().join(TOKEN).exists());

    // Some systems lead to such a folder by a link.
    let linked = "mv /etc/aldis /etc/aldis-1; ln -s aldis-1 /etc/aldis";
    let (login, code) = begin_login(under(&machine, machine.aldis(&["login"]), ONLY_CODES, linked));
    decide(&machine, "approve", &code);
    login.finish().says(&["Signed in"]);
    let explained = run(&["login", "--explain"], ONLY_CODES).ok();
    assert!(explained.contains("device") || explained.contains("code"), "{explained}");
    let audit = machine.aldis(&["center", "audit", "--center", center.url()]).ok();
    assert_eq!(audit.matches("RegisterClient").count(), 1, "one client, for codes: {audit}");
}

#[test]
fn the_key_of_a_way_that_is_forbidden_does_nothing() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, _center) = machine_and_center(&[]);
    let mut terminal = over_ssh(&machine, &["login"], ONLY_CODES);
    terminal.wait_for("/etc/aldis/policy.toml allows only device");
    let shown = terminal.wait_for("waiting for your approval");
    let code = shown.lines().find_map(user_code).unwrap();
    // Letters, a paste that is marked, and one that is not.
    terminal.send("p");
    terminal.paste("http://127.0.0.1:1/oauth/callback?code=a&state=b");
    terminal.line("http://127.0.0.1:1/oauth/callback?code=a&state=b");
    let audit = machine.aldis(&["center", "audit"]).ok();
    assert_eq!(audit.matches("RegisterClient").count(), 1, "{audit}");
    decide(&machine, "approve", &code);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
    for words in ["[p] paste", "/authorize", "warning"] {
        assert!(!terminal.plain().contains(words), "{words}: {}", terminal.plain());
    }

    let mut terminal = over_ssh(&machine, &["login"], "allowed_flows = [\"paste\"]\n");
    let link = shown_link(&mut terminal);
    terminal.wait_for("waiting for your address");
    terminal.send("c");
    // Read after the key, which is therefore done with.
    terminal.paste("nonsense with blanks");
    terminal.wait_for("warning: ");
    assert!(!terminal.plain().contains("[c] code") && !terminal.plain().contains("ssh -N"));
    let started = machine.aldis(&["center", "audit"]).ok().matches("StartDeviceAuthorization").count();
    assert_eq!(started, 1, "that of before");
    let address = machine.aldis(&["center", "authorize", &link, "--person", "demo"]).ok();
    terminal.paste(address.trim());
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn what_is_to_be_typed_next_is_allowed() {
    let (machine, _center) = machine_and_center(&[]);
    let only_pastes = "allowed_flows = [\"paste\"]\n";
    let outcome = under(&machine, machine.aldis(&["login"]), only_pastes, "true").run();
    outcome.fails(255, &["standard input ended", "try again: aldis login --sso-session dev\n"]);
    assert!(!outcome.stderr.contains("--use-device-code"), "{outcome}");
    let free = machine.aldis(&["login", "--flow", "paste"]).run();
    free.fails(255, &["standard input ended", "aldis login --sso-session dev --use-device-code"]);
    let only_browsers = "allowed_flows = [\"browser\"]\n";
    let mut terminal = over_ssh(&machine, &["login"], only_browsers);
    // A link of an earlier sign-in may go on here, without a reason for the place.
    terminal.wait_for("waiting for your browser");
    terminal.ctrl('c');
    assert_eq!(terminal.wait(), 130);
}

#[test]
fn a_policy_that_does_not_count_lets_nobody_sign_in_and_is_told() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, _center) = machine_and_center(&[]);
    let login = |policy: &str, more: &str| {
        let outcome = under(&machine, machine.aldis(&["login", "--no-browser"]), policy, more).run();
        outcome.fails(253, &["/etc/aldis", "hint:", "ls -ld /etc/aldis /etc/aldis/policy.toml"]);
        assert!(!outcome.to_string().contains("To sign in"), "{outcome}");
        outcome
    };
    let file = "/etc/aldis/policy.toml";
    login(ONLY_CODES, &format!("chmod 666 {file}"))
        .fails(253, &["may be written by others than root", "0666"]);
    login(ONLY_CODES, &format!("chmod 664 {file}")).fails(253, &["0664"]);
    login(ONLY_CODES, "chmod 777 /etc/aldis").fails(253, &["/etc/aldis may be written by others", "0777"]);
    login("allowed_flow = [\"device\"]\n", "true").fails(253, &["line 1", "\"allowed_flow\""]);
    login("\nallowed_flows = [\"code\"]\n", "true").fails(253, &["line 2", "\"device\""]);
    login("allowed_flows = [\"device\"", "true").fails(253, &["line 1"]);
    login(ONLY_CODES, &format!("rm {file}; mkdir {file}")).fails(253, &["not a regular file"]);
    login(ONLY_CODES, &format!("rm {file}; mkfifo {file}")).fails(253, &["not a regular file"]);
    login(ONLY_CODES, &format!("rm {file}; ln -s nowhere {file}")).fails(253, &["leads nowhere"]);
    login(ONLY_CODES, &format!("rm {file}; ln -s policy.toml {file}")).fails(253, &[file, "symbolic links"]);
    login(ONLY_CODES, "mv /etc/aldis /etc/gone; ln -s nowhere /etc/aldis").fails(253, &["leads nowhere"]);
    login(ONLY_CODES, "rm -r /etc/aldis; touch /etc/aldis").fails(253, &["/etc/aldis"]);
    assert!(!machine.home().join(TOKEN).exists());
}

#[test]
fn a_policy_of_somebody_else_is_refused_and_roots_counts_for_everybody() {
    if !is_root() {
        return testkit::skip("within the namespaces of anybody but root there is no other user");
    }
    let (machine, _center) = machine_and_center(&[]);
    let file = "/etc/aldis/policy.toml";
    let login = |words: &[&str], more: &str| {
        let run = machine.aldis(&[&["login", "--no-browser"], words].concat());
        under(&machine, run.as_somebody(), ONLY_CODES, more).run()
    };
    machine.give_to_somebody();
    login(&[], &format!("chown 61234 {file}")).fails(253, &[file, "belong", "root", "hint:"]);
    login(&[], "chown 61234 /etc/aldis").fails(253, &["/etc/aldis does not belong to root", "hint:"]);
    login(&[], &format!("chmod 600 {file}")).fails(253, &[file, "ermission denied", "hint:"]);
    forbidden(&login(&["--flow", "paste"], "true"), "paste", "device");
    assert!(!machine.home().join(TOKEN).exists());
}

#[test]
fn every_command_that_signs_in_or_explains_ends_at_a_policy_that_leads_nowhere() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, _center) = machine_and_center(&[]);
    let dangling = "rm /etc/aldis/policy.toml; ln -s nowhere /etc/aldis/policy.toml";
    for words in [
        &["login"][..],
        &["login", "--output", "json"],
        &["login", "--if-needed"],
        &["login", "--explain"],
        &["sso", "login"],
        &["sso", "login", "--explain"],
        &["configure", "sso", "--sso-session", "dev"],
        &["configure", "sso", "--explain"],
        &["demo", "--flow", "device", "--approve"],
    ] {
        let outcome = under(&machine, machine.aldis(words), ONLY_CODES, dangling).run();
        assert_eq!(outcome.code, Some(253), "{words:?} {outcome}");
        assert!(outcome.stderr.contains("/etc/aldis/policy.toml could not be read"), "{words:?} {outcome}");
        assert!(!outcome.to_string().contains("/device"), "nothing is shown: {words:?} {outcome}");
    }
    assert!(!machine.home().join(TOKEN).exists());
}

#[test]
fn a_line_of_standard_input_is_no_answer_where_the_policy_forbids_paste() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.program("mkfifo", &["answers"]).ok();
    // A line that nobody reads stays in the pipe as long as a process holds it open.
    let _held =
        std::fs::OpenOptions::new().read(true).write(true).open(machine.home().join("answers")).unwrap();
    let login = |words: &str| {
        // The pipe is open for both, so that it does not end.
        let script = format!("exec {} login {words} --no-browser <>answers", machine.binary().display());
        machine.program("sh", &["-c", &script])
    };
    let answered = |run: Run<'_>, is_read: bool| {
        let mut running = run.start();
        let link = running.wait_for("a link", |line| {
            line.split('"').map(str::trim).find(|word| word.contains("/authorize?")).map(str::to_owned)
        });
        let address = ends_on(&link);
        std::fs::write(machine.home().join("answers"), format!("{address}\n")).unwrap();
        if !is_read {
            // Nobody has redeemed it, so that the listener takes it still.
            assert_eq!(crate::browser_flow::browse(&address).status, 200);
        }
        let outcome = running.finish();
        outcome.says(&[]);
        outcome
    };
    let only_browsers = "allowed_flows = [\"browser\"]\n";
    let no_pastes = "allowed_flows = [\"browser\", \"device\"]\n";
    for (words, policy) in [
        ("--output json", only_browsers),
        ("--output json --flow browser", only_browsers),
        ("--output json --flow browser", no_pastes),
        ("--flow browser", only_browsers),
    ] {
        let outcome = answered(under(&machine, login(words), policy, "true"), false);
        assert!(!outcome.stdout.contains("\"paste_allowed\":true"), "{outcome}");
        // The line is still in the pipe.
        let left = machine.program("sh", &["-c", "timeout 5 head -n 1 <>answers"]).ok();
        assert!(left.contains("/oauth/callback?code="), "{words}: {left}");
    }
    let free = answered(login("--output json --flow browser"), true);
    assert!(free.stdout.contains("\"paste_allowed\":true"), "{free}");
}
