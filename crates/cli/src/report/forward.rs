//! Ready lines that bring a browser on another computer to the port on which we wait here.

use std::net::IpAddr;

use signin::surroundings::Ssh;

use super::hints::quoted;

/// The port on which SSH servers are, if nothing else is said.
const SSH_PORT: u16 = 22;

/// Something to type, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ready {
    /// Where to type it.
    pub(crate) words: &'static str,
    /// What to type; one line.
    pub(crate) command: String,
}

/// For somebody who came over SSH: the whole command, if their address of this machine is known; what to add to their own; and
/// what to type into the session that is open.
pub(crate) fn over_ssh(ssh: &Ssh, port: u16) -> Vec<Ready> {
    let forward = format!("-L {port}:127.0.0.1:{port}");
    let whole = ssh_command(ssh, &forward)
        .map(|command| Ready { words: "On the computer with the browser, in another terminal:", command });
    let own = Ready {
        words: "Behind a jump host, or if that does not connect, add this to your own ssh command:",
        command: forward.clone(),
    };
    let open = Ready {
        words: "In the open SSH session, if its EnableEscapeCommandline is yes: Enter, ~C, then",
        command: forward,
    };
    whole.into_iter().chain([own, open]).collect()
}

/// For a container: how to start it, and how to sign in there. `login` is the command that signs in.
pub(crate) fn into_container(login: &str, port: u16) -> Vec<Ready> {
    if login.contains(char::is_control) {
        return Vec::new();
    }
    vec![
        Ready {
            words: "Restart the container with this option:",
            command: format!("-p 127.0.0.1:{port}:{port}"),
        },
        Ready {
            words: "Then sign in there with:",
            command: format!("{login} --callback-listen 0.0.0.0 --redirect-port {port}"),
        },
    ]
}

/// Nothing where the server is not known, or not by an address that another computer could use as it is.
fn ssh_command(ssh: &Ssh, forward: &str) -> Option<String> {
    let server: IpAddr = ssh.server.as_deref()?.parse().ok()?;
    let server = match server {
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => IpAddr::V4(mapped),
            // The other computer would have to say through which of its interfaces.
            None if address.is_unicast_link_local() => return None,
            None => server,
        },
        IpAddr::V4(_) => server,
    };
    if server.is_unspecified() {
        return None;
    }
    // Without a name, ssh takes the one that the person has over there.
    let user = ssh.user.as_deref().filter(|user| is_name(user));
    let destination = match user {
        Some(user) => format!("{user}@{server}"),
        None => server.to_string(),
    };
    let at_port = ssh.port.filter(|port| *port != SSH_PORT && *port != 0);
    let at_port = at_port.map(|port| format!(" -p {port}")).unwrap_or_default();
    // In an IPv6 address there is nothing that a shell or ssh would take for something else.
    Some(format!("ssh -N {forward}{at_port} {}", quoted(&destination)))
}

/// Whether a name can be one of a command's words: a dash at its beginning would make an option of it.
fn is_name(user: &str) -> bool {
    !user.is_empty() && !user.starts_with('-') && !user.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh(user: &str, server: &str, port: u16) -> Ssh {
        Ssh { user: Some(user.to_owned()), server: Some(server.to_owned()), port: Some(port) }
    }

    fn command(ssh: &Ssh) -> Option<String> {
        let lines = over_ssh(ssh, 38381);
        lines.iter().map(|ready| ready.command.clone()).find(|command| command.starts_with("ssh "))
    }

    #[test]
    fn the_ssh_command_is_ready_to_be_pasted() {
        for ((user, server, port), expected) in [
            (("jo", "198.51.100.9", 22), "jo@198.51.100.9"),
            (("jo", "198.51.100.9", 2222), "-p 2222 jo@198.51.100.9"),
            (("jo", "198.51.100.9", 0), "jo@198.51.100.9"),
            (("jo", "2001:db8::9", 22), "jo@2001:db8::9"),
            (("jo", "2001:db8::9", 2222), "-p 2222 jo@2001:db8::9"),
            (("jo", "::ffff:198.51.100.9", 22), "jo@198.51.100.9"),
            (("jo", "127.0.0.1", 2200), "-p 2200 jo@127.0.0.1"),
            (("o'brien; x", "198.51.100.9", 22), "'o'\\''brien; x@198.51.100.9'"),
            (("$(id)", "198.51.100.9", 22), "'$(id)@198.51.100.9'"),
            (("jo@corp.example", "198.51.100.9", 22), "jo@corp.example@198.51.100.9"),
            (("CORP\\jo", "198.51.100.9", 22), "'CORP\\jo@198.51.100.9'"),
            (("Ünal", "198.51.100.9", 22), "'Ünal@198.51.100.9'"),
            (("-oProxyCommand=x", "198.51.100.9", 22), "198.51.100.9"),
            (("jo\nrm -r x", "198.51.100.9", 22), "198.51.100.9"),
            (("jo\u{1b}[0m", "198.51.100.9", 22), "198.51.100.9"),
            (("", "198.51.100.9", 22), "198.51.100.9"),
        ] {
            let expected = format!("ssh -N -L 38381:127.0.0.1:38381 {expected}");
            assert_eq!(command(&ssh(user, server, port)), Some(expected));
        }
        let nameless = Ssh { user: None, port: None, ..ssh("", "198.51.100.9", 22) };
        assert_eq!(command(&nameless).unwrap(), "ssh -N -L 38381:127.0.0.1:38381 198.51.100.9");
    }

    #[test]
    fn where_the_address_is_of_no_use_the_own_words_are_left() {
        for server in ["fe80::2", "0.0.0.0", "::", "host; x", "-x", "", "198.51.100.9\n"] {
            let lines = over_ssh(&ssh("jo", server, 22), 38381);
            let commands: Vec<&str> = lines.iter().map(|ready| ready.command.as_str()).collect();
            assert_eq!(commands, ["-L 38381:127.0.0.1:38381"; 2], "{server}");
        }
        assert_eq!(over_ssh(&Ssh::default(), 1).len(), 2);
    }

    #[test]
    fn a_jump_host_an_open_session_and_a_container_have_their_own() {
        let lines = over_ssh(&ssh("jo", "198.51.100.9", 22), 38381);
        let words: Vec<&str> = lines.iter().map(|ready| ready.words).collect();
        assert!(words[1].contains("jump host") && words[2].contains("~C"), "{words:?}");
        assert_eq!(lines[1].command, lines[2].command);
        let lines = into_container("aldis login", 38381);
        let commands: Vec<&str> = lines.iter().map(|ready| ready.command.as_str()).collect();
        assert_eq!(
            commands,
            ["-p 127.0.0.1:38381:38381", "aldis login --callback-listen 0.0.0.0 --redirect-port 38381"]
        );
        assert_eq!(into_container("aldis login\nx", 1), []);
    }
}
