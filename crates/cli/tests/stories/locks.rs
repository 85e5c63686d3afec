//! Locks that bother nobody: where they lie, and what happens if the system call for one never returns.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use testkit::{Machine, Run, Running};

use crate::races::{LIFE, Scene, preloaded};
use crate::{machine_and_center, sign_in};

/// The longest patience of ours with a lock, and some.
const DEADLINE: Duration = Duration::from_secs(30);

/// `flock` that never returns, as with a hard NFS mount whose lock server is gone.
const NO_FLOCK: &str =
    "#include <unistd.h>\nint flock(int fd, int how) { (void)fd; (void)how; for (;;) pause(); }\n";
/// Opening a lock file never returns.
const NO_OPEN: &str = r#"#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
int open64(const char *path, int flags, ...) {
    size_t length = strlen(path);
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if (length > 5 && strcmp(path + length - 5, ".lock") == 0) for (;;) pause();
    int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    return next(path, flags, mode);
}
"#;

fn libraries(machine: &Machine) -> [PathBuf; 2] {
    [("noflock", NO_FLOCK), ("noopen", NO_OPEN)].map(|(name, text)| preloaded(machine.folder(), name, text))
}

fn on<'a>(run: Run<'a>, library: &std::path::Path) -> Run<'a> {
    run.with("LD_PRELOAD", &library.display().to_string())
}

/// Cached credentials, then a token that is over.
fn renews_with(library: impl FnOnce(&Machine) -> PathBuf) {
    let scene = Scene::new();
    let library = library(&scene.machine);
    let cached = scene.creds().ok();
    let start = Instant::now();
    assert_eq!(on(scene.creds(), &library).ok(), cached, "what is cached takes no lock");
    assert!(start.elapsed() < Duration::from_secs(10));
    scene.advance(LIFE + 1);
    let start = Instant::now();
    // The first lock is waited for to its deadline, and no other one after it.
    let outcome = on(scene.creds(), &library).run();
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert!(outcome.stderr.contains("its file system does not answer"), "{outcome}");
}

#[test]
fn a_token_and_credentials_are_renewed_though_a_lock_call_never_returns() {
    renews_with(|machine| preloaded(machine.folder(), "noflock", NO_FLOCK));
}

#[test]
fn a_token_and_credentials_are_renewed_though_opening_a_lock_file_never_returns() {
    renews_with(|machine| preloaded(machine.folder(), "noopen", NO_OPEN));
}

#[test]
fn a_sign_in_and_an_edit_go_on_though_a_lock_call_never_returns() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let start = Instant::now();
    let libraries = libraries(&machine);
    let logins: Vec<Running> = libraries
        .iter()
        .map(|library| on(machine.aldis(&["login", "--use-device-code", "--no-browser"]), library).start())
        .collect();
    for login in logins {
        let outcome = login.finish();
        outcome.says(&["Signed in"]);
    }
    for library in &libraries {
        let session =
            ["configure", "sso-session", "--sso-session", "corp", "--sso-start-url", center.start_url()];
        let words =
            [&session[..], &["--sso-region", "us-east-1", "--sso-registration-scopes", "sso:account:access"]]
                .concat();
        let outcome = on(machine.aldis(&words), library).run();
        assert_eq!(outcome.code, Some(0), "{outcome}");
        outcome.says(&["was edited without a lock", "its file system does not answer"]);
        let config = machine.read(".aws/config");
        assert!(config.contains("[sso-session corp]"), "{config}");
        machine.configure(center.start_url());
    }
    on(machine.aldis(&["logout"]), &libraries[0]).run().says(&["Signed out"]);
    assert!(start.elapsed() < 5 * DEADLINE, "{:?}", start.elapsed());
}

#[test]
fn no_lock_lies_in_the_folders_of_the_aws_cli_or_beside_a_linked_config() {
    let (machine, center) = machine_and_center(&[]);
    std::fs::create_dir(machine.home().join("dotfiles")).unwrap();
    std::fs::rename(machine.home().join(".aws/config"), machine.home().join("dotfiles/aws")).unwrap();
    std::os::unix::fs::symlink("../dotfiles/aws", machine.home().join(".aws/config")).unwrap();
    sign_in(&machine);
    machine.aldis(&["creds", "--profile", "dev"]).ok();
    let session =
        ["configure", "sso-session", "--sso-session", "corp", "--sso-start-url", center.start_url()];
    let words =
        [&session[..], &["--sso-region", "us-east-1", "--sso-registration-scopes", "sso:account:access"]]
            .concat();
    machine.aldis(&words).ok();
    assert!(machine.read("dotfiles/aws").contains("[sso-session corp]"));
    let beside: Vec<String> = machine
        .files()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| !path.starts_with(".local/state/aldis/"))
        .filter(|path| !path.ends_with(".json") && !path.ends_with(".pins"))
        .collect();
    assert_eq!(beside, [".aws/config", "dotfiles/aws"]);
}
