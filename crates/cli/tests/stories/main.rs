//! Stories: the real binary against a real center on a free port, each on a machine of its own. A story is named after what
//! holds in it; nobody sleeps, clocks are moved.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a story that cannot go on may panic, and sets its machine up from outside"
)]

mod aws_cli;
mod bad_answers;
mod bad_places;
mod browser_flow;
mod browser_variable;
mod came;
mod center;
mod code;
mod config_reading;
mod configure_list;
mod configure_sso;
mod cool_down;
mod daily;
mod demo;
mod explained;
mod families;
mod files;
mod identity;
mod kills;
mod locks;
mod malformed;
mod mounted;
mod neighbours;
mod network;
mod own_state;
mod painted;
mod panics;
mod passwords;
mod places;
mod policy;
mod profile_kinds;
mod profiles;
mod prompt;
mod prompt_keys;
mod prompt_looks;
mod races;
mod read_only_home;
mod real_places;
mod refused_tokens;
mod resume;
mod signing_in;
mod spellings;
mod sts;
mod telling;
mod terminal;
mod together;
mod unseen;
mod usage;
mod wizard_answers;

use testkit::{Center, Machine, Run, Running, Terminal};

/// A machine with the binary of this build.
fn machine() -> Machine {
    Machine::new(env!("CARGO_BIN_EXE_aldis"))
}

/// A machine that is configured for a center of its own.
fn machine_and_center(words: &[&str]) -> (Machine, Center) {
    let machine = machine();
    let center = machine.center(words);
    machine.configure(center.start_url());
    (machine, center)
}

/// The seed of an organisation in which `dev` has all these permission sets in accounts of these ids and names.
fn seed(accounts: &[(String, String)], permission_sets: &[&str]) -> String {
    let ids: Vec<&String> = accounts.iter().map(|(id, _)| id).collect();
    let mut seed = "[organisation]\nname = \"seeded\"\n[[people]]\nname = \"dev\"\n".to_owned();
    for name in permission_sets {
        seed.push_str(&format!("[[permission_sets]]\nname = \"{name}\"\n"));
    }
    for (id, name) in accounts {
        let email = format!("a{id}@example.com");
        seed.push_str(&format!("[[accounts]]\nid = \"{id}\"\nname = \"{name}\"\nemail = \"{email}\"\n"));
    }
    let all = format!("accounts = {ids:?}\npermission_sets = {permission_sets:?}\n");
    seed + "[[assignments]]\nperson = \"dev\"\n" + &all
}

/// A center with that seed, at which `dev` is let in by itself.
fn seeded_center(machine: &Machine, accounts: &[(String, String)], permission_sets: &[&str]) -> Center {
    let path = machine.folder().join("seed.toml");
    std::fs::write(&path, seed(accounts, permission_sets)).unwrap();
    machine.center(&["--seed", &path.display().to_string(), "--auto-approve", "dev"])
}

/// So many accounts.
fn many_accounts(count: u64) -> Vec<(String, String)> {
    let ids = (0..count).map(|number| (100_000_000_000_u64 + number).to_string());
    ids.map(|id| (id.clone(), format!("account {id}"))).collect()
}

/// The words before a command that give it namespaces of its own, by the letters of `unshare`: `n` for the network, `m` for
/// mounts. `setup` runs there first, as root or as somebody who is called so there.
fn apart(namespaces: &str, setup: &str) -> Vec<String> {
    let user = if testkit::is_root() { "" } else { "Ur" };
    let (flags, script) = (format!("-{user}{namespaces}"), format!("{setup}; exec \"$@\""));
    ["unshare", &flags, "--", "sh", "-ec", &script, "sh"].map(str::to_owned).to_vec()
}

/// Why there can be no such namespaces here; nothing where there can.
fn apart_why_not() -> Option<String> {
    let words = apart("nm", "mount -t tmpfs tmpfs /mnt");
    let tried = std::process::Command::new(&words[0]).args(&words[1..]).arg("true").output();
    let said = match tried {
        Ok(output) if output.status.success() => return None,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Some(format!("no namespaces can be made here: {said}"))
}

/// A command behind such words.
fn behind<'a>(run: Run<'a>, words: &[String]) -> Run<'a> {
    run.behind(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Starts `aldis login` and waits until it shows its code.
fn begin_login(run: Run<'_>) -> (Running, String) {
    let mut running = run.start();
    let code = running.wait_for("a user code", user_code);
    (running, code)
}

/// The code that a terminal shows next.
fn shown_code(terminal: &mut Terminal) -> String {
    terminal.wait_for("enter this code:\n\n");
    terminal.wait_for("\n").trim().to_owned()
}

/// The wizard with every answer but the region, for a session that is there.
const WIZARD: [&str; 11] = [
    "configure",
    "sso",
    "--profile",
    "dev",
    "--sso-session",
    "dev",
    "--account-id",
    "111122223333",
    "--role-name",
    "ReadOnly",
    "--use-device-code",
];

/// A line that is nothing but a user code.
fn user_code(line: &str) -> Option<String> {
    let line = line.trim();
    let is_code = line.len() == 9
        && line
            .bytes()
            .enumerate()
            .all(|(place, byte)| if place == 4 { byte == b'-' } else { byte.is_ascii_uppercase() });
    is_code.then(|| line.to_owned())
}

/// Decides on a code at the center of this machine.
fn decide(machine: &Machine, decision: &str, code: &str) {
    machine.aldis(&["center", "device", decision, code, "--person", "demo"]).ok();
}

/// Signs in, approved from "a second terminal".
fn sign_in(machine: &Machine) {
    let (login, code) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
    decide(machine, "approve", &code);
    login.finish().says(&["Signed in"]);
}

/// The token file of the session `dev`: SHA-1 of its name.
const TOKEN: &str = ".aws/sso/cache/34c6fceca75e456f25e7e99531e2425c6c1de443.json";
