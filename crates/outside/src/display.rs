//! Displays, as `DISPLAY` and `WAYLAND_DISPLAY` name them: whether one is there to show a browser. In a multiplexer, after `sudo`
//! and in what an editor left behind the variables outlive the display.

use std::path::Path;

use crate::env::Env;
use crate::files;

/// The socket of an X server on this machine: that of `:0`, `:0.1` or `unix:0`. Nothing for a server that is reached by network.
pub fn x_socket(display: &str) -> Option<String> {
    let (host, rest) = display.rsplit_once(':')?;
    let number = rest.split('.').next().unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && matches!(host, "" | "unix")).then(|| format!("/tmp/.X11-unix/X{number}"))
}

/// The socket of a Wayland compositor by its name, a path or a file in the runtime folder (`XDG_RUNTIME_DIR`).
pub fn wayland_socket(display: &str, runtime_folder: Option<&str>) -> Option<String> {
    if display.starts_with('/') {
        return Some(display.to_owned());
    }
    Some(format!("{}/{display}", runtime_folder?))
}

/// Whether a display is there. One that is reached by network may be.
pub fn is_there(env: &Env) -> bool {
    let exists = |path: String| files::exists(Path::new(&path));
    let wayland =
        env.get("WAYLAND_DISPLAY").and_then(|name| wayland_socket(name, env.get("XDG_RUNTIME_DIR")));
    let x = env.get("DISPLAY").is_some_and(|display| x_socket(display).is_none_or(exists));
    x || wayland.is_some_and(exists)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_display_of_this_machine_has_a_socket_here() {
        assert_eq!(x_socket(":0").as_deref(), Some("/tmp/.X11-unix/X0"));
        assert_eq!(x_socket("unix:12.1").as_deref(), Some("/tmp/.X11-unix/X12"));
        for other in ["localhost:10.0", "172.20.0.1:0", "", ":", ":../x", "0"] {
            assert_eq!(x_socket(other), None, "{other}");
        }
    }

    #[test]
    fn the_socket_of_wayland_lies_in_the_runtime_folder_or_where_the_variable_says() {
        let runtime = Some("/run/user/7");
        assert_eq!(wayland_socket("wayland-1", runtime).as_deref(), Some("/run/user/7/wayland-1"));
        assert_eq!(wayland_socket("/a/b", None).as_deref(), Some("/a/b"));
        assert_eq!(wayland_socket("wayland-0", None), None);
    }

    #[test]
    fn a_display_whose_socket_is_gone_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("w").display().to_string();
        let is_there = |variables: &[(&str, &str)]| is_there(&Env::pretended(variables));
        assert!(!is_there(&[("WAYLAND_DISPLAY", &socket)]));
        std::fs::write(&socket, "").unwrap();
        assert!(is_there(&[("WAYLAND_DISPLAY", &socket)]));
        assert!(is_there(&[
            ("WAYLAND_DISPLAY", "w"),
            ("XDG_RUNTIME_DIR", &folder.path().display().to_string())
        ]));
        assert!(is_there(&[("DISPLAY", "localhost:10.0")]), "it is elsewhere");
        assert!(!is_there(&[("DISPLAY", ":98765")]));
        assert!(is_there(&[("DISPLAY", ":98765"), ("WAYLAND_DISPLAY", &socket)]));
        assert!(!is_there(&[]));
    }
}
