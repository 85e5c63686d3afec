//! Opening a page in the person's browser.

use std::process::{Command, Stdio};

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
/// through a shell. Returns the program's name.
///
/// # Errors
/// When there is no browser to start, or the address is not for one.
pub fn open(address: &str, env: &Env) -> Result<String, NotOpened> {
    if !(address.starts_with("https://") || address.starts_with("http://"))
        || address.contains(char::is_control)
    {
        return Err(NotOpened::NotHttp);
    }
    let words = opener(env).ok_or(NotOpened::NoBrowser)?;
    let mut words = words.into_iter();
    let program = words.next().ok_or(NotOpened::NoBrowser)?;
    let mut arguments: Vec<String> = words.collect();
    if arguments.iter().any(|word| word.contains("%s")) {
        arguments = arguments.iter().map(|word| word.replace("%s", address)).collect();
    } else {
        arguments.push(address.to_owned());
    }
    let child = Command::new(&program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|source| NotOpened::DidNotStart { program: program.clone(), source })?;
    // It may stay open for hours; a thread of its own takes its end, or it would stay in the process table.
    std::thread::spawn(move || {
        let mut child = child;
        let _ = child.wait();
    });
    Ok(program)
}

/// The words of the command that opens a browser: `BROWSER` (a list parted by colons, as Python's webbrowser reads it),
/// else the desktop's own opener where there is a display.
fn opener(env: &Env) -> Option<Vec<String>> {
    let path = env.get("PATH").unwrap_or_default();
    if let Some(list) = env.get("BROWSER") {
        for command in list.split(':') {
            let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
            if words.last().is_some_and(|word| word == "&") {
                words.pop();
            }
            if words.first().is_some_and(|program| find_program(program, path).is_some()) {
                return Some(words);
            }
        }
        return None;
    }
    let names: &[&str] = if cfg!(target_os = "macos") {
        &["open"]
    } else if env.get("DISPLAY").is_some() || env.get("WAYLAND_DISPLAY").is_some() {
        &["xdg-open", "x-www-browser"]
    } else {
        &["wslview"]
    };
    names.iter().find(|name| find_program(name, path).is_some()).map(|name| vec![(*name).to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_opened() {
        let env = Env::pretended(&[("BROWSER", "true"), ("PATH", "/bin:/usr/bin")]);
        for address in ["file:///etc/passwd", "javascript:alert(1)", "--help", "https://a\nb"] {
            assert!(matches!(open(address, &env), Err(NotOpened::NotHttp)), "{address}");
        }
        assert_eq!(open("https://example.com/", &env).unwrap(), "true");
    }

    #[test]
    fn a_list_of_browsers_is_tried_in_order() {
        let path = ("PATH", "/bin:/usr/bin");
        let env = Env::pretended(&[("BROWSER", "no-such-browser:cat --flag %s &"), path]);
        assert_eq!(opener(&env).unwrap(), ["cat", "--flag", "%s"]);
        assert_eq!(opener(&Env::pretended(&[("BROWSER", "no-such-browser"), path])), None);
        assert_eq!(opener(&Env::pretended(&[path])), None);
    }
}
