//! Files that are mounted by themselves, as `docker run -v FILE:FILE` and a subPath of Kubernetes do: nothing can take their place,
//! so they are written in place, and a person is asked only if that is possible.

use testkit::{Machine, Run, is_root};

use crate::bad_places::whole;
use crate::{TOKEN, apart, apart_why_not, behind, machine_and_center, sign_in};

/// Runs with this script before it, in the home, with mounts of its own.
fn with_mounts<'a>(machine: &Machine, run: Run<'a>, script: &str) -> Run<'a> {
    let home = machine.home().display().to_string();
    behind(run, &apart("m", &format!("cd {home}; {script}")))
}

/// A place outside the home from which a file of it is mounted; the file there is moved to it.
fn outside_of(machine: &Machine, path: &str) -> std::path::PathBuf {
    let name = path.rsplit('/').next().unwrap();
    let outside = machine.folder().join(format!("host-{name}"));
    std::fs::copy(machine.home().join(path), &outside).unwrap();
    outside
}

fn beside(machine: &Machine, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(machine.home().join(folder)).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const WIZARD: [&str; 13] = [
    "configure",
    "sso",
    "--sso-session",
    "corp",
    "--use-device-code",
    "--no-browser",
    "--account-id",
    "111122223333",
    "--role-name",
    "ReadOnly",
    "--profile",
    "corp",
    "--sso-start-url",
];

#[test]
fn a_config_file_that_is_mounted_by_itself_is_written_in_place() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let host = outside_of(&machine, ".aws/config");
    let before = std::fs::read_to_string(&host).unwrap();
    let mount = format!("mount --bind {} .aws/config", host.display());
    let words = [&WIZARD[..], &[center.start_url()]].concat();
    let outcome = with_mounts(&machine, machine.aldis(&words), &mount).run();
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let after = std::fs::read_to_string(&host).unwrap();
    assert!(after.starts_with(&before) && after.contains("[profile corp]"), "{after}");
    assert_eq!(machine.read(".aws/config"), before, "what lies under the mount is another file");
    let add = ["profiles", "add", "--all", "--yes", "--sso-session", "corp"];
    let outcome = with_mounts(&machine, machine.aldis(&add), &mount).run();
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert!(std::fs::read_to_string(&host).unwrap().len() > after.len(), "{outcome}");
    assert_eq!(
        beside(&machine, ".aws"),
        ["cli", "config", "sso"]
            .map(str::to_owned)
            .into_iter()
            .filter(|name| machine.home().join(".aws").join(name).exists())
            .collect::<Vec<_>>()
    );
    whole(&machine);
}

#[test]
fn a_config_file_in_a_folder_that_is_read_only_is_written_in_place_with_its_copy_in_the_state_folder() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    std::fs::create_dir_all(machine.home().join(".aws/sso/cache")).unwrap();
    std::fs::create_dir_all(machine.folder().join("cache")).unwrap();
    let host = outside_of(&machine, ".aws/config");
    let read_only = format!(
        "mount --bind .aws .aws; mount -o remount,ro,bind .aws; mount --bind {} .aws/config; \
         mount --bind {} .aws/sso/cache",
        host.display(),
        machine.folder().join("cache").display(),
    );
    let words = [&WIZARD[..], &[center.start_url()]].concat();
    let outcome = with_mounts(&machine, machine.aldis(&words), &read_only).run();
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert!(std::fs::read_to_string(&host).unwrap().contains("[profile corp]"));
    assert_eq!(beside(&machine, ".local/state/aldis/in-place"), Vec::<String>::new(), "the copies are gone");
    // Without a place for a copy nothing is begun, and nobody is asked.
    let other: Vec<&str> = words.iter().map(|word| if *word == "corp" { "other" } else { *word }).collect();
    let run = machine.aldis(&other).with("XDG_STATE_HOME", "/proc/none");
    let outcome = with_mounts(&machine, run, &read_only).run();
    outcome.fails(255, &["config cannot be written", "hint:"]);
    assert!(!outcome.to_string().contains("enter this code"), "{outcome}");
}

#[test]
fn a_mounted_file_that_is_read_only_is_found_before_anybody_is_asked() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, center) = machine_and_center(&[]);
    sign_in(&machine);
    let token = machine.read(TOKEN);
    let mount = |path: &str| format!("mount --bind {path} {path}; mount -o remount,ro,bind {path}");
    let words = [&WIZARD[..], &[center.start_url()]].concat();
    let outcome = with_mounts(&machine, machine.aldis(&words), &mount(".aws/config")).run();
    outcome.fails(255, &["config cannot be written", "ead-only", "hint:"]);
    assert!(!outcome.to_string().contains("enter this code"), "{outcome}");
    let login = machine.aldis(&["login", "--use-device-code", "--no-browser"]);
    let outcome = with_mounts(&machine, login, &mount(TOKEN)).run();
    outcome.fails(255, &["cannot be kept", "ead-only", "hint:"]);
    assert!(!outcome.to_string().contains("enter this code"), "{outcome}");
    assert_eq!(machine.read(TOKEN), token);
    whole(&machine);
}

#[test]
fn a_token_and_role_credentials_that_are_mounted_by_themselves_are_kept() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let login = ["login", "--use-device-code", "--no-browser"];
    machine.aldis(&login).ok();
    machine.aldis(&["creds", "--profile", "dev"]).ok();
    let files = machine.files();
    let role = files.iter().find(|(path, _)| path.starts_with(".aws/cli/cache/")).unwrap().0.clone();
    let (token, credentials) = (machine.read(TOKEN), machine.read(&role));
    machine.write(&role, "{}");
    let mounts = format!("mount --bind {TOKEN} {TOKEN}; mount --bind {role} {role}");
    let script = format!("{} && {} creds --profile dev", "\"$0\" \"$@\"", "\"$0\"");
    let binary = machine.binary().display().to_string();
    let words = [&["-c", script.as_str(), binary.as_str()][..], &login[..]].concat();
    let outcome = with_mounts(&machine, machine.program("sh", &words), &mounts).run();
    outcome.says(&["Signed in"]);
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
    assert_ne!(machine.read(TOKEN), token);
    assert!(machine.read(&role).contains("SessionToken"), "{credentials}");
    machine.aldis(&["accounts", "--profile", "dev"]).ok();
    whole(&machine);
}

#[test]
fn a_write_in_place_that_was_broken_off_is_finished_by_the_next_command() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    for path in [TOKEN, ".aws/config"] {
        let after = machine.read(path);
        let name = path.rsplit('/').next().unwrap();
        let copy = |ending: &str| path.replace(name, &format!(".{name}.aldis-{ending}"));
        let before = "x".repeat(after.len() + 5);
        machine.write(&copy("old"), &before);
        machine.write(&copy("new"), &after);
        machine.write(path, &format!("{}{}", &after[..after.len() / 2], &before[after.len() / 2..]));
        machine.aldis(&["accounts", "--profile", "dev"]).ok();
        assert_eq!(machine.read(path), after);
        assert!(machine.files().iter().all(|(path, _)| !path.contains(".aldis-")), "{path}");
    }
    if is_root() {
        // Copies that another user left are no text of ours.
        let after = machine.read(".aws/config");
        machine.write(".aws/.config.aldis-old", &after);
        machine.write(".aws/.config.aldis-new", &after.replace("ReadOnly", "Whatever"));
        for name in ["old", "new"] {
            let copy = machine.home().join(format!(".aws/.config.aldis-{name}"));
            std::os::unix::fs::chown(&copy, Some(61_235), None).unwrap();
        }
        machine.aldis(&["accounts", "--profile", "dev"]).ok();
        assert_eq!(machine.read(".aws/config"), after);
    }
}
