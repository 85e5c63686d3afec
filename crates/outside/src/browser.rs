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

/// Starts the person's browser on `address` and does not wait for it. The address goes as one argument, never
/// through a shell. Returns the program's name. One that ends with a failure later is followed by the next one; where there is
/// none left, `failed` hears of it, on another thread.
///
/// # Errors
/// When there is no browser to start, or the address is not for one.
pub fn open(
    address: &str,
    env: &Env,
    failed: impl FnOnce(NotOpened) + Send + 'static,
) -> Result<String, NotOpened> {
    if !(address.starts_with("https://") || address.starts_with("http://"))
        || address.contains(char::is_control)
    {
        return Err(NotOpened::NotHttp);
    }
    let mut openers = openers(env).into_iter();
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
    openers(env).into_iter().map(|opener| opener.name).collect()
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
    /// The command of these words; nothing where there is no such program.
    fn of(words: Vec<String>, path: &str) -> Option<Self> {
        let mut words = words.into_iter();
        let name = words.next()?;
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

/// The commands that may open a browser here, best first: those of `BROWSER` (a list parted by colons, as Python's webbrowser
/// reads it for the AWS CLI), then the system's own. Only those whose program is there.
fn openers(env: &Env) -> Vec<Opener> {
    let path = env.get("PATH").unwrap_or_default();
    let of_person = env.get("BROWSER").unwrap_or_default().split(':').filter_map(|command| {
        let mut words = shlex::split(command)?;
        if words.last().is_some_and(|word| word == "&") {
            // None is waited for anyway.
            words.pop();
        }
        Some(words)
    });
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let of_system: &[&[&str]] = if cfg!(target_os = "macos") {
        &[&["open"]]
    } else if display::is_there(env) {
        // WSL has a display of its own, and mostly no browser on it: Windows' is behind wslview.
        &[&["wslview"], &["xdg-open"], &["gio", "open"], &["x-www-browser"]]
    } else {
        &[&["wslview"]]
    };
    of_person
        .chain(of_system.iter().map(|words| owned(words)))
        .filter_map(|words| Opener::of(words, path))
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
        let env = Env::pretended(&[("BROWSER", "true"), PATH]);
        for address in ["file:///etc/passwd", "javascript:alert(1)", "--help", "https://a\nb"] {
            assert!(matches!(open(address, &env, |_| {}), Err(NotOpened::NotHttp)), "{address}");
        }
        assert_eq!(open("https://example.com/", &env, |_| {}).unwrap(), "true");
    }

    #[test]
    fn a_list_of_browsers_is_tried_in_order_and_the_systems_own_come_after() {
        let env = Env::pretended(&[("BROWSER", "no-such-browser:cat --flag 'a b' %s &:env"), PATH]);
        let shown: Vec<String> =
            openers(&env).iter().map(|opener| format!("{} {:?}", opener.name, opener.arguments)).collect();
        assert_eq!(shown, ["cat [\"--flag\", \"a b\", \"%s\"]", "env []"]);
        assert!(openers(&Env::pretended(&[("BROWSER", "no-such-browser"), PATH])).is_empty());
        assert!(matches!(open("https://h/", &Env::pretended(&[PATH]), |_| {}), Err(NotOpened::NoBrowser)));
        let (folder, _noted) = program("xdg-open", "");
        let path = path_of(&folder);
        let names = |variables: &[(&str, &str)]| {
            let all: Vec<(&str, &str)> = variables.iter().copied().chain([("PATH", path.as_str())]).collect();
            openers(&Env::pretended(&all)).into_iter().map(|opener| opener.name).collect::<Vec<_>>()
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
        open(address, &env, move |failure| sender.send(failure.to_string()).unwrap()).unwrap();
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
        let name = open("https://h/", &env, move |failure| sender.send(failure.to_string()).unwrap());
        assert_eq!(name.unwrap(), "first");
        let words = failed.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(words.contains("second") && words.contains('4'), "{words}");
        for noted in [noted_first, noted_second] {
            assert_eq!(std::fs::read_to_string(noted).unwrap(), "https://h/\n");
        }
    }
}
