//! Whether a browser of the person reaches the loopback of this machine, and what makes it do so where it does not.

use outside::{Env, files};

use super::hints::quoted;

/// Why a browser may not reach this machine's loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Apart {
    /// Somebody came here over SSH: their browser is on the machine where they came from.
    Ssh {
        /// What they typed to come here, as far as it is known: options and `USER@ADDRESS`.
        destination: String,
    },
    /// A container has a loopback of its own.
    Container,
}

/// Files that container engines leave.
const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// Looks at the surroundings; nothing where browser and terminal seem to share a machine.
pub(crate) fn apart(env: &Env) -> Option<Apart> {
    if let Some(connection) = env.get("SSH_CONNECTION") {
        return Some(Apart::Ssh { destination: destination(env, connection) });
    }
    let is_marked = MARKS.iter().any(|mark| files::exists(mark.as_ref()));
    (is_marked || env.get("container").is_some()).then_some(Apart::Container)
}

/// `USER@ADDRESS`, with the port where it is not the usual one: client address, client port, server address, server port.
fn destination(env: &Env, connection: &str) -> String {
    let mut parts = connection.split_whitespace().skip(2);
    let address = parts.next().unwrap_or("HOST");
    let port = parts.next().filter(|port| *port != "22");
    let user = env.get("USER").or(env.get("LOGNAME")).map(|user| format!("{user}@")).unwrap_or_default();
    let destination = quoted(&format!("{user}{address}"));
    port.map_or(destination.clone(), |port| format!("-p {} {destination}", quoted(port)))
}

impl Apart {
    /// What to say, with the line that makes these ports reachable.
    pub(crate) fn words(&self, ports: &[u16]) -> String {
        match self {
            Self::Ssh { destination } => {
                let forwards: String = ports.iter().map(|port| format!(" -L {port}:127.0.0.1:{port}")).collect();
                format!(
                    "You came here over SSH, so your browser does not reach this machine's 127.0.0.1. This line, typed \
                     where your browser is, makes it reachable:\n\n  ssh -N{forwards} {destination}\n\n"
                )
            }
            Self::Container => {
                "This is a container, so a browser outside it does not reach its 127.0.0.1. One that has its host's network is \
                 reached; start it with this option:\n\n  docker run --network host …\n\n"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_ssh_there_is_a_line_to_paste() {
        let connection = ("SSH_CONNECTION", "192.0.2.7 50522 192.0.2.1 22");
        let env = Env::pretended(&[connection, ("USER", "me")]);
        let words = apart(&env).unwrap().words(&[8765, 38381]);
        let line = "  ssh -N -L 8765:127.0.0.1:8765 -L 38381:127.0.0.1:38381 me@192.0.2.1\n";
        assert!(words.contains(line), "{words}");
        let env = Env::pretended(&[("SSH_CONNECTION", "192.0.2.7 50522 192.0.2.1 2222"), ("LOGNAME", "a b")]);
        assert!(apart(&env).unwrap().words(&[1]).contains("-p 2222 'a b@192.0.2.1'\n"));
    }

    #[test]
    fn a_container_says_so() {
        let env = Env::pretended(&[("container", "podman")]);
        assert_eq!(apart(&env), Some(Apart::Container));
        assert!(Apart::Container.words(&[1]).contains("--network host"));
    }
}
