//! Opening a page in the person's browser.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::display;
use crate::env::Env;
use crate::files::find_program;

/// Why no browser was opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// Not an http or https address.
    #[error("only http and https addresses are opened")]
    NotHttp,
    /// No program to open it with.
    #[error("no browser found")]
    NoBrowser,
    /// The program ended with a failure.
    #[error("{program} failed ({status})")]
    Failed {
        /// Which program.
        program: String,
        /// How it ended.
        status: String,
    },
    /// The program did not start.
    #[error("{program} did not start")]
    DidNotStart {
        /// Which program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Text browsers, which would take the terminal, and words that users put into `BROWSER` to start no browser.
const NOT_GRAPHICAL: &[&str] = &[
    "browsh",
    "elinks",
    "links",
    "links2",
    "lynx",
    "w3m",
    "www-browser",
    "true",
    "false",
    "echo",
    "none",
    ":",
];

/// The programs that may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programs {
    /// Those of `BROWSER`, then those of the system.
    All,
    /// Those of `BROWSER` only: the system's own would show nothing that the user sees.
    OfVariable,
}

/// Whether a program opens a window, and is no text browser.
pub fn is_graphical(name: &str) -> bool {
    !NOT_GRAPHICAL.contains(&name.rsplit('/').next().unwrap_or(name))
}

/// The programs that a value of `BROWSER` names, whether they exist or not.
pub fn named(list: &str) -> Vec<String> {
    commands_of(list).filter_map(|words| words.into_iter().next()).collect()
}

/// Starts the person's browser on `address` and does not wait for it. The address goes as one argument, never
/// through a shell. Returns the program's name. One that ends with a failure later is followed by the next one; where there is
/// none left, `failed` hears of it, on another thread. Text browsers are passed over.
///
/// # Errors
/// When there is no browser to start, or the address is not for one.
pub fn open(
    address: &str,
    env: &Env,
    programs: Programs,
    failed: impl FnOnce(NotOpened) + Send + 'static,
) -> Result<String, NotOpened> {
    if !(address.starts_with("https://") || address.starts_with("http://"))
        || address.contains(char::is_control)
    {
        return Err(NotOpened::NotHttp);
    }
    let openers = openers(env, programs).into_iter();
    let mut openers = openers.filter(|opener| is_graphical(&opener.name));
    let (program, child) = start_next(&mut openers, address)?;
    let name = program.clone();
    let address = address.to_owned();
    // It may stay open for hours; a thread of its own takes its end, or it would stay in the process table.
    std::thread::spawn(move || {
        let mut current = (program, child);
        while let Some(failure) = failure_of(current) {
            match start_next(&mut openers, &address) {
                Ok(next) => current = next,
                Err(NotOpened::NoBrowser) => return failed(failure),
                Err(other) => return failed(other),
            }
        }
    });
    Ok(name)
}

/// Waits for the end of a browser; what went wrong with it, if something did.
fn failure_of((program, mut child): (String, Child)) -> Option<NotOpened> {
    match child.wait() {
        Ok(status) if !status.success() => Some(NotOpened::Failed { program, status: status.to_string() }),
        _ => None,
    }
}

/// The names of the programs that [`open`] would try here, best first, as they are named in `BROWSER` or by us.
pub fn found(env: &Env) -> Vec<String> {
    openers(env, Programs::All).into_iter().map(|opener| opener.name).collect()
}

/// A command that may open a browser.
#[derive(Debug, PartialEq, Eq)]
struct Opener {
    /// The program as it was named.
    name: String,
    /// Where it is.
    program: PathBuf,
    arguments: Vec<String>,
}

impl Opener {
    /// The command of these words; `None` if there is no such program. A name with a slash must be absolute: a relative one
    /// would be another program in each folder.
    fn of(words: Vec<String>, path: &str) -> Option<Self> {
        let mut words = words.into_iter();
        let name = words.next()?;
        if name.contains('/') && !name.starts_with('/') {
            return None;
        }
        Some(Self { program: find_program(&name, path)?, name, arguments: words.collect() })
    }

    /// Its arguments with the address in the place of `%s`, or at their end.
    fn with(self, address: &str) -> Vec<String> {
        let mut arguments = self.arguments;
        if arguments.iter().any(|word| word.contains("%s")) {
            return arguments.iter().map(|word| word.replace("%s", address)).collect();
        }
        arguments.push(address.to_owned());
        arguments
    }
}

/// Starts the first of the commands that starts.
fn start_next(
    openers: &mut impl Iterator<Item = Opener>,
    address: &str,
) -> Result<(String, Child), NotOpened> {
    let mut failure = NotOpened::NoBrowser;
    for opener in openers {
        let program = opener.name.clone();
        let started = Command::new(&opener.program)
            .args(opener.with(address))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C at the terminal is not for the browser.
            .process_group(0)
            .spawn();
        match started {
            Ok(child) => return Ok((program, child)),
            Err(source) => failure = NotOpened::DidNotStart { program, source },
        }
    }
    Err(failure)
}

/// The commands of a value of `BROWSER`: a list parted by colons, as Python's webbrowser reads it for the AWS CLI.
fn commands_of(list: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    list.split(':').filter_map(|command| {
        let mut words = shlex::split(command)?;
        if words.last().is_some_and(|word| word == "&") {
            // None is waited for anyway.
            words.pop();
        }
        Some(words)
    })
}

/// The commands that may open a browser here, best first: those of `BROWSER`, then the system's own. Only those whose program
/// is there: by an absolute path, or in a folder of `PATH` that is one.
fn openers(env: &Env, programs: Programs) -> Vec<Opener> {
    let folders = env.get("PATH").unwrap_or_default().split(':').filter(|folder| folder.starts_with('/'));
    let path = folders.collect::<Vec<_>>().join(":");
    let of_person = commands_of(env.get("BROWSER").unwrap_or_default());
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let of_system: &[&[&str]] = if programs == Programs::OfVariable {
        &[]
    } else if cfg!(target_os = "macos") {
        &[&["open"]]
    } else if display::is_there(env) {
        // WSL has a display of its own, and mostly no browser on it: Windows' is behind wslview.
        &[&["wslview"], &["xdg-open"], &["gio", "open"], &["x-www-browser"]]
    } else {
        &[&["wslview"]]
    };
    of_person
        .chain(of_system.iter().map(|words| owned(words)))
        .filter_map(|words| Opener::of(words, &path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    const PATH: (&str, &str) = ("PATH", "/bin:/usr/bin");

    /// A folder with a program that notes its arguments, one a line, and then does what the script says.
    fn program(name: &str, script: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (path, noted) = (folder.path().join(name), folder.path().join("noted"));
        let text = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >> {}\n{script}\n", noted.display());
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, noted)
    }

    fn path_of(folder: &tempfile::TempDir) -> String {
        format!("{}:/bin:/usr/bin", folder.path().display())
    }

    #[test]
    fn only_web_addresses_are_opened() {
        let env = Env::pretended(&[("BROWSER", "cat"), PATH]);
        for address in ["file:///etc/passwd", "javascript:alert(1)", "--help", "https://a\nb"] {
            assert!(
                matches!(open(address, &env, Programs::All, |_| {}), Err(NotOpened::NotHttp)),
                "{address}"
            );
        }
        assert_eq!(open("https://example.com/", &env, Programs::All, |_| {}).unwrap(), "cat");
    }

    #[test]
    fn a_list_of_browsers_is_tried_in_order_and_the_systems_own_come_after() {
        let env = Env::pretended(&[("BROWSER", "no-such-browser:cat --flag 'a b' %s &:env"), PATH]);
        let shown: Vec<String> = openers(&env, Programs::All)
            .iter()
            .map(|opener| format!("{} {:?}", opener.name, opener.arguments))
            .collect();
        assert_eq!(shown, ["cat [\"--flag\", \"a b\", \"%s\"]", "env []"]);
        let missing = Env::pretended(&[("BROWSER", "no-such-browser"), PATH]);
        assert!(openers(&missing, Programs::All).is_empty());
        let nothing = open("https://h/", &Env::pretended(&[PATH]), Programs::All, |_| {});
        assert!(matches!(nothing, Err(NotOpened::NoBrowser)));
        let (folder, _noted) = program("xdg-open", "");
        let path = path_of(&folder);
        let names = |variables: &[(&str, &str)]| {
            let all: Vec<(&str, &str)> = variables.iter().copied().chain([("PATH", path.as_str())]).collect();
            openers(&Env::pretended(&all), Programs::All)
                .into_iter()
                .map(|opener| opener.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(&[]),
            Vec::<String>::new(),
            "without a display it would open a text browser at best"
        );
        let socket = folder.path().join("wayland-0").display().to_string();
        let display = ("WAYLAND_DISPLAY", socket.as_str());
        assert_eq!(names(&[display]), Vec::<String>::new(), "that display is gone");
        std::fs::write(&socket, "").unwrap();
        assert_eq!(names(&[display])[0], "xdg-open");
        assert_eq!(names(&[display, ("BROWSER", "env")])[..2], ["env", "xdg-open"]);
    }

    #[test]
    fn c5_the_address_is_one_argument_and_no_shell_reads_it() {
        let (folder, noted) = program("browser", "");
        let (sender, failed) = channel();
        let env = Env::pretended(&[("BROWSER", "browser --new %s"), ("PATH", &path_of(&folder))]);
        let address = "http://127.0.0.1:1/?a=$(touch x)&b='c';d=\"e\" f";
        open(address, &env, Programs::All, move |failure| sender.send(failure.to_string()).unwrap()).unwrap();
        assert_eq!(failed.recv_timeout(Duration::from_secs(20)), Err(RecvTimeoutError::Disconnected));
        assert_eq!(std::fs::read_to_string(noted).unwrap(), format!("--new\n{address}\n"));
    }

    #[test]
    fn one_that_fails_is_followed_by_the_next_and_the_last_failure_is_heard() {
        let (first, noted_first) = program("first", "exit 3");
        let (second, noted_second) = program("second", "exit 4");
        let path = format!("{}:{}", first.path().display(), path_of(&second));
        let env = Env::pretended(&[("BROWSER", "first:second"), ("PATH", &path)]);
        let (sender, failed) = channel();
        let name =
            open("https://h/", &env, Programs::All, move |failure| sender.send(failure.to_string()).unwrap());
        assert_eq!(name.unwrap(), "first");
        let words = failed.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(words.contains("second") && words.contains('4'), "{words}");
        for noted in [noted_first, noted_second] {
            assert_eq!(std::fs::read_to_string(noted).unwrap(), "https://h/\n");
        }
    }

    #[test]
    fn only_an_absolute_program_or_one_of_an_absolute_folder_is_started() {
        let (folder, _noted) = program("browser", "");
        let absolute = folder.path().join("browser").display().to_string();
        let names = |browser: &str, path: &str| {
            let env = Env::pretended(&[("BROWSER", browser), ("PATH", path)]);
            openers(&env, Programs::OfVariable).into_iter().map(|opener| opener.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&absolute, "/nothing"), [absolute.as_str()]);
        assert_eq!(names("browser", &path_of(&folder)), ["browser"]);
        let beside = tempfile::tempdir_in(".").unwrap();
        let relative = beside.path().file_name().unwrap().to_str().unwrap();
        std::fs::copy("/bin/true", beside.path().join("near")).unwrap();
        for (browser, path) in [
            (format!("{relative}/near"), "/bin".to_owned()),
            ("near".to_owned(), format!("{relative}:/bin:")),
        ] {
            assert_eq!(names(&browser, &path), Vec::<String>::new(), "{browser} {path}");
        }
    }

    #[test]
    fn text_browsers_are_passed_over_and_the_systems_own_stay_out_where_they_show_nothing() {
        let (folder, noted) = program("window", "");
        let (other, noted_other) = program("lynx", "");
        let (system, noted_system) = program("wslview", "");
        let folders = [&folder, &other, &system].map(|folder| folder.path().display().to_string());
        let path = format!("{}:/bin:/usr/bin", folders.join(":"));
        for (browser, programs, expected) in [
            ("lynx:window", Programs::OfVariable, Some("window")),
            ("lynx", Programs::OfVariable, None),
            ("lynx", Programs::All, Some("wslview")),
        ] {
            let (sender, failed) = channel::<String>();
            let env = Env::pretended(&[("BROWSER", browser), ("PATH", &path)]);
            let started = open("https://h/", &env, programs, move |failure| {
                sender.send(failure.to_string()).unwrap();
            });
            assert_eq!(started.ok().as_deref(), expected, "{browser} {programs:?}");
            assert_eq!(failed.recv_timeout(Duration::from_secs(20)), Err(RecvTimeoutError::Disconnected));
        }
        assert!(noted.exists() && noted_system.exists() && !noted_other.exists());
        assert_eq!(named("lynx:window --new %s &::'/opt/a b/c' %s"), ["lynx", "window", "/opt/a b/c"]);
    }
}
